"""Asks a web server at the socket nginx.sock for pages, over eight connections at a time, some gzipped; then it is told to end."""
import http.client
import os
import signal
import socket
import threading


class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("nginx.sock")


def client(number):
    for round in range(12):
        connection = Connection("localhost")
        for i in range(10):
            path = ("/", "/text.txt", "/repository/", "/missing")[(i + number + round) % 4]
            connection.request("GET", path, headers={"Accept-Encoding": "gzip"} if i % 2 else {})
            connection.getresponse().read()
        connection.close()


clients = [threading.Thread(target=client, args=(i,)) for i in range(8)]
for thread in clients:
    thread.start()
for thread in clients:
    thread.join()
with open("nginx.pid") as file:
    os.kill(int(file.read()), signal.SIGQUIT)

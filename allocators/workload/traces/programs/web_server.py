"""A small web server under load: six clients, in another process, ask it for pages; then it ends."""
import http.client
import http.server
import json
import os
import threading
import urllib.parse


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        rows = [{"id": i, "name": "item %d" % i, "tags": list(query)} for i in range(int(query["n"][0]))]
        body = json.dumps({"path": self.path, "rows": rows}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def client(port, number):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for i in range(60):
        connection.request("GET", "/page?n=%d&user=%d" % (i * number % 37, i))
        connection.getresponse().read()
    connection.close()


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    child = os.fork()
    if child == 0:
        clients = [threading.Thread(target=client, args=(server.server_port, i + 1)) for i in range(6)]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
        os._exit(0)
    threading.Thread(target=lambda: (os.waitpid(child, 0), server.shutdown())).start()
    server.serve_forever()


main()

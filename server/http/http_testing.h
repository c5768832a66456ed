// A plain HTTP client for the tests of the web page: sends exactly the bytes it is given and reads until the server closes.
#ifndef ALLOCLAB_SERVER_HTTP_HTTP_TESTING_H_
#define ALLOCLAB_SERVER_HTTP_HTTP_TESTING_H_

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace alloclab::server {

struct RawResponse {
  int status = 0;       // 0: no answer
  std::string headers;  // status line included
  std::string body;
};

class Connection {
 public:
  // `address`: "127.0.0.1:1234" or "[::1]:1234".
  explicit Connection(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    const bool bracketed = address.front() == '[';
    const std::string host = address.substr(bracketed, colon - 2 * bracketed);
    if (getaddrinfo(host.c_str(), address.substr(colon + 1).c_str(), &hints, &found) != 0) return;
    socket_ = socket(found->ai_family, SOCK_STREAM, 0);
    if (connect(socket_, found->ai_addr, found->ai_addrlen) != 0) Close();
    freeaddrinfo(found);
  }
  ~Connection() { Close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool connected() const { return socket_ >= 0; }
  void Send(absl::string_view bytes) { (void)!send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  void HalfClose() { shutdown(socket_, SHUT_WR); }
  RawResponse Receive() {
    std::string all;
    std::array<char, 16384> buffer;
    for (ssize_t n; (n = recv(socket_, buffer.data(), buffer.size(), 0)) > 0;)
      all.append(buffer.data(), static_cast<size_t>(n));
    RawResponse response;
    const std::size_t end = all.find("\r\n\r\n");
    if (end == std::string::npos || all.size() < 12 || !absl::SimpleAtoi(all.substr(9, 3), &response.status)) return {};
    response.headers = all.substr(0, end + 2);
    response.body = all.substr(end + 4);
    return response;
  }

 private:
  void Close() {
    if (socket_ >= 0) close(socket_);
    socket_ = -1;
  }
  int socket_ = -1;
};

inline RawResponse Exchange(const std::string& address, absl::string_view request) {
  Connection connection(address);
  if (!connection.connected()) return {};
  connection.Send(request);
  return connection.Receive();
}

inline RawResponse Get(const std::string& address, absl::string_view target, absl::string_view headers = {}) {
  return Exchange(address, absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: ", address, "\r\n", headers, "\r\n"));
}

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_HTTP_TESTING_H_

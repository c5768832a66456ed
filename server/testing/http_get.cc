#include "server/testing/http_get.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace alloclab::server {

std::string HttpGet(const std::string& address, const std::string& path) {
  const std::size_t colon = address.rfind(':');
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (getaddrinfo(address.substr(0, colon).c_str(), address.substr(colon + 1).c_str(), &hints, &list) != 0) return "";
  const int connection = socket(list->ai_family, SOCK_STREAM, 0);
  const bool connected = connect(connection, list->ai_addr, list->ai_addrlen) == 0;
  freeaddrinfo(list);
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: " + address + "\r\n\r\n";
  std::string answer;
  if (connected && write(connection, request.data(), request.size()) == static_cast<ssize_t>(request.size())) {
    std::array<char, 65536> buffer;
    for (ssize_t count = 0; (count = read(connection, buffer.data(), buffer.size())) > 0;) {
      answer.append(buffer.data(), static_cast<std::size_t>(count));
    }
  }
  close(connection);
  const std::size_t body = answer.find("\r\n\r\n");
  const bool ok = answer.rfind("HTTP/1.", 0) == 0 && answer.compare(9, 3, "200") == 0;
  return ok && body != std::string::npos ? answer.substr(body + 4) : "";
}

}  // namespace alloclab::server

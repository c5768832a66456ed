#include "server/testing/http_client.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace alloclab {

Connection::Connection(const std::string& address, const std::string& from) {
  const std::size_t colon = address.rfind(':');
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  const bool bracketed = address.front() == '[';
  const std::string host = address.substr(bracketed, colon - 2 * bracketed);
  if (getaddrinfo(host.c_str(), address.substr(colon + 1).c_str(), &hints, &found) != 0) return;
  socket_ = socket(found->ai_family, SOCK_STREAM, 0);
  sockaddr_in own{};
  own.sin_family = AF_INET;
  const bool bound = from.empty() || (inet_pton(AF_INET, from.c_str(), &own.sin_addr) == 1 &&
                                      bind(socket_, static_cast<sockaddr*>(static_cast<void*>(&own)), sizeof own) == 0);
  if (!bound || connect(socket_, found->ai_addr, found->ai_addrlen) != 0) Close();
  freeaddrinfo(found);
}

void Connection::Send(absl::string_view bytes) { (void)!send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

void Connection::HalfClose() { shutdown(socket_, SHUT_WR); }

RawResponse Connection::Receive() {
  std::string all;
  std::array<char, 16384> buffer;
  for (ssize_t n; (n = recv(socket_, buffer.data(), buffer.size(), 0)) > 0;)
    all.append(buffer.data(), static_cast<std::size_t>(n));
  RawResponse response;
  const std::size_t end = all.find("\r\n\r\n");
  if (end == std::string::npos || all.size() < 12 || !absl::SimpleAtoi(all.substr(9, 3), &response.status)) return {};
  response.headers = all.substr(0, end + 2);
  response.body = all.substr(end + 4);
  return response;
}

std::string Connection::ReceiveSome() {
  std::array<char, 16384> buffer;
  const ssize_t n = recv(socket_, buffer.data(), buffer.size(), 0);
  return n > 0 ? std::string(buffer.data(), static_cast<std::size_t>(n)) : "";
}

void Connection::Close() {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
}

RawResponse Exchange(const std::string& address, absl::string_view request) {
  Connection connection(address);
  if (!connection.connected()) return {};
  connection.Send(request);
  return connection.Receive();
}

RawResponse Get(const std::string& address, absl::string_view target, absl::string_view headers) {
  return Exchange(address, absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: ", address, "\r\n", headers, "\r\n"));
}

}  // namespace alloclab

#include "server/server/bind_address.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "server/errors.h"

namespace alloclab::server {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, FreeAddresses>;

// `error` gets getaddrinfo's; 0 when there is an address.
AddressList Resolve(const BindAddress& address, int& error) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* list = nullptr;
  error = getaddrinfo(address.host.c_str(), fmt::format("{}", address.port).c_str(), &hints, &list);
  return AddressList(list);
}

// Why a socket cannot be bound there; 0 when it can.
int TryBind(const addrinfo& address) {
  const int socket_fd = socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_fd < 0) return errno;
  const int on = 1;
  setsockopt(socket_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const int error = bind(socket_fd, address.ai_addr, address.ai_addrlen) != 0 || listen(socket_fd, 1) != 0 ? errno : 0;
  close(socket_fd);
  return error;
}

}  // namespace

absl::StatusOr<BindAddress> ParseBindAddress(const std::string& text) {
  const auto bad = [&] {
    return absl::InvalidArgumentError(
        fmt::format("\"{}\" is not an address; HOST:PORT is expected, such as 127.0.0.1:7411", text));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return bad();
  BindAddress address{text.substr(0, colon), 0};
  const bool bracketed = address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']';
  if (bracketed) address.host = address.host.substr(1, address.host.size() - 2);
  if (!bracketed && address.host.find(':') != std::string::npos) return bad();
  const char* const end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data() + colon + 1, end, address.port);
  if (error != std::errc() || parsed != end || address.port < 0 || address.port > 65535) return bad();
  return address;
}

absl::StatusOr<BindAddress> ParseBindAddress(const std::string& flag, const std::string& text) {
  absl::StatusOr<BindAddress> address = ParseBindAddress(text);
  return address.ok() ? address : errors::BadField(flag, std::string(address.status().message()));
}

std::string ToString(const BindAddress& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", address.host, address.port) : fmt::format("{}:{}", address.host, address.port);
}

absl::Status CheckBindable(const std::string& flag, const BindAddress& address) {
  int resolved = 0;
  const AddressList list = Resolve(address, resolved);
  if (resolved != 0) return errors::CannotListen(flag, ToString(address), gai_strerror(resolved));
  const int error = TryBind(*list);
  if (error == 0) return absl::OkStatus();
  return errors::CannotListen(flag, ToString(address),
                              error == EADDRINUSE ? "the port is taken by another process" : std::strerror(error));
}

void Knock(const BindAddress& address) {
  int resolved = 0;
  const AddressList list = Resolve(address, resolved);
  if (resolved != 0) return;
  const int socket_fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket_fd < 0) return;
  // Nobody waits for the answer: the attempt alone wakes the listener.
  (void)!connect(socket_fd, list->ai_addr, list->ai_addrlen);
  close(socket_fd);
}

bool IsLoopback(const BindAddress& address) {
  return address.host == "localhost" || address.host == "::1" || address.host.starts_with("127.");
}

}  // namespace alloclab::server

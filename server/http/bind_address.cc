#include "server/http/bind_address.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "server/errors.h"
#include "server/http/unix_socket.h"

namespace alloclab::server {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, FreeAddresses>;

// `error` gets getaddrinfo's; 0 when there is an address. glibc takes "*" for every address.
AddressList Resolve(const BindAddress& address, int& error, int flags = 0) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | flags;
  addrinfo* list = nullptr;
  error = getaddrinfo(address.host.c_str(), fmt::format("{}", address.port).c_str(), &hints, &list);
  return AddressList(list);
}

// "127.0.0.1", "::1"
std::string NumericHost(const addrinfo& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  getnameinfo(address.ai_addr, address.ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
  return text.data();
}

// "0.0.0.0" or "::" when it is every address of the host; empty otherwise.
std::string EveryAddress(const BindAddress& address) {
  if (address.host == "*") return "::";
  int resolved = 0;
  const AddressList list = Resolve(address, resolved, AI_NUMERICHOST);
  const std::string host = resolved == 0 ? NumericHost(*list) : "";
  return host == "0.0.0.0" || host == "::" ? host : "";
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

constexpr std::string_view kUnixPrefix = "unix:";

absl::StatusOr<BindAddress> ParseUnix(std::string path) {
  if (path.starts_with("//")) path.erase(0, std::min(path.find_first_not_of('/'), path.size()) - 1);  // unix:///run/lab.sock
  if (absl::Status status = CheckSocketPath(path); !status.ok()) return status;
  return BindAddress{"", 0, std::move(path)};
}

}  // namespace

absl::StatusOr<BindAddress> ParseBindAddress(const std::string& text, Sockets allowed) {
  const bool may_be_unix = allowed == Sockets::kTcpAndUnix;
  if (text.starts_with(kUnixPrefix) && may_be_unix) return ParseUnix(text.substr(kUnixPrefix.size()));
  const auto bad = [&] {
    return absl::InvalidArgumentError(fmt::format("\"{}\" is not an address; HOST:PORT{} is expected, such as 127.0.0.1:7411",
                                                  text, may_be_unix ? " or unix:PATH" : ""));
  };
  if (text.starts_with(kUnixPrefix)) return bad();
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return bad();
  BindAddress address{text.substr(0, colon), 0, ""};
  const bool bracketed = address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']';
  if (bracketed) address.host = address.host.substr(1, address.host.size() - 2);
  if (!bracketed && address.host.find(':') != std::string::npos) return bad();
  const char* const end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data() + colon + 1, end, address.port);
  if (error != std::errc() || parsed != end || address.port < 0 || address.port > 65535) return bad();
  return address;
}

absl::StatusOr<BindAddress> ParseBindAddress(const std::string& flag, const std::string& text, Sockets allowed) {
  absl::StatusOr<BindAddress> address = ParseBindAddress(text, allowed);
  return address.ok() ? address : errors::BadField(flag, std::string(address.status().message()));
}

std::string ToString(const BindAddress& address) {
  if (!address.socket_path.empty()) return fmt::format("{}{}", kUnixPrefix, address.socket_path);
  const bool v6 = address.host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", address.host, address.port) : fmt::format("{}:{}", address.host, address.port);
}

absl::Status CheckBindable(const std::string& flag, const BindAddress& address) {
  if (!address.socket_path.empty()) {
    const absl::Status room = MakeRoomForSocket(address.socket_path);
    return room.ok() ? room : errors::CannotListen(flag, ToString(address), std::string(room.message()));
  }
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
  return !address.socket_path.empty() || address.host == "localhost" || address.host == "::1" ||
         address.host.starts_with("127.");
}

BindAddress SeenFromThisHost(const BindAddress& address) {
  if (!address.socket_path.empty()) return address;
  const std::string every = EveryAddress(address);
  if (every.empty()) return address;
  // gRPC listens on "::" for both families, and for IPv4 alone where there is no other: localhost is either.
  return {every == "::" ? "localhost" : "127.0.0.1", address.port, ""};
}

bool Collide(const BindAddress& one, const BindAddress& other) {
  if (!one.socket_path.empty() || !other.socket_path.empty()) return one.socket_path == other.socket_path;
  if (one.port != other.port || one.port == 0) return false;
  if (!EveryAddress(one).empty() || !EveryAddress(other).empty()) return true;
  int resolved = 0, other_resolved = 0;
  const AddressList list = Resolve(one, resolved), other_list = Resolve(other, other_resolved);
  if (resolved != 0 || other_resolved != 0) return false;  // it will be said when it is bound
  for (const addrinfo* a = list.get(); a != nullptr; a = a->ai_next) {
    for (const addrinfo* b = other_list.get(); b != nullptr; b = b->ai_next) {
      if (NumericHost(*a) == NumericHost(*b)) return true;
    }
  }
  return false;
}

}  // namespace alloclab::server

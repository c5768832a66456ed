#include "server/http/bind_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "server/errors.h"
#include "server/http/resolve.h"
#include "server/http/unix_socket.h"

namespace alloclab::server {
namespace {

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
  const AddressList list = Resolve(address.host, address.port, resolved, AI_NUMERICHOST);
  const std::string host = resolved == 0 ? NumericHost(*list) : "";
  return host == "0.0.0.0" || host == "::" ? host : "";
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

bool IsEveryAddress(const BindAddress& address) { return address.socket_path.empty() && !EveryAddress(address).empty(); }

bool IsLoopback(const BindAddress& address) {
  // As text or as a number: 127.example.org begins like loopback, and is a host of others.
  in_addr number{};
  return !address.socket_path.empty() || address.host == "localhost" || address.host == "::1" ||
         (address.host.starts_with("127.") && inet_pton(AF_INET, address.host.c_str(), &number) == 1);
}

BindAddress SeenFromThisHost(const BindAddress& address) {
  if (!address.socket_path.empty()) return address;
  const std::string every = EveryAddress(address);
  if (every.empty()) return address;
  // "::" is both families, and IPv4 alone where there is no other: localhost is either.
  return {every == "::" ? "localhost" : "127.0.0.1", address.port, ""};
}

bool Collide(const BindAddress& one, const BindAddress& other) {
  if (!one.socket_path.empty() || !other.socket_path.empty()) return one.socket_path == other.socket_path;
  if (one.port != other.port || one.port == 0) return false;
  if (!EveryAddress(one).empty() || !EveryAddress(other).empty()) return true;
  int resolved = 0, other_resolved = 0;
  const AddressList list = Resolve(one.host, one.port, resolved), other_list = Resolve(other.host, other.port, other_resolved);
  if (resolved != 0 || other_resolved != 0) return false;  // it will be said when it is bound
  for (const addrinfo* a = list.get(); a != nullptr; a = a->ai_next) {
    for (const addrinfo* b = other_list.get(); b != nullptr; b = b->ai_next) {
      if (NumericHost(*a) == NumericHost(*b)) return true;
    }
  }
  return false;
}

}  // namespace alloclab::server

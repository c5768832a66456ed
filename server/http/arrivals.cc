#include "server/http/arrivals.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"

namespace alloclab::server {
namespace {

constexpr std::size_t kPrefixBytes = 8, kMappedAt = 12;  // of an address of version 6; where one of version 4 stands in it

}  // namespace

std::string AddressOf(int connection) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  void* const raw = &storage;
  if (getpeername(connection, static_cast<sockaddr*>(raw), &length) != 0) return "";
  const auto text = [](const void* bytes, std::size_t count) { return std::string(static_cast<const char*>(bytes), count); };
  if (storage.ss_family == AF_INET) return text(&static_cast<sockaddr_in*>(raw)->sin_addr, sizeof(in_addr));
  if (storage.ss_family != AF_INET6) return "";
  const in6_addr& address = static_cast<sockaddr_in6*>(raw)->sin6_addr;
  return IN6_IS_ADDR_V4MAPPED(&address) ? text(&address.s6_addr[kMappedAt], sizeof(in_addr)) : text(&address, kPrefixBytes);
}

int Arrivals::Admit(Descriptor connection) {
  const std::string address = AddressOf(connection.get());
  if (address.empty()) return connection.Release();
  const std::optional<absl::Duration> wait = budget_.Take(address);
  if (wait == absl::ZeroDuration()) return connection.Release();
  if (!wait || waiting_.size() >= rules_.waiting_max) {
    ++turned_away_;
    return -1;
  }
  waiting_.emplace(MonotonicTime::Now() + *wait, std::move(connection));
  SetTimer();
  return -1;
}

int Arrivals::Next() {
  std::uint64_t times = 0;
  [[maybe_unused]] const ssize_t got = read(timer_, &times, sizeof times);
  if (waiting_.empty() || waiting_.begin()->first > MonotonicTime::Now()) {
    SetTimer();
    return -1;
  }
  const int next = waiting_.extract(waiting_.begin()).mapped().Release();
  SetTimer();
  return next;
}

void Arrivals::SetTimer() {
  if (waiting_.empty()) return;
  const absl::Duration wait = std::max(absl::Nanoseconds(1), waiting_.begin()->first - MonotonicTime::Now());
  const itimerspec when{.it_interval = {}, .it_value = absl::ToTimespec(wait)};
  timerfd_settime(timer_, 0, &when, nullptr);
}

}  // namespace alloclab::server

#include "server/server/front_door.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "allocators/common/check.h"
#include "server/limits.h"

namespace alloclab::server {
namespace {

constexpr int kAcceptsAtOnce = 64;        // then those who left are counted
constexpr int kDiscardsMax = 256;         // of 64 KiB: more than the kernel holds for one connection
constexpr std::size_t kSilentShare = 16;  // of the connections, one in so many is looked for at a time: a search reads all

void Register(int epoll, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  ALLOCLAB_CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
}

// How long nothing has come; nothing if the kernel does not say, as of a Unix socket.
std::optional<absl::Duration> Silence(int socket) {
  tcp_info info{};
  socklen_t bytes = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &bytes) != 0) return std::nullopt;
  return absl::Milliseconds(info.tcpi_last_data_recv);
}

// Throws away what has come and was not read, which gRPC would still work through, and has the client told when the socket is
// closed that nothing more is read.
void Discard(int socket) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  std::array<char, 1 << 16> ignored;
  for (int i = 0; i < kDiscardsMax && recv(socket, ignored.data(), ignored.size(), MSG_DONTWAIT | MSG_TRUNC) > 0; ++i) {
  }
}

// As grpc::ServerContext::peer() has it.
std::string ClientOf(int socket) {
  sockaddr_storage address{};
  socklen_t bytes = sizeof address;
  if (getpeername(socket, static_cast<sockaddr*>(static_cast<void*>(&address)), &bytes) != 0) return "";
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    sockaddr_in ipv4{};
    std::memcpy(&ipv4, &address, sizeof ipv4);
    return fmt::format("ipv4:{}:{}", inet_ntop(AF_INET, &ipv4.sin_addr, text.data(), text.size()), ntohs(ipv4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    sockaddr_in6 ipv6{};
    std::memcpy(&ipv6, &address, sizeof ipv6);
    return fmt::format("ipv6:%5B{}%5D:{}", inet_ntop(AF_INET6, &ipv6.sin6_addr, text.data(), text.size()),
                       ntohs(ipv6.sin6_port));
  }
  return "";
}

// For epoll_wait: rounded up, and -1 for ever.
int MillisecondsUntil(MonotonicTime time, MonotonicTime now) {
  return time == MonotonicTime::InfiniteFuture() ? -1 : static_cast<int>(absl::ToInt64Milliseconds(time - now)) + 1;
}

}  // namespace

std::size_t ConnectionsFor(std::uint64_t descriptors, std::size_t connections_max) {
  const std::uint64_t left = descriptors - std::min<std::uint64_t>(descriptors, kDescriptorsReserved);
  return static_cast<std::size_t>(
      std::clamp<std::uint64_t>(left / 2, kConnectionsMin, std::max(connections_max, kConnectionsMin)));
}

FrontDoor::FrontDoor(Listener listener, const Rules& rules, OwnerConnections& owners, Enter enter)
    : listener_(std::move(listener)),
      rules_(rules),
      owners_(owners),
      enter_(std::move(enter)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  Register(epoll_.get(), wake_.get(), EPOLLIN);
  for (const Descriptor& socket : listener_.sockets()) Register(epoll_.get(), socket.get(), EPOLLIN);
  thread_ = std::thread([this] { Watch(); });
}

FrontDoor::~FrontDoor() { HangUp(); }

void FrontDoor::HangUp() {
  Close();
  while (!connections_.empty()) HangUp(connections_.begin());
}

void FrontDoor::HangUpOn(const std::string& client, absl::Duration after) {
  {
    const MutexLock lock(mutex_);
    unwanted_.push_back({client, MonotonicTime::Now() + after});
  }
  eventfd_write(wake_.get(), 1);
}

int FrontDoor::HangUpOnUnwanted() {
  const MonotonicTime now = MonotonicTime::Now();
  MonotonicTime next = MonotonicTime::InfiniteFuture();
  std::vector<std::string> due;
  {
    const MutexLock lock(mutex_);
    std::erase_if(unwanted_, [&](const Unwanted& unwanted) {
      if (unwanted.due <= now) due.push_back(unwanted.client);
      if (unwanted.due > now) next = std::min(next, unwanted.due);
      return unwanted.due <= now;
    });
  }
  for (const std::string& client : due) {
    const auto found = Find(client);
    if (found == connections_.end()) continue;
    Discard(found->first);
    HangUp(found);
    ++dropped_unwanted_;
  }
  return MillisecondsUntil(next, now);
}

void FrontDoor::Close() {
  if (!thread_.joinable()) return;
  closing_ = true;
  eventfd_write(wake_.get(), 1);
  thread_.join();
  listener_.Close();
}

FrontDoor::Counts FrontDoor::counts() const {
  return {.open = open_,
          .accepted = accepted_,
          .refused = refused_ + listener_.turned_away(),
          .strangers = dropped_strangers_,
          .silent = dropped_silent_,
          .guests = dropped_guests_,
          .unwanted = dropped_unwanted_};
}

void FrontDoor::Watch() {
  std::array<epoll_event, 64> events;
  while (!closing_) {
    const int guests = HangUpOnGuests(), unwanted = HangUpOnUnwanted();
    const int next = guests < 0 || unwanted < 0 ? std::max(guests, unwanted) : std::min(guests, unwanted);
    const int count = epoll_wait(epoll_.get(), events.data(), events.size(), next);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == wake_.get()) {
        eventfd_t ignored = 0;
        eventfd_read(wake_.get(), &ignored);
      } else if (const auto connection = connections_.find(fd); connection != connections_.end()) {
        if ((events[static_cast<std::size_t>(i)].events & (EPOLLHUP | EPOLLERR)) != 0)
          HangUp(connection);  // gRPC has let it go
      } else {
        Accept(fd);
      }
    }
  }
}

void FrontDoor::Accept(int socket) {
  const auto& sockets = listener_.sockets();
  if (std::none_of(sockets.begin(), sockets.end(), [&](const Descriptor& other) { return other.get() == socket; })) return;
  for (int i = 0; i < kAcceptsAtOnce; ++i) {
    Descriptor accepted(listener_.Accept(socket));
    if (accepted.get() < 0) return;
    const auto is_full = [this] { return connections_.size() - guests_.size() >= rules_.connections_max; };
    if (is_full()) HangUpOnStranger();
    if (is_full()) HangUpOnSilent();
    if (!is_full()) {
      LetIn(std::move(accepted), /*guest=*/false);
    } else if (rules_.guests_max > 0) {
      if (guests_.size() >= rules_.guests_max) HangUpOnGuest();
      LetIn(std::move(accepted), /*guest=*/true);
    } else {
      ++refused_;
    }
  }
}

void FrontDoor::LetIn(Descriptor socket, bool guest) {
  const int on = 1;
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  Descriptor own(fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
  if (own.get() < 0) {
    ++refused_;
    return;
  }
  const int fd = own.get();
  Register(epoll_.get(), fd, 0);  // only its end
  connections_[fd] = Connection{.socket = std::move(own), .client = ClientOf(fd), .since = MonotonicTime::Now()};
  owners_.Enter(connections_[fd].client);
  if (guest) guests_.push_back(fd);
  ++accepted_;
  open_ = connections_.size();
  enter_(socket.Release());
}

void FrontDoor::HangUpOnSilent() {
  std::vector<std::pair<absl::Duration, int>> silent;
  for (const auto& [fd, connection] : connections_) {
    if (const auto silence = Silence(fd); silence && *silence >= rules_.silence) silent.emplace_back(*silence, fd);
  }
  const std::size_t share = std::min(silent.size(), rules_.connections_max / kSilentShare + 1);
  std::partial_sort(silent.begin(), silent.begin() + static_cast<std::ptrdiff_t>(share), silent.end(), std::greater<>());
  for (std::size_t i = 0; i < share; ++i) HangUp(connections_.find(silent[i].second));
  dropped_silent_ += share;
}

void FrontDoor::HangUpOnStranger() {
  const auto found = Find(owners_.LongestStranger());
  const bool stays = found == connections_.end() || MonotonicTime::Now() - found->second.since < rules_.guest_stay;
  if (stays || std::find(guests_.begin(), guests_.end(), found->first) != guests_.end()) return;
  HangUp(found);
  ++dropped_strangers_;
}

FrontDoor::Connections::iterator FrontDoor::Find(const std::string& client) {
  if (client.empty()) return connections_.end();
  return std::find_if(connections_.begin(), connections_.end(),
                      [&](const auto& connection) { return connection.second.client == client; });
}

void FrontDoor::HangUpOnGuest() {
  HangUp(connections_.find(guests_.front()));
  ++dropped_guests_;
}

int FrontDoor::HangUpOnGuests() {
  const MonotonicTime now = MonotonicTime::Now();
  while (!guests_.empty()) {
    const MonotonicTime end = connections_.at(guests_.front()).since + rules_.guest_stay;
    if (end > now) return MillisecondsUntil(end, now);
    HangUpOnGuest();
  }
  return -1;
}

void FrontDoor::HangUp(Connections::iterator connection) {
  // gRPC has the same socket: it learns of the end, and as long as it has it, the socket would be watched under a number that
  // is another's by then.
  shutdown(connection->first, SHUT_RDWR);
  ALLOCLAB_CHECK_EQ(epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, connection->first, nullptr), 0);
  std::erase(guests_, connection->first);
  owners_.Leave(connection->second.client);
  connections_.erase(connection);
  open_ = connections_.size();
}

}  // namespace alloclab::server

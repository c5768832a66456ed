#include "server/http/listener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "allocators/common/check.h"
#include "server/errors.h"
#include "server/http/resolve.h"
#include "server/http/unix_socket.h"

namespace alloclab::server {
namespace {

constexpr useconds_t kWithoutReserveUs = 10'000;
constexpr absl::Duration kHandshakeWaitMax = absl::Seconds(5);
constexpr std::size_t kHandshakesWaitingMax = 256;  // of all addresses
constexpr std::size_t kAddressesMax = 4'096;        // remembered, of those that come slowly

Descriptor OpenReserve() { return Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

// A socket that listens there; errno when there is none.
Descriptor Listen(int family, const void* address, socklen_t bytes) {
  Descriptor socket_fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket_fd.get() < 0) return socket_fd;
  const int on = 1, off = 0;
  if (family != AF_UNIX) setsockopt(socket_fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == AF_INET6) {  // of "::" for both families; the others of a host stand in its list
    const bool every = IN6_IS_ADDR_UNSPECIFIED(&static_cast<const sockaddr_in6*>(address)->sin6_addr);
    setsockopt(socket_fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, every ? &off : &on, sizeof off);
  }
  if (bind(socket_fd.get(), static_cast<const sockaddr*>(address), bytes) == 0 && listen(socket_fd.get(), SOMAXCONN) == 0)
    return socket_fd;
  const int error = errno;
  socket_fd.Reset();
  errno = error;
  return socket_fd;
}

int PortOf(int socket) {
  sockaddr_storage address{};
  socklen_t bytes = sizeof address;
  void* const raw = &address;
  if (getsockname(socket, static_cast<sockaddr*>(raw), &bytes) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6 ? static_cast<sockaddr_in6*>(raw)->sin6_port
                                             : static_cast<sockaddr_in*>(raw)->sin_port);
}

bool HostHasNone(int error) { return error == EADDRNOTAVAIL || error == EAFNOSUPPORT; }

std::string_view Why(int error) { return error == EADDRINUSE ? "the port is taken by another process" : std::strerror(error); }

}  // namespace

Listener::Listener(BindAddress address) : address_(std::move(address)), reserve_(OpenReserve()) {}

Listener::~Listener() { Close(); }

void Listener::Close() {
  if (!sockets_.empty() && !address_.socket_path.empty()) unlink(address_.socket_path.c_str());
  sockets_.clear();
  if (arrivals_ != nullptr) arrivals_->HangUp();
}

void Listener::PaceHandshakes(std::uint32_t at_once, std::uint32_t per_second) {
  if (per_second == 0) return;
  const ClientBudget::Rules of_address{.at_once = static_cast<double>(at_once),
                                       .per_second = static_cast<double>(per_second),
                                       .wait_max = kHandshakeWaitMax,
                                       .clients_max = kAddressesMax};
  Descriptor timer(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  ALLOCLAB_CHECK_GE(timer.get(), 0);
  arrivals_ = std::make_unique<Arrivals>(Arrivals::Rules{of_address, kHandshakesWaitingMax}, timer.get());
  timer_ = timer.get();
  sockets_.push_back(std::move(timer));
}

absl::StatusOr<Listener> Listener::Open(const std::string& flag, const BindAddress& address) {
  const auto refuse = [&](std::string_view why) { return errors::CannotListen(flag, ToString(address), why); };
  Listener listener(address);
  if (!address.socket_path.empty()) {
    if (absl::Status room = MakeRoomForSocket(address.socket_path); !room.ok()) return refuse(std::string(room.message()));
    if (const int error = listener.BindUnix(); error != 0) return refuse(Why(error));
    return listener;
  }
  int resolved = 0;
  if (address.host != "*") Resolve(address.host, address.port, resolved);
  if (resolved != 0) return refuse(gai_strerror(resolved));
  if (const int error = listener.BindTcp(); error != 0) return refuse(Why(error));
  return listener;
}

int Listener::BindUnix() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  address_.socket_path.copy(address.sun_path, kSocketPathMax);
  Descriptor socket_fd = Listen(AF_UNIX, &address, sizeof address);
  if (socket_fd.get() < 0) return errno;
  sockets_.push_back(std::move(socket_fd));
  return 0;
}

int Listener::BindTcp() {
  const bool any_port = address_.port == 0;
  int resolved = 0, error = EADDRNOTAVAIL;
  std::vector<std::string> hosts{address_.host};
  if (address_.host == "*") hosts = {"::", "0.0.0.0"};  // the former is both; the latter where there is no version 6
  for (const std::string& host : hosts) {
    if (address_.host == "*" && !sockets_.empty()) break;
    const AddressList list = Resolve(host, address_.port, resolved);
    for (addrinfo* item = list.get(); item != nullptr; item = item->ai_next) {
      void* const raw = item->ai_addr;
      // All sockets have one port, which the first may have picked.
      if (item->ai_family == AF_INET6) static_cast<sockaddr_in6*>(raw)->sin6_port = htons(static_cast<uint16_t>(address_.port));
      if (item->ai_family == AF_INET) static_cast<sockaddr_in*>(raw)->sin_port = htons(static_cast<uint16_t>(address_.port));
      Descriptor socket_fd = Listen(item->ai_family, raw, item->ai_addrlen);
      if (socket_fd.get() >= 0) {
        address_.port = PortOf(socket_fd.get());
        sockets_.push_back(std::move(socket_fd));
      } else {
        error = errno;
        const bool only_picked = any_port && !sockets_.empty();
        if (!HostHasNone(error) && !only_picked) return error;
      }
    }
  }
  return sockets_.empty() ? error : 0;
}

int Listener::Accept(int socket) {
  if (socket == timer_) return arrivals_->Next();
  const int accepted = accept4(socket, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (accepted >= 0 && arrivals_ != nullptr) return arrivals_->Admit(Descriptor(accepted));
  if (accepted >= 0 || (errno != EMFILE && errno != ENFILE)) return accepted;
  if (reserve_.get() < 0) usleep(kWithoutReserveUs);  // another thread took it: no use in trying at full speed
  reserve_.Reset();
  Descriptor(accept4(socket, nullptr, nullptr, SOCK_CLOEXEC)).Reset();
  reserve_ = OpenReserve();
  return -1;
}

}  // namespace alloclab::server

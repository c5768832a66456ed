// The sockets that listen at an address. Whatever comes, it goes on accepting: when the process has no descriptor left, whoever
// knocks is hung up on, instead of being left to wait.
//
// Thread safety: one thread at a time.
#ifndef ALLOCLAB_SERVER_HTTP_LISTENER_H_
#define ALLOCLAB_SERVER_HTTP_LISTENER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/http/arrivals.h"
#include "server/http/bind_address.h"
#include "server/http/descriptor.h"

namespace alloclab::server {

class Listener {
 public:
  // Every address that the host stands for; "*" is every address of this host. Port 0 takes a free one. A socket file that a
  // dead server left behind is replaced. FAILED_PRECONDITION naming the flag, the address and why it cannot be bound.
  static absl::StatusOr<Listener> Open(const std::string& flag, const BindAddress& address);
  ~Listener();
  Listener(Listener&&) = default;
  Listener& operator=(Listener&&) = delete;

  // TLS is spoken here: from now on one address has so many handshakes (arrivals.h), and whoever comes faster waits. 0: any.
  void PaceHandshakes(std::uint32_t at_once, std::uint32_t per_second);
  // How many were hung up on as they did all the same.
  std::uint64_t turned_away() const { return arrivals_ == nullptr ? 0 : arrivals_->turned_away(); }

  const BindAddress& address() const { return address_; }  // with the port that it is
  // What to watch for readers; what is readable is for Accept.
  const std::vector<Descriptor>& sockets() const { return sockets_; }

  // Listens no more: who waits to be accepted and who comes is refused by the kernel. The address stays known.
  void Close();

  // The next connection that waits at one of the sockets, not blocking. -1: nobody waits, or who waited was hung up on or has
  // to wait longer.
  int Accept(int socket);

 private:
  explicit Listener(BindAddress address);
  // Why not; 0 if all is well.
  int BindUnix();
  int BindTcp();

  BindAddress address_;
  std::vector<Descriptor> sockets_;
  std::unique_ptr<Arrivals> arrivals_;
  int timer_ = -1;      // among sockets_, of arrivals_
  Descriptor reserve_;  // given up for a moment when there is no other
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_LISTENER_H_

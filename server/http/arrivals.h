// Connections that have been accepted and wait to be let in, since more come of their address than may.
//
// A handshake of TLS costs a millisecond or two of a processor, before anybody has shown who he is, and what a client sends
// right after it as much again: who connects again and again would take the processors from all others, and those who come
// together are served one after the other before anybody else. Of version 6 an address is its first half, which is what one
// host is given. Connections of Unix sockets never wait.
//
// Thread safety: one thread at a time.
#ifndef ALLOCLAB_SERVER_HTTP_ARRIVALS_H_
#define ALLOCLAB_SERVER_HTTP_ARRIVALS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "allocators/common/monotonic_time.h"
#include "server/http/client_budget.h"
#include "server/http/descriptor.h"

namespace alloclab::server {

// Of who is connected, as bytes, of version 6 the first half; nothing of a Unix socket, or if the other side is gone already.
std::string AddressOf(int connection);

class Arrivals {
 public:
  struct Rules {
    ClientBudget::Rules of_address;
    std::size_t waiting_max = 0;  // of all addresses
  };
  // `timer`, of timerfd_create and not blocking, outlives it: readable when Next() may have one.
  Arrivals(const Rules& rules, int timer) : rules_(rules), budget_(rules.of_address), timer_(timer) {}

  // The connection, if it may come in now. -1: it waits, or was hung up on as too many do.
  int Admit(Descriptor connection);
  // One that has waited long enough; -1: there is none.
  int Next();
  // On all that wait.
  void HangUp() { waiting_.clear(); }

  // How many were hung up on; from any thread.
  std::uint64_t turned_away() const { return turned_away_; }

 private:
  void SetTimer();

  const Rules rules_;
  ClientBudget budget_;
  const int timer_;
  std::multimap<MonotonicTime, Descriptor> waiting_;  // by when they may come in
  std::atomic<std::uint64_t> turned_away_{0};
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_ARRIVALS_H_

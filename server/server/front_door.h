// Lets connections in to gRPC, which by itself stops listening for ever once the process is out of descriptors.
//
// A bounded number is open. When there are that many, one who has shown no token makes room where others have shown some, so
// that however many strangers keep nobody out who has one; else those that sent nothing for longest are hung up on. While all
// are at work, a few more are let in as guests, for a moment each and until the next guest needs the place: enough to ask for
// the server's health.
//
// Thread safety: `enter` is called by the door's own thread; counts() and HangUpOn() from any; the rest from one.
#ifndef ALLOCLAB_SERVER_SERVER_FRONT_DOOR_H_
#define ALLOCLAB_SERVER_SERVER_FRONT_DOOR_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "allocators/common/monotonic_time.h"
#include "allocators/common/mutex.h"
#include "server/handlers/owner_connections.h"
#include "server/http/listener.h"

namespace alloclab::server {

// Each holds two descriptors: what gRPC has, and what the door knows it by. `descriptors` is how many the process may have.
std::size_t ConnectionsFor(std::uint64_t descriptors, std::size_t connections_max);

class FrontDoor {
 public:
  struct Rules {
    std::size_t connections_max = 0, guests_max = 0;
    absl::Duration silence;  // whoever sent something since may stay
    absl::Duration guest_stay;
  };
  struct Counts {
    std::uint64_t open = 0, accepted = 0;
    // Hung up on: at once, to make room both, after their stay, by HangUpOn.
    std::uint64_t refused = 0, strangers = 0, silent = 0, guests = 0, unwanted = 0;
  };
  // Takes a connected socket over; shuts it down, both ways, before it closes it.
  using Enter = std::function<void(int socket)>;

  // `owners` outlives it, and is told which connections are open.
  FrontDoor(Listener listener, const Rules& rules, OwnerConnections& owners, Enter enter);
  ~FrontDoor();

  // Listens no more, and hangs up on nobody. `enter` is not called any more.
  void Close();
  // Closes it, and hangs up on all.
  void HangUp();
  // On the client that gRPC calls so, as soon as that time has passed, if it is still there, with what it has sent and nobody
  // has read; clients of a Unix socket have no name.
  void HangUpOn(const std::string& client, absl::Duration after = absl::ZeroDuration()) ABSL_LOCKS_EXCLUDED(mutex_);

  const BindAddress& address() const { return listener_.address(); }
  const Rules& rules() const { return rules_; }
  Counts counts() const;

 private:
  struct Connection {
    Descriptor socket;
    std::string client;
    MonotonicTime since = MonotonicTime::Now();
  };
  using Connections = std::map<int, Connection>;  // by descriptor

  void Watch();
  void Accept(int socket);
  void LetIn(Descriptor socket, bool guest);
  void HangUpOnSilent();
  // On one that is nobody's (owner_connections.h) and was open for guest_stay: who has just come may show a token yet.
  void HangUpOnStranger();
  // On the one that came first.
  void HangUpOnGuest();
  // On all whose stay is over. How long until the next one has to go, in milliseconds; -1: there is none.
  int HangUpOnGuests();
  // Likewise, on those whose time has come.
  int HangUpOnUnwanted() ABSL_LOCKS_EXCLUDED(mutex_);
  void HangUp(Connections::iterator connection);
  // The end, if it is not there, or of a Unix socket.
  Connections::iterator Find(const std::string& client);

  Listener listener_;
  const Rules rules_;
  OwnerConnections& owners_;
  const Enter enter_;
  const Descriptor epoll_, wake_;
  Connections connections_;
  std::deque<int> guests_;  // the first is the next to go
  std::atomic<bool> closing_{false};
  std::atomic<std::uint64_t> open_{0}, accepted_{0}, refused_{0}, dropped_strangers_{0}, dropped_silent_{0}, dropped_guests_{0},
      dropped_unwanted_{0};
  Mutex mutex_;
  struct Unwanted {
    std::string client;
    MonotonicTime due;
  };
  std::vector<Unwanted> unwanted_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_FRONT_DOOR_H_

// Which open connections are whose: a connection belongs to who made the first call over it. One owner has a bounded number:
// whoever has enough of them keeps so many calls in flight that even to refuse them takes all of the server, and could have
// all the connections that there may be. Whoever shows no token is a stranger, and makes room when there is none.
//
// Connections are named as gRPC names them; one without a name, of a Unix socket, is nobody's.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_HANDLERS_OWNER_CONNECTIONS_H_
#define ALLOCLAB_SERVER_HANDLERS_OWNER_CONNECTIONS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "allocators/common/mutex.h"

namespace alloclab::server {

class OwnerConnections {
 public:
  using HangUp = std::function<void(const std::string& connection)>;

  // `hang_up` closes a connection a moment later, with what it has sent and nobody has read.
  OwnerConnections(std::size_t of_one_max, HangUp hang_up) : of_one_max_(of_one_max), hang_up_(std::move(hang_up)) {}

  // It is open from now on, and no more.
  void Enter(const std::string& connection) ABSL_LOCKS_EXCLUDED(mutex_);
  void Leave(const std::string& connection) ABSL_LOCKS_EXCLUDED(mutex_);

  // The owner makes a call over it. RESOURCE_EXHAUSTED: it is nobody's yet, and he has as many as he may; it will be closed.
  // CANCELLED: that was said before, and is not worth an answer: all its streams stay taken until it is closed.
  absl::Status Call(const std::string& connection, const std::string& owner) ABSL_LOCKS_EXCLUDED(mutex_);

  // Of the connections that are nobody's the one that is open for longest; empty: there is none, or nobody has called as an
  // owner yet, as where there are no tokens.
  std::string LongestStranger() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const std::size_t of_one_max_;
  const HangUp hang_up_;
  mutable Mutex mutex_;
  struct Open {
    std::uint64_t number = 0;  // in the order in which they came
    std::string owner = {};    // empty: nobody yet
    bool refused = false;
  };
  std::uint64_t entered_ ABSL_GUARDED_BY(mutex_) = 0;
  bool owners_call_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::uint64_t, std::string> strangers_ ABSL_GUARDED_BY(mutex_);  // by number
  std::unordered_map<std::string, Open> open_ ABSL_GUARDED_BY(mutex_);
  std::unordered_map<std::string, std::size_t> counts_ ABSL_GUARDED_BY(mutex_);  // by owner
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_OWNER_CONNECTIONS_H_

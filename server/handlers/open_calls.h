// A bounded number of calls of one kind: streams, uploads, watchers; and of these a bounded number of one connection, whatever
// HTTP/2 lets it open, and half of them of one owner of a token, whatever connections he has. When there are as many as there
// may be, the one whose client kept silent for longest makes room, if it was long enough: silence holds nobody up. Those that
// can are told when the server drains.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_HANDLERS_OPEN_CALLS_H_
#define ALLOCLAB_SERVER_HANDLERS_OPEN_CALLS_H_

#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "allocators/common/monotonic_time.h"
#include "allocators/common/mutex.h"

namespace alloclab::server {

class OpenCalls {
 public:
  struct Rules {
    std::size_t max = 0;
    std::size_t of_one_client = max;
    absl::Duration silence = absl::InfiniteDuration();  // of a call that may have to make room
  };
  struct Client {
    std::string connection;  // empty: none, without a bound
    std::string owner = {};  // empty: nobody's, without a bound
  };
  using Clock = std::function<MonotonicTime()>;
  // Ends a call with a status; must not block or call back.
  using End = std::function<void(const absl::Status&)>;

  explicit OpenCalls(const Rules& rules, Clock clock = MonotonicTime::Now) : rules_(rules), clock_(std::move(clock)) {}
  explicit OpenCalls(std::size_t max) : OpenCalls(Rules{.max = max, .of_one_client = max}) {}

  // UNAVAILABLE while draining, `when_full` when there are too many, in all or of this client. `end` is called at most once,
  // before Leave returns: when the server drains, and when the call makes room for another one; then it counts no more.
  absl::Status Admit(
      const void* call, const Client& client, const absl::Status& when_full, End end = [](const absl::Status&) {})
      ABSL_LOCKS_EXCLUDED(mutex_);
  // The client has just done something.
  void Heard(const void* call) ABSL_LOCKS_EXCLUDED(mutex_);
  void Leave(const void* call) ABSL_LOCKS_EXCLUDED(mutex_);

  // Tells all, and refuses from here on.
  void Drain() ABSL_LOCKS_EXCLUDED(mutex_);
  std::size_t size() const ABSL_LOCKS_EXCLUDED(mutex_);
  std::size_t max() const { return rules_.max; }

 private:
  struct Call {
    Client client;
    End end;
    MonotonicTime heard;
  };
  bool MakeRoom(MonotonicTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Remove(std::map<const void*, Call>::iterator call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::size_t of_one_owner() const { return (rules_.max + 1) / 2; }

  const Rules rules_;
  const Clock clock_;
  mutable Mutex mutex_;
  std::map<const void*, Call> calls_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::size_t> of_client_ ABSL_GUARDED_BY(mutex_);  // by connection
  std::map<std::string, std::size_t> of_owner_ ABSL_GUARDED_BY(mutex_);   // but for nobody
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_OPEN_CALLS_H_

// Whose calls have to wait: who asks for clearly more than an even share, while others ask, too.
//
// A connection is read in turn with the others, and what it brings is done at once, which costs least. So whoever has more
// connections, with more calls in flight, would have more of the server, and everyone else would wait for all of that. The
// calls of who asks too much are queued instead (call_queue.h), where owners take turns, and the threads that read are free for
// the others. (server/robustness/secured.py measures it.)
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_HANDLERS_FAIR_SHARE_H_
#define ALLOCLAB_SERVER_HANDLERS_FAIR_SHARE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "allocators/common/monotonic_time.h"
#include "allocators/common/mutex.h"

namespace alloclab::server {

class FairShare {
 public:
  // What counts is what was asked in this span and the one before: who was alone until now, and made good use of that, does not
  // stand behind a flood that begins.
  static constexpr absl::Duration kSpan = absl::Milliseconds(200);
  // Who has called within so long is one of those who share, however little he asks.
  static constexpr absl::Duration kPresence = absl::Seconds(5);
  static constexpr std::uint64_t kFewCalls = 32;  // in two spans; never too many
  using Clock = std::function<MonotonicTime()>;

  explicit FairShare(Clock clock = MonotonicTime::Now) : clock_(std::move(clock)), began_(clock_()) {}

  // Counts a call of that owner, and says whether he asks too much: more than one and a half times what each of those who share
  // would have asked if all had asked as much.
  bool Count(std::string_view owner) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Calls {
    std::uint64_t now = 0, before = 0;  // in this span, and in the last one
    MonotonicTime last = MonotonicTime::InfinitePast();
  };
  void BeginSpan(MonotonicTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock clock_;
  Mutex mutex_;
  MonotonicTime began_ ABSL_GUARDED_BY(mutex_);
  std::unordered_map<std::string, Calls> calls_ ABSL_GUARDED_BY(mutex_);  // by owner
  std::uint64_t total_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_FAIR_SHARE_H_

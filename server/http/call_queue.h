// Short calls, done as they come, and queued when that is not possible; and pieces of work that are too long for gRPC's own
// threads: the batches of streams, the pages of walks, the answers of HTTP (http_transport.h).
//
// The thread that brings a call does it itself, while few others are at it: handing it to another thread costs more than most
// calls do, and while it works it takes nothing new from the network, where clients feel that there is no more room. So calls
// that are many wait in sockets, not here. A call may also be long, a walk through a large heap; then the few places of those
// who bring are taken, and what else comes is queued for the queue's own threads. There is a queue for each connection, and
// they take turns: whoever asks little waits little, whatever others ask. Beyond a bound of calls that wait, they are refused.
//
// Where calls have owners there is a queue for each owner, whatever connections he has, and who asks too much (fair_share.h)
// has all his calls queued, for the queue's own threads, which do those of the others first.
//
// Thread safety: all methods may be called from any thread. The destructor runs what waits.
#ifndef ALLOCLAB_SERVER_HTTP_CALL_QUEUE_H_
#define ALLOCLAB_SERVER_HTTP_CALL_QUEUE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "allocators/common/mutex.h"

namespace alloclab::server {

class CallQueue {
 public:
  struct Rules {
    unsigned threads = 0;              // of the queue; more would only take time from each other
    unsigned bringers = 0;             // at work at a time; fewer than there are threads that bring calls
    unsigned of_one_client = threads;  // of the queue's threads, so that there are some for others
    std::size_t waiting_max = 0;       // in all; a client of which none is here may always bring one
  };
  // Who brings a call.
  struct Client {
    std::string name;                    // of its owner, or of the connection
    bool asks_much = false;              // too much
    std::size_t waiting_max = SIZE_MAX;  // of his own
  };
  explicit CallQueue(const Rules& rules);
  ~CallQueue();

  // Whether it was called. False: others wait, or enough bringers are at work. Not for who asks too much.
  [[nodiscard]] bool DoNow(absl::FunctionRef<void()> call);
  // Whether it was or will be called. False: too many wait, and it costs no more to say so. The bringer may be made to do calls
  // that wait, until there are none of who asks no more than others. A thread of the queue brings one at the end of its call:
  // it goes on with what waits itself, and no other is woken.
  [[nodiscard]] bool Offer(const Client& client, std::function<void()> call) ABSL_LOCKS_EXCLUDED(mutex_);

  std::size_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
  const Rules& rules() const { return rules_; }

 private:
  struct Call {
    std::function<void()> call;
    bool asks_much = false;
  };
  // What is here of a client.
  struct Here {
    std::deque<Call> waiting;
    unsigned at_work = 0;   // threads of the queue
    bool has_turn = false;  // it is in a list of turns: some wait, and another thread may be at it
  };
  using Turns = std::deque<std::string>;
  struct Taken {
    std::string client;
    std::function<void()> call;
  };

  bool TakePlace();
  void LeavePlace() { bringers_.fetch_sub(1, std::memory_order_release); }
  bool Put(const Client& client, std::function<void()> call) ABSL_LOCKS_EXCLUDED(mutex_);
  void GiveTurn(const std::string& name, Here& here, bool wake = true) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The next call of a list of turns that has one, which is under way from now on.
  Taken Take(Turns& turns) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Do(const Taken& taken) ABSL_LOCKS_EXCLUDED(mutex_);
  // Does one of those that wait, of who asks no more than others. False: there is none.
  bool Help() ABSL_LOCKS_EXCLUDED(mutex_);
  // Does one, as soon as there is one. False: the queue stops.
  bool Work() ABSL_LOCKS_EXCLUDED(mutex_);
  void Sleep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);  // until there may be a turn
  void WakeAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Rules rules_;
  std::atomic<unsigned> bringers_{0};
  // Changed under the lock: all, and those of who asks no more than others.
  std::atomic<std::size_t> waiting_{0}, few_waiting_{0};
  Mutex mutex_;
  std::unordered_map<std::string, Here> clients_ ABSL_GUARDED_BY(mutex_);
  Turns turns_ ABSL_GUARDED_BY(mutex_), last_turns_ ABSL_GUARDED_BY(mutex_);  // the last ones: of who asks too much
  // Threads that wait for a turn. The one that came last is woken first: what it needs is in its processor's caches, and few
  // calls keep few threads busy, which matters as each keeps memory that was freed in it.
  std::vector<Condition*> sleepers_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_CALL_QUEUE_H_

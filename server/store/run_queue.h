// The runs that have not ended in a store which several servers share, and which server replays which.
//
// Who takes a run has it for a lease, which he renews as long as he replays it. When he does not, another server may take the
// run up, with a new token; what the first one still finds is then refused, because his token is old. So every run ends once,
// whatever becomes of a server, of its network or of its clock: leases are measured by the clock of the database alone.
//
// Errors as run_store.h has them. Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_STORE_RUN_QUEUE_H_
#define ALLOCLAB_SERVER_STORE_RUN_QUEUE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/entities/run.h"

namespace alloclab::server {

class RunQueue {
 public:
  virtual ~RunQueue() = default;

  virtual absl::Duration lease() const = 0;

  // What may be taken: with how many runs under way an owner must wait; whether runs on real allocators may be; and whether
  // only those of owners who have none under way.
  struct Bounds {
    std::uint32_t running_of_one = UINT32_MAX;
    bool natives = true;
    bool first_ones = false;
  };
  struct Taken {
    Run run;  // kQueued
    std::uint64_t token = 0;
    std::uint64_t attempt = 0;  // 1: the first
  };
  // Takes the run whose turn it is, of all servers' owners whoever has the fewest under way, and among those whoever waits
  // longest for his turn. Nothing: no run waits that may be taken. One whose lease has run out waits again, until it was taken
  // kAttemptsMax times; then it has failed.
  virtual absl::StatusOr<std::optional<Taken>> Take(const Bounds& bounds) = 0;

  struct Held {
    std::uint64_t run = 0, token = 0;
    std::uint64_t operations_done = 0;  // others see that
  };
  enum class Order { kGoOn, kCancel, kLost };  // kLost: another server has it, or it was cancelled and has ended
  // Renews the leases. What each of `held` is to do, in the same order.
  virtual absl::StatusOr<std::vector<Order>> Renew(const std::vector<Held>& held) = 0;
  // As RunStore::FinishRun. ABORTED: the token is old. The same end once more, with the same token, is no error.
  virtual absl::Status FinishTaken(const Run& run, std::uint64_t token) = 0;
  // They wait again, as if they had not been taken; those with old tokens are left alone.
  virtual absl::Status GiveBack(const std::vector<Held>& held) = 0;

  // A run that nobody replays ends as cancelled; who replays it is told by Renew. Any other is left alone.
  virtual absl::Status AskToCancel(std::uint64_t run) = 0;

  struct Waiting {
    std::uint64_t runs = 0, operations = 0;
    std::uint64_t of_owner = 0;  // runs of the owner that was named
  };
  virtual absl::StatusOr<Waiting> CountWaiting(std::string_view owner) const = 0;
  struct User {
    std::uint64_t run = 0;
    std::string owner{};
  };
  // Of the runs that replay this trace and have not ended one of `owner`, else the oldest.
  virtual absl::StatusOr<std::optional<User>> FindUserOf(std::string_view trace_sha256, std::string_view owner) const = 0;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_RUN_QUEUE_H_

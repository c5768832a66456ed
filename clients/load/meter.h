// What a load has done so far. Workers add to a meter batch by batch; progress, reports and /metrics read snapshots of it.
#ifndef ALLOCLAB_CLIENTS_LOAD_METER_H_
#define ALLOCLAB_CLIENTS_LOAD_METER_H_

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "allocators/common/mutex.h"
#include "allocators/common/outcome.h"
#include "allocators/common/pow2_histogram.h"
#include "allocators/workload/operation.h"
#include "clients/load/clock.h"
#include "clients/load/latency_histogram.h"
#include "clients/load/schedule.h"

namespace alloclab::load {

enum class DropReason { kOverrun, kInflightLimit, kAborted };
inline constexpr int kDropReasons = 3;
std::string_view DropReasonName(DropReason reason);  // "inflight_limit"

enum class LossReason { kRpcError, kDeadline };
inline constexpr int kLossReasons = 2;
std::string_view LossReasonName(LossReason reason);  // "rpc_error"

// Counters that only grow, in operations unless they say otherwise. Two states of one load subtract to what happened between.
struct LoadCounts {
  std::array<std::array<std::uint64_t, kOutcomeSlots>, kOpKinds> answered{};
  std::array<std::array<std::uint64_t, kLossReasons>, kOpKinds> lost{};
  std::uint64_t scheduled = 0;  // sent or dropped
  std::array<std::uint64_t, kDropReasons> dropped{};
  std::uint64_t passes = 0;        // begun
  Nanos between_passes{0};         // spent on fresh instances
  Pow2Histogram batch_operations;  // of every batch sent
  // Of batches: from the intended start to the reply, from the send to the reply, what the server says it took of that, and
  // from the intended start to the send.
  LatencyHistogram response, service, server, lag;
  LatencyHistogram own_lag;  // the lag of batches that found room in the window: how late the generator itself was

  std::uint64_t Answered() const;
  std::uint64_t Failed() const;  // of those answered
  std::uint64_t Lost() const;
  LoadCounts& operator+=(const LoadCounts& other);
  LoadCounts& operator-=(const LoadCounts& earlier);  // but for batch_operations, which nobody subtracts
};

// How it stands at this moment.
struct LoadGauges {
  std::uint64_t inflight_operations = 0;
  double target_per_second = 0;  // 0: closed loop
  Nanos lag{0};                  // of the last batch sent, or of the one that waits
  double position_ratio = 0;     // of the pass under way
};

struct LoadSnapshot {
  LoadCounts counts;
  LoadGauges gauges;

  // Both together: sums, but for the lag, which is the larger one, and the position, which stays.
  LoadSnapshot& operator+=(const LoadSnapshot& other);
};

// The reply to a batch.
struct Answer {
  std::span<const Outcome> outcomes;         // one per operation, or none if all were kOk
  Nanos response{0}, service{0}, server{0};  // as in LoadCounts
};

// Thread safety: safe for concurrent use.
class Meter {
 public:
  LoadSnapshot Read() const ABSL_LOCKS_EXCLUDED(mutex_);  // both parts together
  LoadCounts Read(Part part) const ABSL_LOCKS_EXCLUDED(mutex_);

  void SetTarget(double per_second) ABSL_LOCKS_EXCLUDED(mutex_);
  void PassBegun(Part part) ABSL_LOCKS_EXCLUDED(mutex_);
  void Paused(Part part, Nanos pause) ABSL_LOCKS_EXCLUDED(mutex_);  // between two passes
  // `found_room`: the batch did not have to wait for the window.
  void Sent(Part part, std::uint64_t operations, Nanos lag, bool found_room, double position_ratio) ABSL_LOCKS_EXCLUDED(mutex_);
  void Waiting(Nanos lag) ABSL_LOCKS_EXCLUDED(mutex_);
  // Batches of `batch` operations each.
  void Dropped(DropReason reason, const Missed& missed, std::uint64_t batch) ABSL_LOCKS_EXCLUDED(mutex_);
  void Answered(Part part, std::span<const Operation> batch, const Answer& answer) ABSL_LOCKS_EXCLUDED(mutex_);
  void Lost(Part part, std::span<const Operation> batch, LossReason reason) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  LoadCounts& CountsOf(Part part) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return counts_[static_cast<std::size_t>(part)]; }

  mutable Mutex mutex_;
  std::array<LoadCounts, kParts> counts_ ABSL_GUARDED_BY(mutex_);
  LoadGauges gauges_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_METER_H_

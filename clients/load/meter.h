// What a load has done so far. Workers add to a meter batch by batch; progress, reports and /metrics read snapshots of it.
#ifndef ALLOCLAB_CLIENTS_LOAD_METER_H_
#define ALLOCLAB_CLIENTS_LOAD_METER_H_

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "allocators/common/outcome.h"
#include "allocators/common/pow2_histogram.h"
#include "allocators/workload/operation.h"
#include "clients/load/clock.h"
#include "clients/load/latency_histogram.h"

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
  std::uint64_t passes = 0;                 // begun
  Nanos between_passes{0};                  // spent on fresh instances
  Pow2Histogram batch_operations;           // of every batch sent
  LatencyHistogram response, service, lag;  // of batches

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
};

// Thread safety: safe for concurrent use.
class Meter {
 public:
  LoadSnapshot Read() const ABSL_LOCKS_EXCLUDED(mutex_);

  void SetTarget(double per_second) ABSL_LOCKS_EXCLUDED(mutex_);
  void PassBegun() ABSL_LOCKS_EXCLUDED(mutex_);
  void Paused(Nanos pause) ABSL_LOCKS_EXCLUDED(mutex_);  // between two passes
  void Sent(std::uint64_t operations, Nanos lag, double position_ratio) ABSL_LOCKS_EXCLUDED(mutex_);
  void Waiting(Nanos lag) ABSL_LOCKS_EXCLUDED(mutex_);
  void Dropped(DropReason reason, std::uint64_t operations) ABSL_LOCKS_EXCLUDED(mutex_);
  // `outcomes` has one element per operation, or none if all were kOk.
  void Answered(std::span<const Operation> batch, std::span<const Outcome> outcomes, Nanos response, Nanos service)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Lost(std::span<const Operation> batch, LossReason reason) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable absl::Mutex mutex_;
  LoadSnapshot state_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_METER_H_

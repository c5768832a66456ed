// Where two replays of one trace part ways: two engines that should agree, or two allocators that should not.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_DIFFERENCE_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_DIFFERENCE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "allocators/catalog/instance.h"
#include "allocators/workload/run.h"
#include "allocators/workload/trace.h"

namespace alloclab {

struct Difference {
  std::uint64_t operation = 0;  // counted from 1; 0 when there is none
  std::string what;             // one sentence with both values; empty when there is none
  bool cancelled = false;       // stopped by the callback before the end: nothing is known about the rest
  bool placement_only = false;  // a user's program on one side: see FindFirstDifference
};

// Callbacks of each side, as RunOptions has them.
struct SideCallbacks {
  AdmitCallback admit_a = nullptr, admit_b = nullptr;
  Interrupt interrupt = nullptr;  // of the digests at the end
};

// What sentences call the two: "address: 0xC0400008 in run 7, 0xC0400010 in run 8".
struct SideNames {
  std::string a = "a", b = "b";
};

// Replays the trace on two fresh instances in step and compares, after every operation, its outcome, the address it gave and
// all costs so far; at the end the heaps' metadata. Errors as of ExecuteRun, naming the instance ("a: ..."),
// and of the callbacks.
// If one side alone is a user's program, only what both decide is compared: outcomes, addresses as offsets from the first
// block that each gave, since their heaps lie elsewhere, and moves of the break. What compiled code loads is its own.
absl::StatusOr<Difference> FindFirstDifference(const Trace& trace, const InstanceConfig& a, const InstanceConfig& b,
                                               const ProgressCallback& progress = nullptr, const SideNames& names = {},
                                               const SideCallbacks& callbacks = {});

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_DIFFERENCE_H_

// One run on a real allocator: its workload, replayed several times in processes of their own, and what was measured.
#ifndef ALLOCLAB_SERVER_COLLECTIONS_NATIVE_RUN_H_
#define ALLOCLAB_SERVER_COLLECTIONS_NATIVE_RUN_H_

#include <memory>

#include "absl/functional/function_ref.h"
#include "server/collections/trace_library.h"
#include "server/entities/host_budget.h"
#include "server/entities/live_run.h"
#include "server/entities/native_allocator.h"

namespace alloclab::server {

// First a replay that reads how much memory is held, then kNativeLatencyPasses that time every operation, then native.repeats
// that are timed as a whole; once a run has taken `natives.time_max`, kNativeRepeatsMin of them must do. Memory is taken from
// the budget before: the operations, the times, and twice what the workload has live at its peak. Calls `finish` once:
// succeeded, failed with the reason, or cancelled. What a process does wrong fails its run.
void MeasureRun(LiveRun& live, TraceLibrary& traces, const std::shared_ptr<HostBudget>& budget, const NativeAllocators& natives,
                absl::FunctionRef<void(Run)> finish);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_COLLECTIONS_NATIVE_RUN_H_

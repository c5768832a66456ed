// One run, from its workload to its result.
#ifndef ALLOCLAB_SERVER_COLLECTIONS_REPLAY_RUN_H_
#define ALLOCLAB_SERVER_COLLECTIONS_REPLAY_RUN_H_

#include <memory>

#include "absl/functional/function_ref.h"
#include "server/collections/trace_library.h"
#include "server/entities/host_budget.h"
#include "server/entities/live_run.h"

namespace alloclab::server {

// Replays the run's workload on a fresh instance, tells `live` how far it is, and stops soon after it was cancelled. Calls
// `finish` once with the run as it ended, before its machine is taken down: succeeded or cancelled with a result, or failed
// with the reason.
void ReplayRun(LiveRun& live, TraceLibrary& traces, const std::shared_ptr<HostBudget>& budget,
               absl::FunctionRef<void(Run)> finish);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_COLLECTIONS_REPLAY_RUN_H_

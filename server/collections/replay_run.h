// One run, from its workload to its result.
#ifndef ALLOCLAB_SERVER_COLLECTIONS_REPLAY_RUN_H_
#define ALLOCLAB_SERVER_COLLECTIONS_REPLAY_RUN_H_

#include "server/collections/trace_library.h"
#include "server/entities/host_budget.h"
#include "server/entities/live_run.h"

namespace alloclab::server {

// Replays the run's workload on a fresh instance, tells `live` how far it is, and stops soon after it was cancelled. Returns the
// run as it ended: succeeded or cancelled with a result, or failed with the reason.
Run ReplayRun(LiveRun& live, TraceLibrary& traces, HostBudget& budget);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_COLLECTIONS_REPLAY_RUN_H_

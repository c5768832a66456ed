// A generator that joins others: what it loads, and when, it is told by the leader (leader.h).
#ifndef ALLOCLAB_CLIENTS_LOAD_JOIN_H_
#define ALLOCLAB_CLIENTS_LOAD_JOIN_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "clients/common/session.h"
#include "clients/load/load_metrics.h"

namespace alloclab::load {

struct JoinedLoad {
  std::uint64_t operations = 0;  // answered, in the measured part
  bool interrupted = false;
};

// Joins the leader at HOST:PORT and does what it says, against the server of the session, until the leader has the part of this
// generator. `metrics` gets a meter for each instance. UNAVAILABLE: there is no leader, or it is gone; CANCELLED: interrupted
// before the load began; DATA_LOSS: the trace is not what the leader says; otherwise why the leader does not want it, or the
// call that failed.
absl::StatusOr<JoinedLoad> JoinLoad(client::Session& session, const std::string& leader, LoadMetrics& metrics);

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_JOIN_H_

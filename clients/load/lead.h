// A load that this process leads, from the words for people to the report of all.
#ifndef ALLOCLAB_CLIENTS_LOAD_LEAD_H_
#define ALLOCLAB_CLIENTS_LOAD_LEAD_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/common/session.h"
#include "clients/load/leader.h"
#include "clients/load/load_run.h"
#include "clients/load/script.h"

namespace alloclab::load {

// A leader that listens, and says where; it lets in who shows this process's own token. `config` is of the whole load. Errors
// as of Leader::Listen; RESOURCE_EXHAUSTED: the trace is larger than kSharedTraceBytesMax.
absl::StatusOr<std::unique_ptr<Leader>> StartLeader(const client::Session& session, const LeaderPort& port,
                                                    const v1::LoadConfig& config, const std::string& run_id, bool keep,
                                                    const Script& script);

// Waits for all generators, at most that long, and returns when all begin. DEADLINE_EXCEEDED: not all came; CANCELLED:
// interrupted.
absl::StatusOr<Nanos> Gather(Leader& leader, Nanos longest, const std::function<bool()>& interrupted);

// Shows how the load gets on, of all generators together, until it has ended on all. It ends for all when it is interrupted, or
// fails on one. `leader`: null if there is but this one.
void AwaitEnd(const client::Session& session, const std::function<bool()>& interrupted, LoadRun& run, Leader* leader);

// Adds what the joined did to the leader's own result: one report of all, as one process would have made it. `start` is when
// all were to begin. One that failed or was lost becomes the result's error, unless it has one.
void MergeParts(const std::vector<JoinedPart>& parts, Nanos start, LoadRun::Result& result);

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_LEAD_H_

// A comparison that replays each cell more than once: what is exact must be the same each time, and what is measured of the
// lab's own replay becomes a mean with its interval.
#ifndef ALLOCLAB_CLIENTS_CLI_REPEATED_RUNS_H_
#define ALLOCLAB_CLIENTS_CLI_REPEATED_RUNS_H_

#include <google/protobuf/struct.pb.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/common/interval.h"
#include "clients/cli/comparison.h"
#include "clients/common/document.h"

namespace alloclab::client {

// What the replays of one cell measured.
struct ReplayTimes {
  std::string table, name;  // as TableTitle; allocator and parameters
  std::vector<std::uint64_t> runs;
  Interval ns_per_operation;
  double fastest = 0;
};

struct JoinedRuns {
  std::vector<ComparedRun> runs;   // one of each cell: the first, or the first that did not succeed
  std::vector<ReplayTimes> times;  // of the cells of which all succeeded
};

// `runs`: `repeats` of each cell after the other. INTERNAL when two that succeeded differ in something exact.
absl::StatusOr<JoinedRuns> JoinRepeats(std::vector<ComparedRun> runs, std::size_t repeats);

// A table for each of the comparison, and a line that says what it is.
void AddReplayTimes(const std::vector<ReplayTimes>& times, Document& document);
// The same for JSON: [{"table", "name", "runs": ["1", "2"], "ns_per_operation": {"mean", "low", "high", "fastest"}}].
google::protobuf::Value ReplayTimesJson(const std::vector<ReplayTimes>& times);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_REPEATED_RUNS_H_

// Runs: proto <-> domain.
#ifndef ALLOCLAB_SERVER_CONVERTERS_RUN_CONVERTER_H_
#define ALLOCLAB_SERVER_CONVERTERS_RUN_CONVERTER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/workload/run.h"
#include "alloclab/v1/run.pb.h"
#include "server/entities/run.h"
#include "server/entities/run_filter.h"

namespace alloclab::server {

// What a finished run leaves, beside what ExecuteRun found.
struct RunReport {
  RunResult result;
  std::string trace_format;
  std::vector<std::string> trace_notes;
  std::uint64_t seed = 0;        // of a synthetic workload
  std::uint64_t prepare_ns = 0;  // reading or generating the operations
};

// INVALID_ARGUMENT naming the field.
absl::StatusOr<RunSubmission> FromProto(const v1::SubmitRunRequest& proto);
// INVALID_ARGUMENT: it names nothing that is to change, or a label that is too long.
absl::StatusOr<RunChange> FromProto(const v1::UpdateRunRequest& proto);
v1::SubmitRunRequest ToProto(const RunRequest& request);

v1::Run ToProto(const Run& run);
v1::RunSummary Summarize(const v1::RunResult& result);
// As lists show it: with the summary of its result, and without the phases of a specification.
v1::Run ToListed(const Run& run);
// The first `size` runs of the list, fewer if they would be more than kListBytesMax; a token if there are more in it.
v1::ListRunsResponse ToProto(const RunList& list, std::size_t size);
// INVALID_ARGUMENT naming the field: a state or an allocator that there is not.
absl::StatusOr<RunFilter> FilterFromProto(const v1::ListRunsRequest& proto);
v1::RunResult ToProto(const RunReport& report);
// Of a run on a real allocator, of which the trace alone is exact: of the report's result only configuration, trace and
// operations are looked at.
v1::RunResult ToProto(const RunReport& report, v1::NativeResult native);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_CONVERTERS_RUN_CONVERTER_H_

// A run as the server keeps it: what was asked for, how far it is, what came of it. A result is the message of the protocol: it
// is stored and answered as it is, and only what lists and compares runs reads in it.
#ifndef ALLOCLAB_SERVER_ENTITIES_RUN_H_
#define ALLOCLAB_SERVER_ENTITIES_RUN_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "allocators/catalog/instance.h"
#include "allocators/workload/workload_spec.h"
#include "alloclab/v1/run.pb.h"

namespace alloclab::server {

// The numbers are stored: append, never renumber.
enum class RunState : std::uint8_t {
  kQueued = 1,
  kRunning = 2,
  kSucceeded = 3,
  kFailed = 4,
  kCancelled = 5,
  kInterrupted = 6,  // the server ended before the run did
};
inline constexpr std::size_t kRunStates = 7;    // one more than the largest number in use
std::string_view RunStateName(RunState state);  // "queued"
constexpr bool Ended(RunState state) { return state >= RunState::kSucceeded; }

struct BuiltinChoice {
  std::string name;
  std::uint64_t seed = 0;        // 0: its own
  std::uint64_t operations = 0;  // 0: its own
};
struct UploadedTrace {
  std::string sha256;
};

struct RunRequest {
  std::variant<BuiltinChoice, WorkloadSpec, UploadedTrace> workload;
  InstanceConfig config;  // complete once the run is accepted
  std::string digest_at;
  std::string label;
  std::string owner = "";     // the name of a token; empty: nobody
  bool share_result = false;  // that of an earlier run of the same will do
};

// What the reader said of the file of an uploaded trace.
struct TraceFile {
  std::string format;
  std::vector<std::string> notes;
};

// Of a synthetic workload, whether the request says it or the built-in; 0: not synthetic.
std::uint64_t SeedOf(const RunRequest& request);

// A request as somebody sent it.
struct RunSubmission {
  RunRequest request;
  std::string request_id = "";   // empty: not repeatable
  std::string fingerprint = "";  // equal for equal requests
};

struct Run {
  std::uint64_t id = 0;
  RunState state = RunState::kQueued;
  RunRequest request;
  absl::Time submit_time;
  absl::Time end_time = absl::InfinitePast();  // until it ends
  std::uint64_t operations_done = 0, operations_total = 0;
  std::string error;
  // Of a queued or running run: the file as it was when the run was submitted, if it was at hand then; another one with the
  // same operations may have replaced it since.
  std::optional<TraceFile> file;
  std::shared_ptr<const v1::RunResult> result;    // null until the run ends, and in lists
  std::shared_ptr<const v1::RunSummary> summary;  // of the result, in lists
  std::uint64_t differs_from = 0;                 // an earlier run of the same that came to something else; not in lists
  bool pinned = false;                            // no retention deletes it
};

// What may be said of a run that has ended; what is absent stays as it is.
struct RunChange {
  std::optional<std::string> label;
  std::optional<bool> pinned;
};

// One page of a list.
struct RunList {
  std::vector<Run> runs;               // newest first, without results and phases of specifications
  std::vector<std::uint64_t> damaged;  // runs between these whose records cannot be read
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ENTITIES_RUN_H_

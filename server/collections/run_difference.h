// How two ended runs differ: in the exact parts of their results, and if they replayed the same operations, from which one on.
#ifndef ALLOCLAB_SERVER_COLLECTIONS_RUN_DIFFERENCE_H_
#define ALLOCLAB_SERVER_COLLECTIONS_RUN_DIFFERENCE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "allocators/common/interrupt.h"
#include "alloclab/v1/run.pb.h"
#include "server/collections/run_executor.h"
#include "server/collections/trace_library.h"

namespace alloclab::server {

// Replays both on machines of their own, side by side, up to the first difference, for `owner`: host memory comes from his
// part of the budget of `traces`. NOT_FOUND: no such run; FAILED_PRECONDITION: it has no result, or one of a real allocator;
// RESOURCE_EXHAUSTED: host memory; CANCELLED: interrupted.
absl::StatusOr<v1::DiffRunsReply> DiffRuns(const RunExecutor& runs, TraceLibrary& traces, std::uint64_t a, std::uint64_t b,
                                           const Interrupt& left = {}, const std::string& owner = "");

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_COLLECTIONS_RUN_DIFFERENCE_H_

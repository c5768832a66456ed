// runs compare A B...: what differs between runs of one workload, and whether that is better or worse.
#ifndef ALLOCLAB_CLIENTS_CLI_RUN_COMPARE_H_
#define ALLOCLAB_CLIENTS_CLI_RUN_COMPARE_H_

#include <google/protobuf/struct.pb.h>

#include <CLI/CLI.hpp>
#include <vector>

#include "absl/status/status.h"
#include "alloclab/v1/run.pb.h"
#include "clients/common/command.h"
#include "clients/common/document.h"

namespace alloclab::client {

// FAILED_PRECONDITION names a run that cannot be compared with the first: it has no result, or replayed another trace and not
// `force`.
absl::Status CheckComparable(const std::vector<v1::Run>& runs, bool force);

// A line for each figure that differs (`all`: for every one), with its change against the first run. Exact figures are compared
// exactly; one that was measured once says nothing about better or worse. REQUIRES: they are comparable.
Document RunComparison(const std::vector<v1::Run>& runs, bool all);
// {"runs": [{"run", "label", "heap_allocator"}], "figures": [{"figure", "values", "changes", "verdicts"}]}; a value that a run
// has not is null.
google::protobuf::Struct RunComparisonStruct(const std::vector<v1::Run>& runs, bool all);

void RegisterRunCompare(CLI::App& group, Command& chosen);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_RUN_COMPARE_H_

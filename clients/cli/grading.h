// Marks for allocators of users: an assignment, its traces, and what a program earns. Marks are whole thousandths of points,
// computed in integers from what the simulation counts, so they are the same on every computer and under any load.
#ifndef ALLOCLAB_CLIENTS_CLI_GRADING_H_
#define ALLOCLAB_CLIENTS_CLI_GRADING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/trial/trial.h"
#include "alloclab/v1/grade.pb.h"
#include "clients/cli/guest_build.h"
#include "clients/cli/local_workload.h"

namespace alloclab::client {

struct GradingTrace {
  v1::GradedTrace rules;
  std::string label;
  bool present = false;  // false: a hidden one that is not here
  LocalWorkload workload;
  std::uint64_t reference_cycles = 0;
};

struct GradingPlan {
  v1::Assignment assignment;  // with every default filled in
  TrialOptions options;
  std::vector<GradingTrace> traces;
};

inline constexpr int kGradedTracesMax = 200;

// An assignment from a YAML file; the lab's own if `path` is empty. Hidden traces are looked for among the files of the
// directories `traces`. DATA_LOSS names the field, with its place, and what is expected. Replays the traces on the reference.
absl::StatusOr<GradingPlan> LoadAssignment(const std::string& path, const std::vector<std::string>& traces);

// Never fails: what is wrong with a program is in its grade.
v1::Grade GradeProgram(const GradingPlan& plan, const std::string& name, const BuiltGuest& built);
// Of one that could not be built.
v1::Grade GradeNothing(const GradingPlan& plan, const std::string& name, const std::string& error);

// What was wrong, where and with which blocks: "operation 17 (line 21 of a.rep), free: ...".
std::string Describe(const TrialViolation& violation, const LocalWorkload& workload, const BuiltGuest& built);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_GRADING_H_

#include "server/entities/run.h"

#include "allocators/workload/builtins.h"

namespace alloclab::server {

std::string_view RunStateName(RunState state) {
  switch (state) {
    case RunState::kQueued:
      return "queued";
    case RunState::kRunning:
      return "running";
    case RunState::kSucceeded:
      return "succeeded";
    case RunState::kFailed:
      return "failed";
    case RunState::kCancelled:
      return "cancelled";
    case RunState::kInterrupted:
      return "interrupted";
  }
  return "unknown";
}

std::uint64_t SeedOf(const RunRequest& request) {
  if (const auto* spec = std::get_if<WorkloadSpec>(&request.workload)) return spec->seed;
  const auto* choice = std::get_if<BuiltinChoice>(&request.workload);
  if (choice == nullptr) return 0;
  if (choice->seed != 0) return choice->seed;
  for (const BuiltinWorkload& builtin : BuiltinWorkloads()) {
    const auto* spec = std::get_if<WorkloadSpec>(&builtin.content);
    if (builtin.name == choice->name && spec != nullptr) return spec->seed;
  }
  return 0;
}

}  // namespace alloclab::server

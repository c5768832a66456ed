// What a program costs, instruction by instruction; and its last steps before something.
#ifndef ALLOCLAB_ALLOCATORS_TRIAL_PROFILE_H_
#define ALLOCLAB_ALLOCATORS_TRIAL_PROFILE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/trial/trial.h"

namespace alloclab {

struct InstructionCosts {
  std::uint64_t instructions = 0, loads = 0, stores = 0, page_faults = 0;
  void Add(const InstructionCosts& costs) {
    instructions += costs.instructions;
    loads += costs.loads;
    stores += costs.stores;
    page_faults += costs.page_faults;
  }
};

struct Profile {
  TrialResult result;
  std::map<std::uint32_t, InstructionCosts> by_address;  // of all operations; their sum is that of result.costs
};
// Runs the workload once, watched: slower than RunTrial, with the same answers. A byte that changed is reported as it was seen.
absl::StatusOr<Profile> MakeProfile(std::shared_ptr<const ElfProgram> program, const Trace& trace, const TrialOptions& options);

// The last `count` steps of an operation, each as it was before; of a violation that an instruction made, up to that one.
absl::StatusOr<std::vector<I386Cpu::State>> LastSteps(std::shared_ptr<const ElfProgram> program, const Trace& trace,
                                                      const TrialOptions& options, std::uint64_t operation, std::size_t count,
                                                      std::optional<std::uint32_t> changed);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_TRIAL_PROFILE_H_

// What a comparison compares: simulated machines, and real allocators.
#ifndef ALLOCLAB_CLIENTS_CLI_COMPARED_MACHINES_H_
#define ALLOCLAB_CLIENTS_CLI_COMPARED_MACHINES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "alloclab/v1/lab.pb.h"
#include "alloclab/v1/run.pb.h"
#include "clients/cli/compared_runs.h"

namespace alloclab::client {

using Heaps = std::vector<const v1::AllocatorInfo*>;
using PageAllocators = std::vector<std::string>;
using Natives = std::vector<const v1::NativeAllocatorInfo*>;
using ParameterValues = std::vector<std::pair<std::string, std::vector<std::string>>>;

// The allocators of these names, none twice. INVALID_ARGUMENT naming the near one. "all" are those with a heap; of the real
// ones, "jemalloc" or "native:jemalloc", those that the server's host has.
absl::StatusOr<Heaps> ChosenHeaps(const std::vector<std::string>& names, const v1::Catalog& catalog);
// Without names the server's own choice, "".
absl::StatusOr<PageAllocators> ChosenPages(const std::vector<std::string>& names, const v1::Catalog& catalog);
absl::StatusOr<Natives> ChosenNatives(const std::vector<std::string>& names, const v1::Catalog& catalog);
// Lines about those that "all" leaves out.
std::vector<std::string> AbsentNatives(const std::vector<std::string>& names, const v1::Catalog& catalog);

// Each parameter is one of a page allocator, or of what is compared. INVALID_ARGUMENT naming the near one.
absl::Status CheckParameters(const ParameterValues& parameters, const v1::Catalog& catalog, const Heaps& heaps,
                             const Natives& natives);

// The configurations of one allocator: `first`, in every combination of the parameters that it or its page allocator has.
std::vector<v1::InstanceConfig> ConfigsOf(const v1::AllocatorInfo& heap, v1::InstanceConfig first,
                                          const ParameterValues& parameters, const v1::Catalog& catalog);
std::vector<v1::InstanceConfig> ConfigsOf(const v1::NativeAllocatorInfo& native, const ParameterValues& parameters);

// A workload that the server knows, ready to be submitted on any machine.
struct ComparedWorkload {
  WorkloadArgument argument;
  v1::SubmitRunRequest request;
  std::string shown;  // as the user named it
};

// Adds a run for each workload and real allocator; of one that is absent a row with the reason.
absl::Status AddNativeRuns(const Natives& natives, const ParameterValues& parameters,
                           const std::vector<ComparedWorkload>& workloads, ComparedRuns& runs);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_COMPARED_MACHINES_H_

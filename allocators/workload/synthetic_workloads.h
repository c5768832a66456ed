// The specifications that the lab brings along.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_SYNTHETIC_WORKLOADS_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_SYNTHETIC_WORKLOADS_H_

#include <string>
#include <vector>

#include "allocators/workload/workload_spec.h"

namespace alloclab {

struct SyntheticWorkload {
  std::string description;  // one line
  std::string about;        // what it stands for, with its source
  WorkloadSpec spec;
};
std::vector<SyntheticWorkload> SyntheticWorkloads();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_SYNTHETIC_WORKLOADS_H_

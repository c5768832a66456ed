// Specifications of workloads: the message <-> the library's own type, for the server and for the load generator.
#ifndef ALLOCLAB_PROTO_CONVERTERS_WORKLOAD_SPEC_H_
#define ALLOCLAB_PROTO_CONVERTERS_WORKLOAD_SPEC_H_

#include "absl/status/statusor.h"
#include "allocators/workload/workload_spec.h"
#include "alloclab/v1/workload.pb.h"

namespace alloclab {

// A specification that ValidateSpec accepts. INVALID_ARGUMENT naming the field by its path in the message, such as
// "phases[0].size": it is unset, unknown, or its value does not go with the others.
absl::StatusOr<WorkloadSpec> SpecFromProto(const v1::WorkloadSpec& proto);
v1::WorkloadSpec SpecToProto(const WorkloadSpec& spec);

}  // namespace alloclab

#endif  // ALLOCLAB_PROTO_CONVERTERS_WORKLOAD_SPEC_H_

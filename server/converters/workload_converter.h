// Workloads: proto <-> domain.
#ifndef ALLOCLAB_SERVER_CONVERTERS_WORKLOAD_CONVERTER_H_
#define ALLOCLAB_SERVER_CONVERTERS_WORKLOAD_CONVERTER_H_

#include <string>

#include "absl/status/statusor.h"
#include "allocators/workload/workload_spec.h"
#include "alloclab/v1/workload.pb.h"
#include "server/entities/run.h"
#include "server/entities/stored_trace.h"
#include "server/entities/trace_entry.h"

namespace alloclab::server {

// INVALID_ARGUMENT naming the field: an unset source, a digest that is none, a specification that is not valid.
absl::StatusOr<decltype(RunRequest::workload)> FromProto(const v1::Workload& proto);
v1::Workload ToProto(const decltype(RunRequest::workload)& workload);

v1::ListBuiltinsResponse BuiltinsToProto();
v1::TraceInfo ToProto(const TraceEntry& entry, const std::string& name);
// As ToProto of a RunList. The list has one more than `size` if there are more behind it.
v1::ListTracesResponse ToProto(const TraceList& list, std::size_t size);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_CONVERTERS_WORKLOAD_CONVERTER_H_

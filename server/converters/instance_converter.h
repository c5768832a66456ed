// Instances and their configurations: proto <-> domain.
#ifndef ALLOCLAB_SERVER_CONVERTERS_INSTANCE_CONVERTER_H_
#define ALLOCLAB_SERVER_CONVERTERS_INSTANCE_CONVERTER_H_

#include <string>

#include "absl/status/statusor.h"
#include "allocators/catalog/instance.h"
#include "allocators/common/parameter.h"
#include "alloclab/v1/lab.pb.h"
#include "server/entities/instance_request.h"
#include "server/entities/live_instance.h"

namespace alloclab::server {

// The catalogue checks what is in it.
InstanceConfig FromProto(const v1::InstanceConfig& proto);
v1::InstanceConfig ToProto(const InstanceConfig& config);

// INVALID_ARGUMENT naming the field: a name that does not match, one that the metrics use themselves, a long request_id.
absl::StatusOr<InstanceRequest> FromProto(const v1::CreateInstanceRequest& proto);
v1::Instance ToProto(const LiveInstance& instance);

v1::ParameterInfo ToProto(const ParameterInfo& parameter);
// The simulated allocators.
v1::Catalog CatalogToProto();

// INVALID_ARGUMENT when it is too long.
absl::Status CheckRequestId(const std::string& request_id);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_CONVERTERS_INSTANCE_CONVERTER_H_

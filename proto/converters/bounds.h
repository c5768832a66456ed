// The bounds of requests, as alloclab/v1/bounds.proto declares them beside the fields.
#ifndef ALLOCLAB_PROTO_CONVERTERS_BOUNDS_H_
#define ALLOCLAB_PROTO_CONVERTERS_BOUNDS_H_

#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace alloclab {

// INVALID_ARGUMENT naming the first field beyond its bound, its size and the bound:
// "workload.spec.phases[3].name: 129 bytes; at most 128 are allowed".
absl::Status CheckBounds(const google::protobuf::Message& message);

// The fields of a message, and of the messages in it, that can be of any size: strings, bytes and lists without a bound. Empty
// for a message that may be a request.
std::vector<std::string> UnboundedFields(const google::protobuf::Descriptor& message);

}  // namespace alloclab

#endif  // ALLOCLAB_PROTO_CONVERTERS_BOUNDS_H_

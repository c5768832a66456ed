// Messages as JSON: protobuf's own mapping with the field names of the .proto files, every field present, zeros too. Equal
// messages give equal texts: entries of maps stand in the order of their keys. 64-bit numbers are strings, as that mapping has
// it.
#ifndef ALLOCLAB_PROTO_CONVERTERS_JSON_H_
#define ALLOCLAB_PROTO_CONVERTERS_JSON_H_

#include <google/protobuf/message.h>

#include <string>

#include "absl/status/statusor.h"

namespace alloclab {

enum class JsonLayout { kCompact, kIndented };

// INTERNAL when the message holds what JSON cannot.
absl::StatusOr<std::string> MessageToJson(const google::protobuf::Message& message, JsonLayout layout);

}  // namespace alloclab

#endif  // ALLOCLAB_PROTO_CONVERTERS_JSON_H_

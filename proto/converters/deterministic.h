// Messages as bytes that are equal whenever the messages are.
#ifndef ALLOCLAB_PROTO_CONVERTERS_DETERMINISTIC_H_
#define ALLOCLAB_PROTO_CONVERTERS_DETERMINISTIC_H_

#include <google/protobuf/message_lite.h>

#include <string>

namespace alloclab {

std::string SerializeDeterministic(const google::protobuf::MessageLite& message);

// Tells a request from others that were sent with the same id: equal for equal requests. Empty without an id.
std::string Fingerprint(const std::string& request_id, const google::protobuf::MessageLite& request);

}  // namespace alloclab

#endif  // ALLOCLAB_PROTO_CONVERTERS_DETERMINISTIC_H_

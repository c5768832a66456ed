// Messages as bytes that are equal whenever the messages are.
#ifndef ALLOCLAB_SERVER_CONVERTERS_DETERMINISTIC_H_
#define ALLOCLAB_SERVER_CONVERTERS_DETERMINISTIC_H_

#include <google/protobuf/message_lite.h>

#include <string>

namespace alloclab::server {

std::string SerializeDeterministic(const google::protobuf::MessageLite& message);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_CONVERTERS_DETERMINISTIC_H_

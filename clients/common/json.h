// What --output json prints: a message of the protocol as proto/converters/json.h writes it (so the keys are as stable as the
// names of its fields), with `schema_version` first.
#ifndef ALLOCLAB_CLIENTS_COMMON_JSON_H_
#define ALLOCLAB_CLIENTS_COMMON_JSON_H_

#include <google/protobuf/message.h>
#include <google/protobuf/struct.pb.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace alloclab::client {

inline constexpr int kJsonSchemaVersion = 1;

using JsonExtras = std::vector<std::pair<std::string_view, google::protobuf::Value>>;
google::protobuf::Value JsonText(std::string text);

// Ends in a newline. `extras` are members added after schema_version.
std::string ToJson(const google::protobuf::Message& message, const JsonExtras& extras = {});

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_JSON_H_

#include "server/http/json.h"

#include "alloclab/v1/web.pb.h"
#include "proto/converters/json.h"

namespace alloclab::server {

absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message) {
  return MessageToJson(message, JsonLayout::kCompact);
}

std::string ErrorJson(const absl::Status& status) {
  v1::WebError error;
  error.set_code(absl::StatusCodeToString(status.code()));
  error.set_message(std::string(status.message()));
  return ToJson(error).value_or("{}");
}

}  // namespace alloclab::server

#include "server/http/json.h"

#include "absl/strings/str_cat.h"
#include "alloclab/v1/web.pb.h"
#include "google/protobuf/util/json_util.h"

namespace alloclab::server {

absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) return absl::InternalError(absl::StrCat("cannot write JSON: ", std::string(status.message())));
  return json;
}

std::string ErrorJson(const absl::Status& status) {
  v1::WebError error;
  error.set_code(absl::StatusCodeToString(status.code()));
  error.set_message(std::string(status.message()));
  return ToJson(error).value_or("{}");
}

}  // namespace alloclab::server

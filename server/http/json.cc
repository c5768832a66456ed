#include "server/http/json.h"

#include "alloclab/v1/lab.pb.h"
#include "alloclab/v1/web.pb.h"
#include "proto/converters/json.h"
#include "server/errors.h"
#include "server/http/web_url.h"

namespace alloclab::server {

absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message) {
  return MessageToJson(message, JsonLayout::kCompact);
}

std::string ErrorJson(const absl::Status& status) {
  v1::WebError error;
  error.set_code(absl::StatusCodeToString(status.code()));
  error.set_message(std::string(status.message()));
  v1::InstanceElsewhere place;
  const auto detail = status.GetPayload({errors::kInstanceElsewhere.data(), errors::kInstanceElsewhere.size()});
  if (detail && place.ParseFromString(std::string(*detail)) && IsWebUrl(place.page())) error.set_page(place.page());
  return ToJson(error).value_or("{}");
}

}  // namespace alloclab::server

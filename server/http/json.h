// Proto messages as the web page's JSON: see proto/converters/json.h.
#ifndef ALLOCLAB_SERVER_HTTP_JSON_H_
#define ALLOCLAB_SERVER_HTTP_JSON_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace alloclab::server {

inline constexpr absl::string_view kJsonType = "application/json; charset=utf-8";

// INTERNAL when the message holds what JSON cannot.
absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message);

// A WebError.
std::string ErrorJson(const absl::Status& status);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_JSON_H_

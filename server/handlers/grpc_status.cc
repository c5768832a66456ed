#include "server/handlers/grpc_status.h"

#include <string>

#include "allocators/common/printable.h"
#include "google/rpc/status.pb.h"
#include "proto/converters/bounds.h"
#include "server/limits.h"

namespace alloclab::server {

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  std::string message = Printable(std::string(status.message()));
  if (message.size() > kErrorMessageMax) {
    message.resize(kErrorMessageMax - 3);
    message += "...";
  }
  google::rpc::Status details;
  status.ForEachPayload([&](absl::string_view type, const absl::Cord& value) {
    google::protobuf::Any& detail = *details.add_details();
    detail.set_type_url(std::string(type));
    detail.set_value(std::string(value));
  });
  if (details.details().empty()) return {static_cast<grpc::StatusCode>(status.code()), std::move(message)};
  details.set_code(static_cast<int>(status.code()));
  details.set_message(message);
  return {static_cast<grpc::StatusCode>(status.code()), std::move(message), details.SerializeAsString()};
}

grpc::Status CheckRequest(const google::protobuf::Message& request) { return ToGrpcStatus(CheckBounds(request)); }

}  // namespace alloclab::server

#include "server/handlers/grpc_status.h"

#include <string>

#include "allocators/common/printable.h"
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
  return {static_cast<grpc::StatusCode>(status.code()), std::move(message)};
}

grpc::Status CheckRequest(const google::protobuf::Message& request) { return ToGrpcStatus(CheckBounds(request)); }

}  // namespace alloclab::server

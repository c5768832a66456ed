// The one place where a domain status becomes a gRPC status.
#ifndef ALLOCLAB_SERVER_HANDLERS_GRPC_STATUS_H_
#define ALLOCLAB_SERVER_HANDLERS_GRPC_STATUS_H_

#include <google/protobuf/message.h>
#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace alloclab::server {

// The same code, and the payloads as details of a google.rpc.Status; the message, which may quote a stranger, without control
// characters and cut to kErrorMessageMax bytes.
grpc::Status ToGrpcStatus(const absl::Status& status);

// What every call of a request with texts or lists begins with: INVALID_ARGUMENT naming the field beyond its bound
// (bounds.proto).
grpc::Status CheckRequest(const google::protobuf::Message& request);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_GRPC_STATUS_H_

// The one place where a domain status becomes a gRPC status.
#ifndef ALLOCLAB_SERVER_HANDLERS_GRPC_STATUS_H_
#define ALLOCLAB_SERVER_HANDLERS_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace alloclab::server {

// The same code; the message, which may quote a stranger, without control characters and cut to kErrorMessageMax bytes.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_GRPC_STATUS_H_

// Counts the calls of a gRPC server.
#ifndef ALLOCLAB_SERVER_METRICS_RPC_INTERCEPTOR_H_
#define ALLOCLAB_SERVER_METRICS_RPC_INTERCEPTOR_H_

#include <grpcpp/support/server_interceptor.h>

#include <memory>

#include "server/metrics/rpc_metrics.h"

namespace alloclab::server {

// Each call that begins is counted in `metrics`, until it is done. `metrics` outlives the server.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeInterceptorFactory(RpcMetrics& metrics);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_METRICS_RPC_INTERCEPTOR_H_

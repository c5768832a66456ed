// Counts the calls of a gRPC server.
#ifndef ALLOCLAB_SERVER_METRICS_RPC_INTERCEPTOR_H_
#define ALLOCLAB_SERVER_METRICS_RPC_INTERCEPTOR_H_

#include <grpcpp/support/server_interceptor.h>

#include <functional>
#include <memory>
#include <string>

#include "server/metrics/rpc_metrics.h"

namespace alloclab::server {

// Called for each call that was for nothing, with gRPC's name of its client: it was cancelled before it had an answer. Not for
// blocking calls (UploadTrace), nor for methods that there are not: gRPC does not say of them in the end what became of them.
using OnVain = std::function<void(const std::string& client)>;

// Each call that begins is counted in `metrics`, until it is done. `metrics` outlives the server.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeInterceptorFactory(RpcMetrics& metrics,
                                                                                              OnVain on_vain);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_METRICS_RPC_INTERCEPTOR_H_

// Who changed what: a line of the log for each gRPC call that changes something (rpc_roles.h), once callers are told apart, by
// tokens or by certificates.
//
//   access.change who=ada method=/alloclab.v1.Lab/CreateInstance target=toy outcome=OK peer=ipv4:192.0.2.7:41234
#ifndef ALLOCLAB_SERVER_SERVER_AUDIT_INTERCEPTOR_H_
#define ALLOCLAB_SERVER_SERVER_AUDIT_INTERCEPTOR_H_

#include <grpcpp/support/server_interceptor.h>

#include <memory>

#include "server/access/access_control.h"

namespace alloclab::server {

// `access` outlives the server.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeAuditFactory(const AccessControl& access);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_AUDIT_INTERCEPTOR_H_

// Credentials of a gRPC server that ask an AccessControl about every call before its handler knows of it, with TLS or without.
#ifndef ALLOCLAB_SERVER_SERVER_ACCESS_CREDENTIALS_H_
#define ALLOCLAB_SERVER_SERVER_ACCESS_CREDENTIALS_H_

#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "server/access/access_control.h"

namespace alloclab::server {

// Takes `credentials` over. `access` outlives the server that has them.
std::shared_ptr<grpc::ServerCredentials> WithAccessControl(grpc_server_credentials* credentials, AccessControl& access);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_ACCESS_CREDENTIALS_H_

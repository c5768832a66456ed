// What protects the gRPC port, from the options. Certificates and keys are looked at again every few seconds, so that whoever
// replaces the files (the key first: until both are there, nobody new comes in) need not restart the server. Connections that
// are open stay as they are.
#ifndef ALLOCLAB_SERVER_SERVER_GRPC_CREDENTIALS_H_
#define ALLOCLAB_SERVER_SERVER_GRPC_CREDENTIALS_H_

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "absl/status/statusor.h"
#include "server/access/access_control.h"
#include "server/server/options.h"

namespace alloclab::server {

// TLS with options.tls_cert, otherwise none; `access`, which outlives the server, is asked about every call. INVALID_ARGUMENT:
// one option without the other that it needs, or naming a file that is no PEM of its kind.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(const ServerOptions& options,
                                                                               AccessControl& access);

// With which the health check calls that server. It shows the server's certificate and believes any other. INVALID_ARGUMENT
// likewise.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeOwnChannelCredentials(const ServerOptions& options);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_GRPC_CREDENTIALS_H_

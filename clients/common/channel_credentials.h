// The client's side of TLS.
#ifndef ALLOCLAB_CLIENTS_COMMON_CHANNEL_CREDENTIALS_H_
#define ALLOCLAB_CLIENTS_COMMON_CHANNEL_CREDENTIALS_H_

#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace alloclab::client {

// How a server is known and the client made known to it. Files are PEM; `ca`, `cert` or `key` stand for `tls` too.
struct TlsOptions {
  bool tls = false;
  std::string ca;         // who signs the server's certificate; empty: the authorities that this system trusts
  std::string cert, key;  // the client's own, for a server that asks for it
  bool on() const { return tls || !ca.empty() || !cert.empty() || !key.empty(); }
};

// Of all connections of this process: what its command line says. Set before the first one is made.
TlsOptions& TlsOfProcess();

// Without TLS, unless options.on(). INVALID_ARGUMENT naming the option and the file: one that is no PEM of its kind, --cert
// without --key or the other way round, or no --ca where the system trusts nobody (gRPC's library would abort there).
// The same ones as the last time, while the files are what they were: only channels with the same ones share a connection.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(const TlsOptions& options);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_CHANNEL_CREDENTIALS_H_

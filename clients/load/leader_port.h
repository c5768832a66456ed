// Where a leader listens, and how it is protected: by the rules of alloclabd. What other hosts reach needs TLS, and either a
// token or certificates of who joins, unless it is said that it need not.
#ifndef ALLOCLAB_CLIENTS_LOAD_LEADER_PORT_H_
#define ALLOCLAB_CLIENTS_LOAD_LEADER_PORT_H_

#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace alloclab::load {

struct LeaderPort {
  std::string listen = "127.0.0.1:7416";                    // HOST:PORT
  std::string tls_cert = {}, tls_key = {}, client_ca = {};  // files, as of alloclabd
  bool insecure = false;
  std::string token = {};  // that those who join show; "": none
};

// INVALID_ARGUMENT naming the option: no address, one of TLS without the other, a file that is none of its kind, or open to
// other hosts without protection.
absl::Status CheckPort(const LeaderPort& port);
// REQUIRES: CheckPort is OK. INVALID_ARGUMENT: a file that cannot be read any more.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> PortCredentials(const LeaderPort& port);

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_LEADER_PORT_H_

// Asks a running server for its health.
#ifndef ALLOCLAB_SERVER_SERVER_HEALTH_CHECK_H_
#define ALLOCLAB_SERVER_SERVER_HEALTH_CHECK_H_

#include <string>

#include "absl/status/status.h"
#include "server/http/bind_address.h"
#include "server/server/options.h"

namespace alloclab::server {

// Asks the server that listens there, at the loopback address if it listens on every address. OK: SERVING. UNAVAILABLE: nobody
// answers within two seconds; FAILED_PRECONDITION: not serving; NOT_FOUND: no such service. With options.tls_cert it speaks TLS
// and shows the server's own certificate, as it is of the same host; it tells nothing, so it takes any certificate for the
// server's. INVALID_ARGUMENT: these files are none.
absl::Status CheckHealth(const BindAddress& listen, const std::string& service, const ServerOptions& options = {});

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_HEALTH_CHECK_H_

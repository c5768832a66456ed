// Asks a running server for its health.
#ifndef ALLOCLAB_SERVER_SERVER_HEALTH_CHECK_H_
#define ALLOCLAB_SERVER_SERVER_HEALTH_CHECK_H_

#include <string>

#include "absl/status/status.h"

namespace alloclab::server {

// OK: SERVING. UNAVAILABLE: nobody answers within two seconds; FAILED_PRECONDITION: not serving; NOT_FOUND: no such service.
absl::Status CheckHealth(const std::string& address, const std::string& service);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_HEALTH_CHECK_H_

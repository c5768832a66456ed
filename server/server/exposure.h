// What of the server other hosts can reach without being told apart, or in the clear: that must be wanted.
#ifndef ALLOCLAB_SERVER_SERVER_EXPOSURE_H_
#define ALLOCLAB_SERVER_SERVER_EXPOSURE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "server/server/options.h"

namespace alloclab::server {

// An address that is not of this host alone, and what it lacks.
struct Exposure {
  std::string_view flag;
  std::string address, lacks;  // "TLS and tokens"
};
// Each port needs TLS, and either tokens or certificates of its clients.
std::vector<Exposure> ExposuresOf(const ServerOptions& options, bool tokens_in_force);

// INVALID_ARGUMENT naming the first of them and the ways out, unless options.insecure.
absl::Status CheckExposures(const ServerOptions& options, const std::vector<Exposure>& exposures);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_EXPOSURE_H_

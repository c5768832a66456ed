#include "server/server/exposure.h"

#include <fmt/format.h>

#include "server/errors.h"
#include "server/http/bind_address.h"

namespace alloclab::server {
namespace {

bool IsOpen(const std::string& listen) {
  if (listen.empty()) return false;
  const absl::StatusOr<BindAddress> address = ParseBindAddress(listen, Sockets::kTcpAndUnix);
  return address.ok() && !IsLoopback(*address);
}

}  // namespace

std::vector<Exposure> ExposuresOf(const ServerOptions& options, bool tokens_in_force) {
  struct Port {
    std::string_view flag;
    const std::string &listen, &client_ca;
  };
  std::vector<Exposure> exposures;
  for (const auto& [flag, listen, client_ca] :
       {Port{"--listen", options.listen, options.client_ca}, Port{"--web-listen", options.web_listen, options.web_client_ca},
        Port{"--metrics-listen", options.metrics_listen, options.metrics_client_ca}}) {
    const bool told_apart = tokens_in_force || !client_ca.empty();
    const std::string_view lacks =
        options.tls_cert.empty() ? (told_apart ? "TLS" : "TLS and tokens") : (told_apart ? "" : "tokens");
    if (IsOpen(listen) && !lacks.empty()) exposures.push_back({flag, listen, std::string(lacks)});
  }
  return exposures;
}

absl::Status CheckExposures(const ServerOptions& options, const std::vector<Exposure>& exposures) {
  if (exposures.empty() || options.insecure) return absl::OkStatus();
  const Exposure& first = exposures.front();
  return errors::BadField(first.flag,
                          fmt::format("{} is reachable from other hosts, without {}; protect it with --tls-cert, --tls-key and "
                                      "`alloclabd token create`, listen on 127.0.0.1, or say --insecure",
                                      first.address, first.lacks));
}

}  // namespace alloclab::server

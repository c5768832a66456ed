#include "server/server/exposure.h"

#include <fmt/format.h>

#include <utility>

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
  std::vector<Exposure> exposures;
  const bool told_apart = tokens_in_force || !options.client_ca.empty();
  const std::string_view lacks =
      options.tls_cert.empty() ? (told_apart ? "TLS" : "TLS and tokens") : (told_apart ? "" : "tokens");
  if (IsOpen(options.listen) && !lacks.empty()) exposures.push_back({"--listen", options.listen, std::string(lacks)});
  for (const auto& [flag, listen] :
       {std::pair{"--web-listen", options.web_listen}, {"--metrics-listen", options.metrics_listen}}) {
    if (IsOpen(listen)) exposures.push_back({flag, listen, tokens_in_force ? "TLS" : "TLS and tokens"});
  }
  return exposures;
}

absl::Status CheckExposures(const ServerOptions& options, const std::vector<Exposure>& exposures) {
  if (exposures.empty() || options.insecure) return absl::OkStatus();
  const Exposure& first = exposures.front();
  const std::string_view way_out =
      first.flag == "--listen" ? "protect it with --tls-cert, --tls-key and `alloclabd token create`, listen on 127.0.0.1"
                               : "listen on 127.0.0.1, behind a proxy that speaks TLS";
  return errors::BadField(first.flag, fmt::format("{} is reachable from other hosts, without {}; {}, or say --insecure",
                                                  first.address, first.lacks, way_out));
}

}  // namespace alloclab::server

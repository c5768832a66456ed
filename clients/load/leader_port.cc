#include "clients/load/leader_port.h"

#include <fmt/format.h>

#include "clients/common/text_file.h"
#include "server/access/certificates.h"
#include "server/errors.h"
#include "server/http/bind_address.h"

namespace alloclab::load {
namespace {

constexpr char kListen[] = "--listen";

absl::Status CheckPortTls(const LeaderPort& port) {
  if (port.tls_cert.empty() != port.tls_key.empty()) {
    return server::errors::BadField(port.tls_cert.empty() ? "--tls-key" : "--tls-cert",
                                    "expected --tls-cert and --tls-key together");
  }
  if (!port.tls_cert.empty()) {
    return server::CheckTlsFiles({.certificate = {.flag = "--tls-cert", .path = port.tls_cert},
                                  .key = {.flag = "--tls-key", .path = port.tls_key},
                                  .authority = {.flag = "--client-ca", .path = port.client_ca}});
  }
  if (port.client_ca.empty()) return absl::OkStatus();
  return server::errors::BadField("--client-ca", "expected together with --tls-cert and --tls-key");
}

}  // namespace

absl::Status CheckPort(const LeaderPort& port) {
  const absl::StatusOr<server::BindAddress> address = server::ParseBindAddress(kListen, port.listen);
  if (!address.ok()) return address.status();
  if (absl::Status status = CheckPortTls(port); !status.ok()) return status;
  const bool told_apart = !port.token.empty() || !port.client_ca.empty(), in_the_clear = port.tls_cert.empty();
  if (server::IsLoopback(*address) || port.insecure || (told_apart && !in_the_clear)) return absl::OkStatus();
  const char* const lacks = in_the_clear ? (told_apart ? "TLS" : "TLS and a token") : "a token";
  return server::errors::BadField(
      kListen, fmt::format("{} is reachable from other hosts, without {}; protect it with --tls-cert, --tls-key and "
                           "ALLOCLAB_TOKEN, listen on 127.0.0.1, or say --insecure",
                           port.listen, lacks));
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> PortCredentials(const LeaderPort& port) {
  if (port.tls_cert.empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions ssl(port.client_ca.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                                               : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  const absl::StatusOr<std::string> key = client::ReadTextFile(port.tls_key), cert = client::ReadTextFile(port.tls_cert);
  if (!key.ok() || !cert.ok()) return key.ok() ? cert.status() : key.status();
  ssl.pem_key_cert_pairs.push_back({*key, *cert});
  if (port.client_ca.empty()) return grpc::SslServerCredentials(ssl);
  const absl::StatusOr<std::string> authority = client::ReadTextFile(port.client_ca);
  if (!authority.ok()) return authority.status();
  ssl.pem_root_certs = *authority;
  return grpc::SslServerCredentials(ssl);
}

}  // namespace alloclab::load

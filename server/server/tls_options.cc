#include "server/server/tls_options.h"

#include <utility>

#include "absl/time/clock.h"
#include "server/access/token.h"
#include "server/errors.h"
#include "server/log.h"

namespace alloclab::server {
namespace {

constexpr absl::Duration kCertificateNotice = absl::Hours(24 * 30);

TlsFiles FilesOf(const ServerOptions& options, const NamedFile& authority) {
  return {.certificate = {.flag = "--tls-cert", .path = options.tls_cert},
          .key = {.flag = "--tls-key", .path = options.tls_key},
          .authority = authority};
}

}  // namespace

absl::Status CheckTlsOptions(const ServerOptions& options) {
  if (options.tls_cert.empty() && !options.tls_key.empty()) {
    return errors::BadField("--tls-key", "is of no use without --tls-cert; give both");
  }
  if (!options.tls_cert.empty() && options.tls_key.empty()) {
    return errors::BadField("--tls-cert", "needs --tls-key, the file with its key");
  }
  for (const NamedFile& authority :
       {NamedFile{"--client-ca", options.client_ca}, NamedFile{"--web-client-ca", options.web_client_ca},
        NamedFile{"--metrics-client-ca", options.metrics_client_ca}}) {
    if (options.tls_cert.empty() && !authority.path.empty()) {
      return errors::BadField(authority.flag, "is of no use without --tls-cert and --tls-key; give all three");
    }
    if (options.tls_cert.empty()) continue;
    if (absl::Status status = CheckTlsFiles(FilesOf(options, authority)); !status.ok()) return status;
  }
  return absl::OkStatus();
}

void WarnOfCertificateEnd(const ServerOptions& options) {
  if (options.tls_cert.empty()) return;
  const absl::StatusOr<absl::Time> end = CertificateEnd({.flag = "--tls-cert", .path = options.tls_cert});
  const absl::Time now = absl::Now();
  if (!end.ok() || *end > now + kCertificateNotice) return;
  Log(LogLevel::kWarning, *end <= now ? "access.certificate_expired" : "access.certificate_expires",
      {{"file", options.tls_cert}, {"at", TimeText(*end)}});
}

absl::StatusOr<std::shared_ptr<TlsContext>> MakeHttpTls(const ServerOptions& options, const NamedFile& authority) {
  if (options.tls_cert.empty()) return nullptr;
  const auto tell = [](const absl::Status& status) {
    if (status.ok()) return Log(LogLevel::kInfo, "access.certificates_replaced");
    Log(LogLevel::kError, "access.certificates_unusable", {{"error", std::string(status.message())}});
  };
  return TlsContext::Make(FilesOf(options, authority), tell, options.handshakes_max);
}

}  // namespace alloclab::server

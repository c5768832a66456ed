// The options of TLS. One certificate and key serve every port; who signs the certificates of clients is each port's own.
#ifndef ALLOCLAB_SERVER_SERVER_TLS_OPTIONS_H_
#define ALLOCLAB_SERVER_SERVER_TLS_OPTIONS_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/access/certificates.h"
#include "server/http/tls_context.h"
#include "server/server/options.h"

namespace alloclab::server {

// INVALID_ARGUMENT: one option without the other that it needs, or naming a file that is no PEM of its kind.
absl::Status CheckTlsOptions(const ServerOptions& options);

// A line in the log if the certificate of options.tls_cert has ended, or will within 30 days.
void WarnOfCertificateEnd(const ServerOptions& options);

// For a port of HTTP whose clients show certificates that `authority` signed, if it names a file. Null without
// options.tls_cert. The log is told when the files change.
absl::StatusOr<std::shared_ptr<TlsContext>> MakeHttpTls(const ServerOptions& options, const NamedFile& authority);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_TLS_OPTIONS_H_

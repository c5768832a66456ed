#include "server/server/grpc_credentials.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include "server/server/access_credentials.h"
#include "server/server/tls_options.h"

namespace alloclab::server {
namespace {

using grpc::experimental::FileWatcherCertificateProvider;

constexpr unsigned kLookSeconds = 2;  // between two looks at the files

std::shared_ptr<FileWatcherCertificateProvider> WatchFiles(const ServerOptions& options, const std::string& authority) {
  return std::make_shared<FileWatcherCertificateProvider>(options.tls_key, options.tls_cert, authority, kLookSeconds);
}

// Believes whatever the other side shows.
class AnyCertificate final : public grpc::experimental::ExternalCertificateVerifier {
 public:
  bool Verify(grpc::experimental::TlsCustomVerificationCheckRequest*, std::function<void(grpc::Status)>,
              grpc::Status* status) override {
    *status = grpc::Status::OK;
    return true;
  }
  void Cancel(grpc::experimental::TlsCustomVerificationCheckRequest*) override {}
};

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(const ServerOptions& options,
                                                                               AccessControl& access) {
  if (absl::Status status = CheckTlsOptions(options); !status.ok()) return status;
  if (options.tls_cert.empty()) return WithAccessControl(grpc_insecure_server_credentials_create(), access);
  grpc::experimental::TlsServerCredentialsOptions tls(WatchFiles(options, options.client_ca));
  tls.watch_identity_key_cert_pairs();
  if (!options.client_ca.empty()) {
    tls.watch_root_certs();
    tls.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  // Which takes the options over.
  return WithAccessControl(grpc_tls_server_credentials_create(tls.c_credentials_options()), access);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeOwnChannelCredentials(const ServerOptions& options) {
  if (absl::Status status = CheckTlsOptions(options); !status.ok()) return status;
  if (options.tls_cert.empty()) return grpc::InsecureChannelCredentials();
  grpc::experimental::TlsChannelCredentialsOptions tls;
  // gRPC wants some authority, and has none of its own where the system has none.
  tls.set_certificate_provider(WatchFiles(options, options.tls_cert));
  tls.watch_root_certs();
  tls.watch_identity_key_cert_pairs();
  tls.set_verify_server_certs(false);
  tls.set_check_call_host(false);
  tls.set_certificate_verifier(grpc::experimental::ExternalCertificateVerifier::Create<AnyCertificate>());
  return grpc::experimental::TlsCredentials(tls);
}

}  // namespace alloclab::server

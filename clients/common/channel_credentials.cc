#include "clients/common/channel_credentials.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <string>
#include <utility>

#include "allocators/common/mutex.h"
#include "clients/common/text_file.h"
#include "server/access/certificates.h"

namespace alloclab::client {
namespace {

// Where Debian's ca-certificates puts them, unless gRPC's variable says otherwise.
constexpr char kSystemAuthorities[] = "/etc/ssl/certs/ca-certificates.crt";

absl::StatusOr<std::string> Authorities(const std::string& ca) {
  if (!ca.empty()) return server::ReadCertificates({.flag = "--ca", .path = ca});
  const char* const variable = std::getenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH");
  const std::string path = variable != nullptr ? variable : kSystemAuthorities;
  absl::StatusOr<std::string> text = server::ReadCertificates({.flag = "--tls", .path = path});
  if (text.ok()) return text;
  return absl::InvalidArgumentError(fmt::format(
      "--tls: this system trusts nobody ({} holds no certificates); say with --ca FILE or ALLOCLAB_CA who signs the "
      "server's certificate, such as the ca.pem of `alloclab tls init`",
      path));
}

std::shared_ptr<grpc::ChannelCredentials> SharedCredentials(const grpc::SslCredentialsOptions& ssl) {
  struct Last {
    Mutex mutex;
    std::array<std::string, 3> of ABSL_GUARDED_BY(mutex);
    std::shared_ptr<grpc::ChannelCredentials> credentials ABSL_GUARDED_BY(mutex);
  };
  static Last& last = *new Last;
  std::array<std::string, 3> of = {ssl.pem_root_certs, ssl.pem_private_key, ssl.pem_cert_chain};
  const MutexLock lock(last.mutex);
  if (last.credentials == nullptr || last.of != of) {
    last.credentials = grpc::SslCredentials(ssl);
    last.of = std::move(of);
  }
  return last.credentials;
}

}  // namespace

TlsOptions& TlsOfProcess() {
  static TlsOptions& options = *new TlsOptions;
  return options;
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(const TlsOptions& options) {
  if (!options.on()) return grpc::InsecureChannelCredentials();
  if (options.cert.empty() != options.key.empty()) {
    return absl::InvalidArgumentError(options.key.empty() ? "--cert needs --key, the file with its key"
                                                          : "--key needs --cert, the file with its certificate");
  }
  const absl::StatusOr<std::string> authorities = Authorities(options.ca);
  if (!authorities.ok()) return authorities.status();
  grpc::SslCredentialsOptions ssl;
  ssl.pem_root_certs = *authorities;
  if (!options.cert.empty()) {
    const absl::Status status = server::CheckTlsFiles({.certificate = {.flag = "--cert", .path = options.cert},
                                                       .key = {.flag = "--key", .path = options.key},
                                                       .authority = {}});
    if (!status.ok()) return status;
    ssl.pem_cert_chain = ReadTextFile(options.cert).value_or("");
    ssl.pem_private_key = ReadTextFile(options.key).value_or("");
  }
  return SharedCredentials(ssl);
}

}  // namespace alloclab::client

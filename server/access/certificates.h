// Certificates for TLS as files: PEM, each key in a file of its own. Made for a lab in one go, and checked before anything
// listens with them.
//
// Thread safety: all functions may be called from any thread.
#ifndef ALLOCLAB_SERVER_ACCESS_CERTIFICATES_H_
#define ALLOCLAB_SERVER_ACCESS_CERTIFICATES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace alloclab::server {

// A file and the option that names it.
struct NamedFile {
  std::string flag, path;
};

// What TLS needs: a certificate (with its chain, if any) and its key, and, if not empty, who signs those of the other side.
struct TlsFiles {
  NamedFile certificate, key, authority;
};

// INVALID_ARGUMENT naming option and file: it cannot be read, is no PEM of its kind, or the key is another certificate's.
// A certificate that has expired passes: whoever connects says so, and it may be renewed while the server runs.
absl::Status CheckTlsFiles(const TlsFiles& files);
// The certificates of such a file alone, as text. INVALID_ARGUMENT likewise.
absl::StatusOr<std::string> ReadCertificates(const NamedFile& file);

// When the first certificate of such a file ends. INVALID_ARGUMENT likewise.
absl::StatusOr<absl::Time> CertificateEnd(const NamedFile& file);

struct CertificatePlan {
  std::string directory = "alloclab-tls";  // made if it is not there, for its owner alone
  std::vector<std::string> hosts;          // names and addresses of the server
  absl::Time from;                         // valid from then on
  absl::Duration life;                     // of server and client; the authority's is ten years at least
};

// Makes ca.pem, server.pem, client.pem and their keys (ca.key, ...: EC P-256, mode 0600) there, and returns their paths. Server
// and client are signed by the authority. INVALID_ARGUMENT naming the host that is none; FAILED_PRECONDITION naming a file that
// is there already, or cannot be written: then nothing that was there has changed.
absl::StatusOr<std::vector<std::string>> MakeCertificates(const CertificatePlan& plan);

// Makes server.pem, client.pem and their keys anew, signed by ca.key of that directory, in place of those that are there. The
// server keeps its names and gets `plan.hosts` beside them. Returns the paths. INVALID_ARGUMENT naming a file that cannot
// serve, a host that is none, or an authority that is not good for so long: then nothing has changed. FAILED_PRECONDITION
// naming a file that cannot be written.
absl::StatusOr<std::vector<std::string>> RenewCertificates(const CertificatePlan& plan);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ACCESS_CERTIFICATES_H_

// With what a port of HTTP speaks TLS, 1.2 or later: certificate, key and, if clients must show certificates, who signs those.
// The files are looked at again every few seconds, when somebody comes, so that whoever replaces them need not restart the
// server: until all are good again, those that were last goes on. Connections that are open stay as they are.
//
// Thread safety: one thread at a time.
#ifndef ALLOCLAB_SERVER_HTTP_TLS_CONTEXT_H_
#define ALLOCLAB_SERVER_HTTP_TLS_CONTEXT_H_

#include <openssl/ssl.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "allocators/common/monotonic_time.h"
#include "server/access/certificates.h"

namespace alloclab::server {

inline constexpr absl::Duration kTlsLookInterval = absl::Seconds(2);

struct FreeTls {
  void operator()(SSL* session) const { SSL_free(session); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsSession = std::unique_ptr<SSL, FreeTls>;

class TlsContext {
 public:
  // Is told once of every change of the files: OK, they were taken up; otherwise why they cannot be.
  using Tell = std::function<void(const absl::Status&)>;

  // INVALID_ARGUMENT naming option and file, as CheckTlsFiles. `handshakes_max`: with one address in a second; 0: any.
  static absl::StatusOr<std::unique_ptr<TlsContext>> Make(const TlsFiles& files, Tell tell = {},
                                                          std::uint32_t handshakes_max = 0);
  std::uint32_t handshakes_max() const { return handshakes_max_; }

  // The server's end of a connection that has just been accepted, read in turns (turn_bio.h).
  TlsSession Accept(int socket);

 private:
  using Context = std::unique_ptr<SSL_CTX, FreeTls>;
  TlsContext(TlsFiles files, Tell tell, std::uint32_t handshakes_max)
      : files_(std::move(files)), tell_(std::move(tell)), handshakes_max_(handshakes_max) {}

  absl::Status Load();
  void LookAgain();

  const TlsFiles files_;
  const Tell tell_;
  const std::uint32_t handshakes_max_;
  Context context_;
  std::string contents_;  // of all files, as they were last seen
  MonotonicTime looked_ = MonotonicTime::Now();
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_TLS_CONTEXT_H_

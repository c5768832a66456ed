#include "server/http/tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include <fstream>
#include <iterator>
#include <utility>

#include "allocators/common/check.h"
#include "server/http/turn_bio.h"

namespace alloclab::server {
namespace {

constexpr unsigned char kSessionsOf[] = "alloclabd";  // OpenSSL resumes no session with a client's certificate without a name

// No terminal is asked for the password of a key.
int RefusePassword(char*, int, int, void*) { return -1; }

// Of all files, in their order; one that cannot be read is empty.
std::string ContentsOf(const TlsFiles& files) {
  std::string all;
  for (const NamedFile* file : {&files.certificate, &files.key, &files.authority}) {
    std::ifstream stream(file->path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    all += fmt::format("{}\n{}", text.size(), text);
  }
  return all;
}

bool DemandCertificates(SSL_CTX* context, const std::string& authority) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(authority.c_str());  // by which browsers choose what to show
  SSL_CTX_set_client_CA_list(context, names);
  return names != nullptr && SSL_CTX_load_verify_locations(context, authority.c_str(), nullptr) == 1;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsContext>> TlsContext::Make(const TlsFiles& files, Tell tell, std::uint32_t handshakes_max) {
  std::unique_ptr<TlsContext> made(new TlsContext(files, std::move(tell), handshakes_max));
  made->contents_ = ContentsOf(files);
  if (absl::Status status = made->Load(); !status.ok()) return status;
  return made;
}

absl::Status TlsContext::Load() {
  if (absl::Status status = CheckTlsFiles(files_); !status.ok()) return status;
  Context context(SSL_CTX_new(TLS_server_method()));
  ALLOCLAB_CHECK(context != nullptr);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // tickets cost the server no memory
  SSL_CTX_set_session_id_context(context.get(), kSessionsOf, sizeof kSessionsOf - 1);
  SSL_CTX_set_default_passwd_cb(context.get(), RefusePassword);
  const bool loaded = SSL_CTX_use_certificate_chain_file(context.get(), files_.certificate.path.c_str()) == 1 &&
                      SSL_CTX_use_PrivateKey_file(context.get(), files_.key.path.c_str(), SSL_FILETYPE_PEM) == 1 &&
                      SSL_CTX_check_private_key(context.get()) == 1 &&
                      (files_.authority.path.empty() || DemandCertificates(context.get(), files_.authority.path));
  if (!loaded) {
    const char* const why = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return absl::InvalidArgumentError(fmt::format("{} {}: cannot be used: {}", files_.certificate.flag, files_.certificate.path,
                                                  why == nullptr ? "no reason given" : why));
  }
  context_ = std::move(context);
  return absl::OkStatus();
}

void TlsContext::LookAgain() {
  const MonotonicTime now = MonotonicTime::Now();
  if (now - looked_ < kTlsLookInterval) return;
  looked_ = now;
  std::string contents = ContentsOf(files_);
  if (contents == contents_) return;
  contents_ = std::move(contents);
  const absl::Status status = Load();
  if (tell_) tell_(status);
}

TlsSession TlsContext::Accept(int socket) {
  LookAgain();
  TlsSession session(SSL_new(context_.get()));
  ALLOCLAB_CHECK(session != nullptr);
  ReadInTurns(session.get(), socket);
  SSL_set_accept_state(session.get());
  return session;
}

}  // namespace alloclab::server

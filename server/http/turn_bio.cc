#include "server/http/turn_bio.h"

#include <openssl/bio.h>

#include "allocators/common/check.h"

namespace alloclab::server {
namespace {

constexpr int kBeginTurn = 10'000;  // a command of its own: OpenSSL's are below 200

int Read(BIO* bio, char* to, int size) {
  BIO_clear_retry_flags(bio);
  int& reads_left = *static_cast<int*>(BIO_get_data(bio));
  if (reads_left == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  --reads_left;
  const int got = BIO_read(BIO_next(bio), to, size);
  BIO_copy_next_retry(bio);
  return got;
}

int Write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const int sent = BIO_write(BIO_next(bio), bytes, size);
  BIO_copy_next_retry(bio);
  return sent;
}

long Control(BIO* bio, int command, long number, void* pointer) {
  if (command != kBeginTurn) return BIO_ctrl(BIO_next(bio), command, number, pointer);
  *static_cast<int*>(BIO_get_data(bio)) = kReadsPerTurn;
  return 1;
}

int Create(BIO* bio) {
  BIO_set_data(bio, new int(kReadsPerTurn));
  BIO_set_init(bio, 1);
  return 1;
}

int Destroy(BIO* bio) {
  delete static_cast<int*>(BIO_get_data(bio));
  return 1;
}

BIO_METHOD* MakeMethod() {
  BIO_METHOD* const method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_FILTER, "turns");
  ALLOCLAB_CHECK(method != nullptr);
  BIO_meth_set_read(method, Read);
  BIO_meth_set_write(method, Write);
  BIO_meth_set_ctrl(method, Control);
  BIO_meth_set_create(method, Create);
  BIO_meth_set_destroy(method, Destroy);
  return method;
}

}  // namespace

void ReadInTurns(SSL* session, int socket) {
  static BIO_METHOD* const method = MakeMethod();
  BIO* const bio = BIO_push(BIO_new(method), BIO_new_socket(socket, BIO_NOCLOSE));
  ALLOCLAB_CHECK(bio != nullptr && BIO_next(bio) != nullptr);
  SSL_set_bio(session, bio, bio);
}

void BeginTurn(SSL* session) { BIO_ctrl(SSL_get_rbio(session), kBeginTurn, 0, nullptr); }

}  // namespace alloclab::server

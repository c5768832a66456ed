// A socket as OpenSSL reads it, so little in one turn that others are served in between. By itself SSL_read goes on for as long
// as anything comes that is no data: a message of a handshake in records of one byte, or new keys again and again.
#ifndef ALLOCLAB_SERVER_HTTP_TURN_BIO_H_
#define ALLOCLAB_SERVER_HTTP_TURN_BIO_H_

#include <openssl/ssl.h>

namespace alloclab::server {

// Of the socket in one turn. A record takes two: its header, and the rest.
inline constexpr int kReadsPerTurn = 64;

// The session reads and writes that socket from now on; it does not close it.
void ReadInTurns(SSL* session, int socket);
// Another turn. When it is used up the session says SSL_ERROR_WANT_READ, though the socket may have more. REQUIRES: as above.
void BeginTurn(SSL* session);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_TURN_BIO_H_

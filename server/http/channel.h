// The bytes of one connection, as they are or by TLS, whose handshake goes on by itself while they are moved. Nothing waits:
// who is told kLater comes back when the socket is ready for what awaited() says.
//
// With TLS one Receive reads little enough of a socket for others not to wait for it, whatever comes (turn_bio.h). No byte is
// left behind in here when Receive had room for kTlsRecordBytes, or was given less than it had room for: a socket that says
// nothing has nothing.
//
// Thread safety: one thread at a time, with SIGPIPE blocked: OpenSSL writes to whoever has gone.
#ifndef ALLOCLAB_SERVER_HTTP_CHANNEL_H_
#define ALLOCLAB_SERVER_HTTP_CHANNEL_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "server/http/listener.h"
#include "server/http/tls_context.h"

namespace alloclab::server {

inline constexpr std::size_t kTlsRecordBytes = 16 << 10;

class Channel {
 public:
  // kEnd: the other side has said that nothing more comes. kInTheClear: it speaks HTTP where TLS is expected.
  enum class Outcome { kMoved, kLater, kEnd, kInTheClear, kBroken };
  struct Moved {
    Outcome outcome;
    std::size_t bytes = 0;  // with kMoved, more than none
  };

  Channel() = default;
  // Without `session`, as they are.
  Channel(Descriptor socket, TlsSession session) : socket_(std::move(socket)), session_(std::move(session)) {}

  int socket() const { return socket_.get(); }
  // EPOLLIN or EPOLLOUT, whichever the last call that said kLater waits for; 0: it did not.
  std::uint32_t awaited() const { return awaited_; }

  Moved Receive(char* to, std::size_t size);
  Moved Send(absl::string_view bytes);
  // Says that nothing more comes. kEnd: it is said.
  Outcome EndSending();

  // From now on as they are, to tell who spoke so.
  void DropTls() { session_ = nullptr; }

 private:
  Moved ResultOf(int moved);

  Descriptor socket_;
  TlsSession session_;  // before the socket is closed; null: none
  std::uint32_t awaited_ = 0;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_CHANNEL_H_

// Addresses to listen on.
#ifndef ALLOCLAB_SERVER_HTTP_BIND_ADDRESS_H_
#define ALLOCLAB_SERVER_HTTP_BIND_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"

namespace alloclab::server {

struct BindAddress {
  std::string host = {};         // without brackets; "*": every address of this host
  int port = 0;                  // 0: a free one
  std::string socket_path = {};  // of a Unix socket; empty: host and port count
};

// HTTP is served over TCP only.
enum class Sockets { kTcp, kTcpAndUnix };

// "127.0.0.1:7411", "localhost:0", "[::1]:7411", "*:7411" and, if allowed, "unix:/run/lab.sock". INVALID_ARGUMENT quoting it
// and saying what is expected.
absl::StatusOr<BindAddress> ParseBindAddress(const std::string& text, Sockets allowed = Sockets::kTcp);
// Likewise, naming the flag.
absl::StatusOr<BindAddress> ParseBindAddress(const std::string& flag, const std::string& text, Sockets allowed = Sockets::kTcp);
std::string ToString(const BindAddress& address);

// Whether it is every address of the host, as "*", "0.0.0.0" and "[::]" are.
bool IsEveryAddress(const BindAddress& address);
// Whether only this host can reach it.
bool IsLoopback(const BindAddress& address);

// Where this host reaches what is bound there: loopback, if that is every address of the host.
BindAddress SeenFromThisHost(const BindAddress& address);

// Whether only one of them can be bound. Port 0 is a different one each time.
bool Collide(const BindAddress& one, const BindAddress& other);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_BIND_ADDRESS_H_

// Files of Unix sockets, as addresses to listen on.
#ifndef ALLOCLAB_SERVER_HTTP_UNIX_SOCKET_H_
#define ALLOCLAB_SERVER_HTTP_UNIX_SOCKET_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"

namespace alloclab::server {

// Bytes of a path: what the kernel has room for, less the zero at the end.
inline constexpr std::size_t kSocketPathMax = 107;

// Whether `path` can be written as unix:PATH and reached by gRPC. INVALID_ARGUMENT: it is empty or too long, or has a character
// that no gRPC client takes in an address.
absl::Status CheckSocketPath(const std::string& path);

// Makes room for a socket at `path`: the file that a dead server left behind is removed. FAILED_PRECONDITION saying why there
// is no room: a server listens there, a file of another kind is there, or the folder cannot be written; nothing is changed
// then.
absl::Status MakeRoomForSocket(const std::string& path);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_UNIX_SOCKET_H_

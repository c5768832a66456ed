#include "server/http/unix_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace alloclab::server {
namespace {

constexpr std::string_view kPathLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-._~+,=@";

static_assert(sizeof(sockaddr_un{}.sun_path) == kSocketPathMax + 1);

absl::Status NoRoom(const std::string& why) { return absl::FailedPreconditionError(why); }

// `act` (bind or connect) on a new socket and the address of `path`: 0 or errno.
int Try(int (*act)(int, const sockaddr*, socklen_t), const std::string& path) {
  const int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket_fd < 0) return errno;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, kSocketPathMax);
  const int error =
      act(socket_fd, static_cast<const sockaddr*>(static_cast<const void*>(&address)), sizeof address) != 0 ? errno : 0;
  close(socket_fd);
  return error;
}

// Removes what a dead server left behind; nobody listens on it.
absl::Status RemoveStale(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return absl::OkStatus();
  if (!S_ISSOCK(info.st_mode)) return NoRoom("a file that is not a socket has that name");
  const int error = Try(connect, path);
  if (error == 0 || error == EAGAIN) return NoRoom("another server listens there");
  if (error != ECONNREFUSED) return NoRoom(fmt::format("the socket of another server is there: {}", std::strerror(error)));
  if (unlink(path.c_str()) != 0) return NoRoom(fmt::format("the socket of a dead server stays: {}", std::strerror(errno)));
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckSocketPath(const std::string& path) {
  if (path.empty()) return absl::InvalidArgumentError("\"unix:\" names no file; unix:PATH is expected");
  if (path.size() > kSocketPathMax) {
    return absl::InvalidArgumentError(
        fmt::format("the path of a Unix socket has at most {} bytes, and \"{}\" has {}", kSocketPathMax, path, path.size()));
  }
  const std::size_t bad = path.find_first_not_of(kPathLetters);
  if (bad == std::string::npos) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("byte {} of \"unix:{}\" does not fit in an address; ASCII letters, digits and any of /-._~+,=@ are expected",
                  bad + 6, path));
}

absl::Status MakeRoomForSocket(const std::string& path) {
  if (absl::Status status = RemoveStale(path); !status.ok()) return status;
  const int error = Try(bind, path);
  if (error != 0) return NoRoom(std::strerror(error));
  unlink(path.c_str());
  return absl::OkStatus();
}

}  // namespace alloclab::server

#include "server/http/descriptor.h"

#include <unistd.h>

#include <utility>

namespace alloclab::server {

int Descriptor::Release() { return std::exchange(fd_, -1); }

void Descriptor::Reset(int fd) {
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
}

}  // namespace alloclab::server

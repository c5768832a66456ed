#include "server/version.h"

#include <unistd.h>

#include <array>

namespace alloclab::server {

std::string_view Version() { return ALLOCLAB_VERSION; }
std::string_view Commit() { return ALLOCLAB_COMMIT; }
std::string_view Build() { return ALLOCLAB_BUILD; }

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "unknown";
}

}  // namespace alloclab::server

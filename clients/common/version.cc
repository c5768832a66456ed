#include "clients/common/version.h"

namespace alloclab::client {

std::string Version() { return ALLOCLAB_VERSION; }
std::string Build() { return ALLOCLAB_BUILD; }

}  // namespace alloclab::client

// Which build the client is.
#ifndef ALLOCLAB_CLIENTS_COMMON_VERSION_H_
#define ALLOCLAB_CLIENTS_COMMON_VERSION_H_

#include <string>

namespace alloclab::client {

std::string Version();  // "0.1.0"
std::string Build();    // compiler and build type: "GNU 12.2.0 Release"

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_VERSION_H_

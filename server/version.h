// What this server is.
#ifndef ALLOCLAB_SERVER_VERSION_H_
#define ALLOCLAB_SERVER_VERSION_H_

#include <string>
#include <string_view>

namespace alloclab::server {

std::string_view Version();  // "0.1.0"
std::string_view Commit();   // of the sources, abbreviated; "unknown" outside a checkout
std::string_view Build();    // compiler and build type: "GCC 12.2.0 Release"
std::string_view Engine();   // digest of the sources that the results of runs follow from
std::string HostName();

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_VERSION_H_

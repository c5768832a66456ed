// The server names the field of a request that it refuses; a user of the command line knows the option.
#ifndef ALLOCLAB_CLIENTS_COMMON_FIELD_NAMES_H_
#define ALLOCLAB_CLIENTS_COMMON_FIELD_NAMES_H_

#include <string>
#include <string_view>

namespace alloclab::client {

// "config.ram_bytes: 5000; expected ..." -> "--ram: 5000; expected ...". A message that begins with no such field stays as it
// is.
std::string WithOptionNames(std::string_view message);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_FIELD_NAMES_H_

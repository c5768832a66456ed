// Addresses to listen on.
#ifndef ALLOCLAB_SERVER_SERVER_BIND_ADDRESS_H_
#define ALLOCLAB_SERVER_SERVER_BIND_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"

namespace alloclab::server {

struct BindAddress {
  std::string host;  // without brackets
  int port = 0;      // 0: a free one
};

// "127.0.0.1:7411", "localhost:0", "[::1]:7411". INVALID_ARGUMENT quoting it and saying what is expected.
absl::StatusOr<BindAddress> ParseBindAddress(const std::string& text);
// Likewise, naming the flag.
absl::StatusOr<BindAddress> ParseBindAddress(const std::string& flag, const std::string& text);
std::string ToString(const BindAddress& address);

// Whether the address can be bound right now. FAILED_PRECONDITION naming the flag, the address and why not.
absl::Status CheckBindable(const std::string& flag, const BindAddress& address);

// Connects, if that can be done at once, and hangs up.
void Knock(const BindAddress& address);

// Whether only this host can reach it.
bool IsLoopback(const BindAddress& address);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_BIND_ADDRESS_H_

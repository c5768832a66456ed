// The addresses that a host's name stands for.
#ifndef ALLOCLAB_SERVER_HTTP_RESOLVE_H_
#define ALLOCLAB_SERVER_HTTP_RESOLVE_H_

#include <netdb.h>

#include <memory>
#include <string>

namespace alloclab::server {

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, FreeAddresses>;

// To listen there. `error` gets getaddrinfo's; 0 when there is an address. glibc takes "*" for every address.
inline AddressList Resolve(const std::string& host, int port, int& error, int flags = 0) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | flags;
  addrinfo* list = nullptr;
  error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  return AddressList(list);
}

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_RESOLVE_H_

// A request without a library: what a scraper sends.
#ifndef ALLOCLAB_SERVER_TESTING_HTTP_GET_H_
#define ALLOCLAB_SERVER_TESTING_HTTP_GET_H_

#include <string>

namespace alloclab::server {

// The body of the answer; empty when it is not 200.
std::string HttpGet(const std::string& address, const std::string& path);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_TESTING_HTTP_GET_H_

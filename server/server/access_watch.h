// Keeps an AccessControl up to date with its file, and tells the log what comes of it: tokens come into force, the file cannot
// be read, wrong tokens were shown, a token's role did not allow more than one call (one line a second at most, of each token).
#ifndef ALLOCLAB_SERVER_SERVER_ACCESS_WATCH_H_
#define ALLOCLAB_SERVER_SERVER_ACCESS_WATCH_H_

#include <cstdint>
#include <string>

#include "server/access/access_control.h"
#include "server/handlers/ticker.h"

namespace alloclab::server {

class AccessWatch {
 public:
  // `access` outlives it, and has been refreshed.
  explicit AccessWatch(AccessControl& access) : access_(access), was_in_force_(access.in_force()) {}

 private:
  void Look();

  AccessControl& access_;
  bool was_in_force_;
  std::string trouble_;
  std::uint64_t wrong_tokens_ = 0;
  Ticker ticker_{kTokensLookInterval, [this] { Look(); }};  // last: it uses the others
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_ACCESS_WATCH_H_

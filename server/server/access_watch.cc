#include "server/server/access_watch.h"

#include "server/log.h"

namespace alloclab::server {

void AccessWatch::Look() {
  const std::string trouble(access_.Refresh().message());
  if (!trouble.empty() && trouble != trouble_) Log(LogLevel::kError, "access.tokens_unreadable", {{"error", trouble}});
  if (trouble.empty() && !trouble_.empty()) Log(LogLevel::kInfo, "access.tokens_readable");
  trouble_ = trouble;
  if (access_.in_force() && !was_in_force_) Log(LogLevel::kInfo, "access.tokens_in_force");
  was_in_force_ = access_.in_force();
  const std::uint64_t wrong = access_.wrong_tokens();
  if (wrong != wrong_tokens_) Log(LogLevel::kWarning, "access.wrong_tokens", {{"count", wrong - wrong_tokens_}});
  wrong_tokens_ = wrong;
  for (const auto& [who, times] : access_.TakeUntold()) {
    Log(LogLevel::kWarning, "access.denied", {{"who", who}, {"more", times}});
  }
}

}  // namespace alloclab::server

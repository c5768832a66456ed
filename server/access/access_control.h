// Who is let in and for what, by the tokens of the data folder (token_file.h). Without that file everybody may do everything.
// Once it was seen, tokens are in force until the server ends: a file that is gone or damaged lets nobody in.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_ACCESS_ACCESS_CONTROL_H_
#define ALLOCLAB_SERVER_ACCESS_ACCESS_CONTROL_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "allocators/common/monotonic_time.h"
#include "allocators/common/mutex.h"
#include "server/access/token.h"

namespace alloclab::server {

inline constexpr absl::Duration kTokensLookInterval = absl::Seconds(1);
// So many wrong tokens a second are told what they are; the rest is turned away without a word that depends on them. No secret
// of 256 bits is guessed at any rate: this bounds what a flood costs in answers and in the log. Right ones never wait.
inline constexpr std::uint32_t kWrongTokensPerSecond = 10;

// Who shows a token.
struct Bearer {
  std::string name;  // of the token; empty: tokens are not in force
  Role role = Role::kAdmin;
  absl::Time expires = absl::InfiniteFuture();
};

class AccessControl {
 public:
  using Clock = std::function<absl::Time()>;
  explicit AccessControl(std::string data_dir, Clock clock = absl::Now)
      : data_dir_(std::move(data_dir)), clock_(std::move(clock)) {}

  // Looks at the file if it has changed. Errors of ReadTokenFile; where they may pass (RESOURCE_EXHAUSTED), what was known
  // before holds on.
  absl::Status Refresh() ABSL_LOCKS_EXCLUDED(mutex_);
  bool in_force() const { return in_force_; }

  // Who shows this header, "Bearer SECRET", if he may do `what`, for which `least` is needed. UNAUTHENTICATED: it is empty, or
  // no token that is good now; RESOURCE_EXHAUSTED: likewise, one of too many; PERMISSION_DENIED: the role is too low.
  absl::StatusOr<Bearer> Admit(std::string_view authorization, Role least, std::string_view what) ABSL_LOCKS_EXCLUDED(mutex_);
  // Who shows it, whatever he may do; an empty name if nobody. Nothing is counted.
  Bearer Identify(std::string_view authorization) const ABSL_LOCKS_EXCLUDED(mutex_);

  // One of those that there are.
  std::optional<Token> FindToken(std::string_view name) const ABSL_LOCKS_EXCLUDED(mutex_);
  // As Admit, for who has that token.
  absl::StatusOr<Bearer> Allow(const Token& token, Role least, std::string_view what) const;
  absl::Time now() const { return clock_(); }

  // Until now.
  std::uint64_t wrong_tokens() const { return wrong_tokens_; }

  // The bearer of that token was denied something. Whether the log is to say so: it does of the first time since TakeUntold.
  [[nodiscard]] bool TellsDenied(const std::string& name) ABSL_LOCKS_EXCLUDED(mutex_);
  // How often each was denied something beside that.
  std::map<std::string, std::uint64_t> TakeUntold() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  using Tokens = std::vector<Token>;
  using FileState = std::tuple<std::uint64_t, std::uint64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>;

  absl::Status Read() ABSL_LOCKS_EXCLUDED(mutex_);
  std::shared_ptr<const Tokens> tokens() const ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status RefuseWrong() ABSL_LOCKS_EXCLUDED(mutex_);

  const std::string data_dir_;
  const Clock clock_;
  std::atomic<bool> in_force_{false};
  std::atomic<std::uint64_t> wrong_tokens_{0};
  mutable Mutex mutex_;
  std::shared_ptr<const Tokens> tokens_ ABSL_GUARDED_BY(mutex_);  // null: cannot be read, if in force
  FileState seen_ ABSL_GUARDED_BY(mutex_);
  absl::Status trouble_ ABSL_GUARDED_BY(mutex_);
  MonotonicTime second_ ABSL_GUARDED_BY(mutex_) = MonotonicTime::InfinitePast();  // that began then
  std::uint32_t wrong_in_second_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::uint64_t> untold_ ABSL_GUARDED_BY(mutex_);  // of those of whom one was told, since TakeUntold
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ACCESS_ACCESS_CONTROL_H_

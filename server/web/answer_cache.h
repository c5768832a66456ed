// Answers of a moment ago, so that many browsers that look at the same thing cost no more than one.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_WEB_ANSWER_CACHE_H_
#define ALLOCLAB_SERVER_WEB_ANSWER_CACHE_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "allocators/common/mutex.h"

namespace alloclab::server {

class AnswerCache {
 public:
  static constexpr absl::Duration kLife = absl::Milliseconds(200);
  static constexpr std::size_t kAnswersMax = 16;

  std::optional<std::string> Find(const std::string& question) ABSL_LOCKS_EXCLUDED(mutex_) {
    const MutexLock lock(mutex_);
    const auto found = answers_.find(question);
    if (found == answers_.end() || absl::Now() - found->second.time > kLife) return std::nullopt;
    return found->second.text;
  }

  void Put(const std::string& question, const std::string& text) ABSL_LOCKS_EXCLUDED(mutex_) {
    const MutexLock lock(mutex_);
    const absl::Time now = absl::Now();
    std::erase_if(answers_, [&](const auto& item) { return now - item.second.time > kLife; });
    if (answers_.size() < kAnswersMax) answers_[question] = {now, text};
  }

 private:
  struct Answer {
    absl::Time time;
    std::string text;
  };
  Mutex mutex_;
  std::map<std::string, Answer> answers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_WEB_ANSWER_CACHE_H_

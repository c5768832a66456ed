// Answers of a moment ago, so that many who ask the same thing cost no more than one.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_HTTP_ANSWER_CACHE_H_
#define ALLOCLAB_SERVER_HTTP_ANSWER_CACHE_H_

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "allocators/common/monotonic_time.h"
#include "allocators/common/mutex.h"

namespace alloclab::server {

template <class Answer>
class AnswerCache {
 public:
  static constexpr absl::Duration kLife = absl::Milliseconds(200);
  static constexpr std::size_t kAnswersMax = 16;

  using Clock = std::function<MonotonicTime()>;
  explicit AnswerCache(Clock clock = MonotonicTime::Now, absl::Duration life = kLife) : clock_(std::move(clock)), life_(life) {}

  std::optional<Answer> Find(const std::string& question) ABSL_LOCKS_EXCLUDED(mutex_) {
    const MutexLock lock(mutex_);
    const auto found = answers_.find(question);
    if (found == answers_.end() || clock_() - found->second.time > life_) return std::nullopt;
    return found->second.answer;
  }

  void Put(const std::string& question, const Answer& answer) ABSL_LOCKS_EXCLUDED(mutex_) {
    const MutexLock lock(mutex_);
    const MonotonicTime now = clock_();
    std::erase_if(answers_, [&](const auto& item) { return now - item.second.time > life_; });
    if (answers_.size() < kAnswersMax) answers_.insert_or_assign(question, Entry{now, answer});
  }

 private:
  struct Entry {
    MonotonicTime time;
    Answer answer;
  };
  const Clock clock_;
  const absl::Duration life_;
  Mutex mutex_;
  std::map<std::string, Entry> answers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_ANSWER_CACHE_H_

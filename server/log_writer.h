// Lines to a descriptor, written by a thread of its own: whoever logs never waits for whoever reads. When the reader does not
// keep up, lines are dropped, and how many is said where they are missing.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_LOG_WRITER_H_
#define ALLOCLAB_SERVER_LOG_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "allocators/common/mutex.h"

namespace alloclab::server {

// Of lines that wait: some 5,000.
inline constexpr std::size_t kLogQueueBytesMax = 1 << 20;

class LogWriter {
 public:
  // `loss` makes the line that says how many were dropped.
  LogWriter(int descriptor, std::function<std::string(std::uint64_t dropped)> loss);
  ~LogWriter();  // gives up what the reader does not take at once

  // One line with its newline.
  void Write(std::string line) ABSL_LOCKS_EXCLUDED(mutex_);
  // Whether everything was written before `deadline`.
  bool Flush(MonotonicTime deadline) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // False: nobody reads, and the writer is to end.
  bool Put(const std::string& line) ABSL_LOCKS_EXCLUDED(mutex_);
  bool GivesUp() ABSL_LOCKS_EXCLUDED(mutex_);
  void Push(std::string line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SayLoss() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int descriptor_;
  const std::function<std::string(std::uint64_t)> loss_;
  Mutex mutex_;
  Condition filled_;  // or stopping
  Condition idle_;
  std::deque<std::string> lines_ ABSL_GUARDED_BY(mutex_);
  std::size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t dropped_ ABSL_GUARDED_BY(mutex_) = 0;  // since the last line that was taken in
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_LOG_WRITER_H_

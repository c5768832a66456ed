// Progress of something long on stderr: a bar that redraws itself on a terminal, plain lines every 5 seconds elsewhere.
#ifndef ALLOCLAB_CLIENTS_COMMON_PROGRESS_H_
#define ALLOCLAB_CLIENTS_COMMON_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace alloclab::client {

struct ProgressState {
  std::string what;  // "replaying"
  std::uint64_t done = 0;
  std::uint64_t total = 0;  // 0: not known
  std::chrono::duration<double> elapsed{};
  bool bytes = false;  // done and total are bytes, not operations
};

// "replaying  [#####-----]  50.0 %  2,000,000/4,000,000 ops  12.3 M/s  ETA 0:05", cut to fit `width`.
std::string ProgressBarLine(const ProgressState& state, int width);
// The same without the bar.
std::string ProgressPlainLine(const ProgressState& state);

class Progress {
 public:
  // Draws nothing in the first 200 ms, so that short work leaves no trace.
  Progress(std::FILE* stream, bool quiet);
  ~Progress() { Finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // A new stage starts its own clock when `what` changes.
  void Update(const std::string& what, std::uint64_t done, std::uint64_t total, bool bytes = false);
  // Takes the bar away.
  void Finish();

 private:
  using Clock = std::chrono::steady_clock;

  std::FILE* const stream_;
  const bool quiet_;
  const bool terminal_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point stage_start_ = start_;
  Clock::time_point last_drawn_ = start_;
  std::string stage_;
  bool on_screen_ = false;
};

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_PROGRESS_H_

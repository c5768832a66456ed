// Progress of something long on stderr, as a bar on a terminal.
#ifndef ALLOCLAB_CLIENTS_COMMON_PROGRESS_H_
#define ALLOCLAB_CLIENTS_COMMON_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

#include "clients/common/status_line.h"

namespace alloclab::client {

struct ProgressState {
  std::string what;  // "replaying"
  std::uint64_t done = 0;
  std::uint64_t total = 0;  // 0: not known
  std::chrono::duration<double> elapsed{};
  bool bytes = false;  // done and total are bytes, not operations
};

// "replaying  ▕█████     ▏  50.0 %  2,000,000/4,000,000 ops  12.3 M ops/s  ETA 0:05"; without the bar if `width` has no room
// for it.
std::string ProgressBarLine(const ProgressState& state, int width);
// The same without the bar.
std::string ProgressPlainLine(const ProgressState& state);

class Progress {
 public:
  // Draws nothing in the first 200 ms, so that short work leaves no trace.
  Progress(std::FILE* stream, bool quiet) : line_(stream, quiet, kRedraw) {}

  // A new stage starts its own clock when `what` changes.
  void Update(const std::string& what, std::uint64_t done, std::uint64_t total, bool bytes = false);
  // Takes the bar away.
  void Finish() { line_.Finish(); }

 private:
  using Clock = std::chrono::steady_clock;

  static constexpr std::chrono::milliseconds kRedraw{50};

  StatusLine line_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point stage_start_ = start_;
  Clock::time_point last_drawn_ = start_;
  std::string stage_;
};

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_PROGRESS_H_

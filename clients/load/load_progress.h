// The progress of a load on stderr.
#ifndef ALLOCLAB_CLIENTS_LOAD_LOAD_PROGRESS_H_
#define ALLOCLAB_CLIENTS_LOAD_LOAD_PROGRESS_H_

#include <cstdio>
#include <deque>
#include <string>

#include "clients/common/status_line.h"
#include "clients/load/clock.h"
#include "clients/load/meter.h"

namespace alloclab::load {

// The values as a row of blocks, the largest one full: "▁▂▅█".
std::string Sparkline(const std::deque<double>& values);

// What happened in `elapsed`: "1.50 M ops/s  p50 1.02ms  p99 2.1ms  lag 0  failed 12". The lag only at a fixed rate,
// failures only if there are any.
std::string ProgressLine(const LoadCounts& interval, const LoadGauges& gauges, Nanos elapsed);

class LoadProgress {
 public:
  LoadProgress(std::FILE* stream, bool quiet) : line_(stream, quiet, kRedraw) {}

  // `snapshot` as of `elapsed` since the start; to be called a few times a second.
  void Update(const LoadSnapshot& snapshot, Nanos elapsed);

 private:
  static constexpr std::chrono::milliseconds kRedraw{500};

  client::StatusLine line_;
  LoadCounts last_;
  Nanos last_elapsed_{0};
  std::deque<double> rates_;
};

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_LOAD_PROGRESS_H_

// A LogHistogram (allocators/common/log_histogram.h) of times in whole nanoseconds; a time below 1 ns counts as 1 ns, one above
// 2^44 ns, almost 5 hours, as that.
#ifndef ALLOCLAB_CLIENTS_LOAD_LATENCY_HISTOGRAM_H_
#define ALLOCLAB_CLIENTS_LOAD_LATENCY_HISTOGRAM_H_

#include <algorithm>
#include <cstdint>
#include <utility>

#include "allocators/common/log_histogram.h"
#include "clients/load/clock.h"

namespace alloclab::load {

class LatencyHistogram {
 public:
  LatencyHistogram() = default;
  explicit LatencyHistogram(LogHistogram buckets) : buckets_(std::move(buckets)) {}

  void Record(Nanos time) { buckets_.Record(static_cast<std::uint64_t>(std::max<Nanos::rep>(time.count(), 1))); }

  Nanos Quantile(double quantile) const { return ToNanos(buckets_.Quantile(quantile)); }
  Nanos Min() const { return ToNanos(buckets_.min()); }
  Nanos Max() const { return ToNanos(buckets_.max()); }
  Nanos Mean() const { return ToNanos(buckets_.mean()); }
  const LogHistogram& buckets() const { return buckets_; }

  LatencyHistogram& operator+=(const LatencyHistogram& other) { return buckets_ += other.buckets_, *this; }
  LatencyHistogram& operator-=(const LatencyHistogram& earlier) { return buckets_ -= earlier.buckets_, *this; }
  friend bool operator==(const LatencyHistogram&, const LatencyHistogram&) = default;

 private:
  static Nanos ToNanos(std::uint64_t value) { return Nanos(static_cast<Nanos::rep>(value)); }

  LogHistogram buckets_;
};

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_LATENCY_HISTOGRAM_H_

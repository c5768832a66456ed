#include "clients/load/latency_histogram.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace alloclab::load {

Nanos LatencyHistogram::Quantile(double quantile) const {
  if (count_ == 0) return Nanos(0);
  const double wanted = std::ceil(std::clamp(quantile, 0.0, 1.0) * static_cast<double>(count_));
  const std::uint64_t rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
  std::uint64_t seen = 0;
  for (int bucket = 0; bucket < kBuckets; ++bucket) {
    seen += counts_[bucket];
    if (seen >= rank) return Nanos(static_cast<Nanos::rep>(UpperBound(bucket)));
  }
  return Nanos(0);
}

std::uint64_t LatencyHistogram::CountUpTo(int power_of_two) const {
  const int last = BucketOf(std::uint64_t{1} << power_of_two);
  return std::accumulate(counts_.begin(), counts_.begin() + last + 1, std::uint64_t{0});
}

LatencyHistogram& LatencyHistogram::operator+=(const LatencyHistogram& other) {
  for (int bucket = 0; bucket < kBuckets; ++bucket) counts_[bucket] += other.counts_[bucket];
  count_ += other.count_;
  sum_ns_ += other.sum_ns_;
  return *this;
}

LatencyHistogram& LatencyHistogram::operator-=(const LatencyHistogram& earlier) {
  for (int bucket = 0; bucket < kBuckets; ++bucket) counts_[bucket] -= earlier.counts_[bucket];
  count_ -= earlier.count_;
  sum_ns_ -= earlier.sum_ns_;
  return *this;
}

}  // namespace alloclab::load

#include "clients/load/latency_histogram.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "allocators/common/check.h"

namespace alloclab::load {

Nanos LatencyHistogram::Quantile(double quantile) const {
  if (count_ == 0) return Nanos(0);
  const double wanted = std::ceil(std::clamp(quantile, 0.0, 1.0) * static_cast<double>(count_));
  const std::uint64_t rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
  std::uint64_t seen = 0;
  for (int bucket = 0; bucket < kBuckets; ++bucket) {
    seen += counts_[bucket];
    if (seen >= rank) return Nanos(static_cast<Nanos::rep>(std::min(UpperBound(bucket), max_ns_)));
  }
  return Max();
}

std::uint64_t LatencyHistogram::CountUpTo(int power_of_two) const {
  ALLOCLAB_CHECK_GE(power_of_two, kSubBits);
  ALLOCLAB_CHECK_LE(power_of_two, kLongestBits);
  const int last = BucketOf(std::uint64_t{1} << power_of_two);
  return std::accumulate(counts_.begin(), counts_.begin() + last + 1, std::uint64_t{0});
}

LatencyHistogram& LatencyHistogram::operator+=(const LatencyHistogram& other) {
  for (int bucket = 0; bucket < kBuckets; ++bucket) counts_[bucket] += other.counts_[bucket];
  count_ += other.count_;
  sum_ns_ += other.sum_ns_;
  min_ns_ = std::min(min_ns_, other.min_ns_);
  max_ns_ = std::max(max_ns_, other.max_ns_);
  return *this;
}

LatencyHistogram& LatencyHistogram::operator-=(const LatencyHistogram& earlier) {
  ALLOCLAB_CHECK_LE(earlier.count_, count_);
  if (earlier.count_ == 0) return *this;
  for (int bucket = 0; bucket < kBuckets; ++bucket) counts_[bucket] -= earlier.counts_[bucket];
  count_ -= earlier.count_;
  sum_ns_ -= earlier.sum_ns_;
  const auto used = [](std::uint64_t count) { return count != 0; };
  const auto first = std::find_if(counts_.begin(), counts_.end(), used);
  if (first == counts_.end()) return *this = LatencyHistogram();
  const auto last = std::find_if(counts_.rbegin(), counts_.rend(), used).base() - 1;
  const int lowest = static_cast<int>(first - counts_.begin());
  min_ns_ = std::max(min_ns_, lowest == 0 ? 1 : UpperBound(lowest - 1) + 1);
  max_ns_ = std::min(max_ns_, UpperBound(static_cast<int>(last - counts_.begin())));
  return *this;
}

}  // namespace alloclab::load

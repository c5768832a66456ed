#include "allocators/common/log_histogram.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "allocators/common/check.h"

namespace alloclab {

std::uint64_t LogHistogram::Quantile(double quantile) const {
  if (count_ == 0) return 0;
  const double wanted = std::ceil(std::clamp(quantile, 0.0, 1.0) * static_cast<double>(count_));
  const std::uint64_t rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
  std::uint64_t seen = 0;
  for (int bucket = 0; bucket < kBuckets; ++bucket) {
    seen += counts_[bucket];
    if (seen >= rank) return std::min(UpperBound(bucket), max_);
  }
  return max_;
}

std::uint64_t LogHistogram::CountUpTo(int power_of_two) const {
  ALLOCLAB_CHECK_GE(power_of_two, kSubBits);
  ALLOCLAB_CHECK_LE(power_of_two, kLongestBits);
  const int last = BucketOf(std::uint64_t{1} << power_of_two);
  return std::accumulate(counts_.begin(), counts_.begin() + last + 1, std::uint64_t{0});
}

std::optional<LogHistogram> LogHistogram::FromParts(const Parts& parts) {
  LogHistogram made;
  if (parts.counts.empty()) {
    if (parts.sum != 0 || parts.min != 0 || parts.max != 0) return std::nullopt;
    return made;
  }
  for (const auto& [bucket, count] : parts.counts) {
    made.counts_[static_cast<std::size_t>(bucket)] = count;
    made.count_ += count;
  }
  if (BucketOf(parts.min) != parts.counts.front().first || BucketOf(parts.max) != parts.counts.back().first)
    return std::nullopt;
  const std::uint64_t mean = parts.sum / made.count_;
  if (mean < parts.min || mean > parts.max) return std::nullopt;
  made.sum_ = parts.sum;
  made.min_ = parts.min;
  made.max_ = parts.max;
  return made;
}

LogHistogram& LogHistogram::operator+=(const LogHistogram& other) {
  for (int bucket = 0; bucket < kBuckets; ++bucket) counts_[bucket] += other.counts_[bucket];
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  return *this;
}

LogHistogram& LogHistogram::operator-=(const LogHistogram& earlier) {
  for (int bucket = 0; bucket < kBuckets; ++bucket) {
    ALLOCLAB_CHECK_LE(earlier.counts_[bucket], counts_[bucket]);
    counts_[bucket] -= earlier.counts_[bucket];
  }
  if (earlier.count_ == 0) return *this;
  count_ -= earlier.count_;
  sum_ -= earlier.sum_;
  const auto used = [](std::uint64_t count) { return count != 0; };
  const auto first = std::find_if(counts_.begin(), counts_.end(), used);
  if (first == counts_.end()) return *this = LogHistogram();
  const auto last = std::find_if(counts_.rbegin(), counts_.rend(), used).base() - 1;
  const int lowest = static_cast<int>(first - counts_.begin());
  min_ = std::max(min_, lowest == 0 ? 0 : UpperBound(lowest - 1) + 1);
  max_ = std::min(max_, UpperBound(static_cast<int>(last - counts_.begin())));
  return *this;
}

}  // namespace alloclab

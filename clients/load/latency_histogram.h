// A histogram of times with log-linear buckets, after HdrHistogram: exact in its counts, bounded in its error, merged and
// subtracted without loss.
//
// Buckets are intervals (lower, upper] of whole nanoseconds: one nanosecond wide up to 128 ns, and above that 128 per power of
// two. So the upper bound of a value's bucket exceeds it by less than 1/128 = 0.79 %, and every power of two is a bucket's
// upper bound: cumulative counts at powers of two, as Prometheus wants them, are exact. The smallest and the largest value are
// kept exactly, so that of few values no figure contradicts another.
#ifndef ALLOCLAB_CLIENTS_LOAD_LATENCY_HISTOGRAM_H_
#define ALLOCLAB_CLIENTS_LOAD_LATENCY_HISTOGRAM_H_

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

#include "clients/load/clock.h"

namespace alloclab::load {

class LatencyHistogram {
 public:
  static constexpr int kSubBits = 7;
  static constexpr int kLongestBits = 44;  // values above 2^44 ns, almost 5 hours, count as that
  static constexpr int kBuckets = (kLongestBits - kSubBits + 1) << kSubBits;

  // A time below 1 ns counts as 1 ns.
  void Record(Nanos time) {
    const std::uint64_t value = time.count() < 1 ? 1 : static_cast<std::uint64_t>(time.count());
    ++counts_[BucketOf(value)];
    ++count_;
    sum_ns_ += value;
    min_ns_ = std::min(min_ns_, value);
    max_ns_ = std::max(max_ns_, value);
  }

  static constexpr int BucketOf(std::uint64_t value) {
    constexpr std::uint64_t kLargest = (std::uint64_t{1} << kLongestBits) - 1;
    const std::uint64_t index = value - 1 < kLargest ? value - 1 : kLargest;
    const int width = static_cast<int>(std::bit_width(index));
    if (width <= kSubBits) return static_cast<int>(index);
    const int shift = width - kSubBits - 1;
    return (shift << kSubBits) + static_cast<int>(index >> shift);
  }
  // The largest value of the bucket.
  static constexpr std::uint64_t UpperBound(int bucket) {
    if (bucket < (2 << kSubBits)) return static_cast<std::uint64_t>(bucket) + 1;
    const int shift = (bucket >> kSubBits) - 1;
    const std::uint64_t mantissa =
        (std::uint64_t{1} << kSubBits) | (static_cast<std::uint64_t>(bucket) & ((1u << kSubBits) - 1));
    return (mantissa + 1) << shift;
  }

  // The smallest bucket bound that at least the fraction `quantile` (0 to 1) of the values does not exceed, but never more than
  // Max(); 0 when empty.
  Nanos Quantile(double quantile) const;
  Nanos Min() const { return Nanos(count_ == 0 ? 0 : static_cast<Nanos::rep>(min_ns_)); }
  Nanos Max() const { return Nanos(static_cast<Nanos::rep>(max_ns_)); }
  Nanos Mean() const { return Nanos(count_ == 0 ? 0 : static_cast<Nanos::rep>(sum_ns_ / count_)); }
  // The values of at most 2^power_of_two ns. REQUIRES: kSubBits <= power_of_two <= kLongestBits.
  std::uint64_t CountUpTo(int power_of_two) const;
  std::uint64_t count() const { return count_; }
  std::uint64_t sum_ns() const { return sum_ns_; }
  const std::vector<std::uint64_t>& counts() const { return counts_; }

  LatencyHistogram& operator+=(const LatencyHistogram& other);
  // REQUIRES: this histogram is a later state of `earlier`. Of what remains, smallest and largest value are known to a bucket.
  LatencyHistogram& operator-=(const LatencyHistogram& earlier);
  friend bool operator==(const LatencyHistogram&, const LatencyHistogram&) = default;

 private:
  // On the heap: 38 KiB are too much for the stack of a small thread.
  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(kBuckets);
  std::uint64_t count_ = 0;
  std::uint64_t sum_ns_ = 0;
  std::uint64_t min_ns_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t max_ns_ = 0;
};

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_LATENCY_HISTOGRAM_H_

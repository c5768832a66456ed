// A histogram with log-linear buckets, after HdrHistogram: exact in its counts, bounded in its error, merged and subtracted
// without loss.
//
// Values are whole numbers. 0 has a bucket of its own; above it buckets are intervals (lower, upper], one wide up to 128, and
// then 128 per power of two. So the upper bound of a value's bucket exceeds it by less than 1/128 = 0.79 %, and every power of
// two is a bucket's upper bound: cumulative counts at powers of two, as Prometheus wants them, are exact. The smallest and the
// largest value are kept exactly, so that of few values no figure contradicts another.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_LOG_HISTOGRAM_H_
#define ALLOCLAB_ALLOCATORS_COMMON_LOG_HISTOGRAM_H_

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace alloclab {

class LogHistogram {
 public:
  static constexpr int kSubBits = 7;
  static constexpr int kLongestBits = 44;  // values above 2^44 count as that
  static constexpr int kBuckets = 1 + ((kLongestBits - kSubBits + 1) << kSubBits);

  void Record(std::uint64_t value) {
    ++counts_[BucketOf(value)];
    ++count_;
    sum_ += value;
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
  }

  static constexpr int BucketOf(std::uint64_t value) {
    constexpr std::uint64_t kLargest = (std::uint64_t{1} << kLongestBits) - 1;
    if (value == 0) return 0;
    const std::uint64_t index = value - 1 < kLargest ? value - 1 : kLargest;
    const int width = static_cast<int>(std::bit_width(index));
    if (width <= kSubBits) return 1 + static_cast<int>(index);
    const int shift = width - kSubBits - 1;
    return 1 + (shift << kSubBits) + static_cast<int>(index >> shift);
  }
  // The largest value of the bucket.
  static constexpr std::uint64_t UpperBound(int bucket) {
    if (bucket <= (2 << kSubBits)) return static_cast<std::uint64_t>(bucket);
    const int shift = ((bucket - 1) >> kSubBits) - 1;
    const std::uint64_t mantissa =
        (std::uint64_t{1} << kSubBits) | (static_cast<std::uint64_t>(bucket - 1) & ((1u << kSubBits) - 1));
    return (mantissa + 1) << shift;
  }

  // The smallest bucket bound that at least the fraction `quantile` (0 to 1) of the values does not exceed, but never more than
  // max(); 0 when empty.
  std::uint64_t Quantile(double quantile) const;
  // How many values are at most 2^power_of_two. REQUIRES: kSubBits <= power_of_two <= kLongestBits.
  std::uint64_t CountUpTo(int power_of_two) const;
  std::uint64_t min() const { return count_ == 0 ? 0 : min_; }
  std::uint64_t max() const { return max_; }
  std::uint64_t mean() const { return count_ == 0 ? 0 : sum_ / count_; }
  std::uint64_t count() const { return count_; }
  std::uint64_t sum() const { return sum_; }
  const std::vector<std::uint64_t>& counts() const { return counts_; }

  // What a histogram is made of, for a way from program to program.
  struct Parts {
    std::vector<std::pair<int, std::uint64_t>> counts;  // buckets that hold anything, ascending, from 0 below kBuckets
    std::uint64_t sum = 0, min = 0, max = 0;            // 0 when it is empty
  };
  // None if no values have such a sum, minimum and maximum in those buckets. REQUIRES: the counts add up to less than 2^64.
  static std::optional<LogHistogram> FromParts(const Parts& parts);

  LogHistogram& operator+=(const LogHistogram& other);
  // REQUIRES: this histogram is a later state of `earlier`: no bucket of it holds less. Of what remains, smallest and largest
  // value are known to a bucket.
  LogHistogram& operator-=(const LogHistogram& earlier);
  friend bool operator==(const LogHistogram&, const LogHistogram&) = default;

 private:
  // On the heap: 38 KiB are too much for the stack of a small thread.
  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(kBuckets);
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t min_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t max_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_LOG_HISTOGRAM_H_

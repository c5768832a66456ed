// A histogram with one bucket per power of two: exact, mergeable, two instructions to record.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_POW2_HISTOGRAM_H_
#define ALLOCLAB_ALLOCATORS_COMMON_POW2_HISTOGRAM_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace alloclab {

class Pow2Histogram {
 public:
  static constexpr int kBuckets = 34;

  void Record(std::uint64_t value) {
    ++counts_[BucketOf(value)];
    sum_ += value;
  }

  void Add(const Pow2Histogram& other) {
    for (int i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
    sum_ += other.sum_;
  }

  // Bucket 0 holds 0, bucket 1 holds 1, bucket k holds 2^(k-2) < v <= 2^(k-1): UpperBound(k) is its largest value,
  // so the buckets become Prometheus cumulative `le` buckets. The last bucket has no upper bound.
  static constexpr int BucketOf(std::uint64_t value) {
    // bit_width(value - 1) + 1 without a branch: 2 * value - 1 has one bit more, and 0 none.
    const std::uint64_t kept = std::min(value, kLastBound + 1);
    const std::uint64_t doubled = 2 * kept - (kept != 0 ? 1 : 0);
    return static_cast<int>(std::bit_width(2 * doubled + 1)) - 1;
  }
  static constexpr std::uint64_t UpperBound(int bucket) { return bucket == 0 ? 0 : std::uint64_t{1} << (bucket - 1); }

  std::uint64_t count() const {
    std::uint64_t total = 0;
    for (const std::uint64_t count : counts_) total += count;
    return total;
  }
  std::uint64_t sum() const { return sum_; }
  const std::array<std::uint64_t, kBuckets>& counts() const { return counts_; }

  friend bool operator==(const Pow2Histogram&, const Pow2Histogram&) = default;

 private:
  static constexpr std::uint64_t kLastBound = std::uint64_t{1} << (kBuckets - 3);  // that of the last bucket but one

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t sum_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_POW2_HISTOGRAM_H_

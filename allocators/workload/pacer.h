// Cuts a replay into slices of a few milliseconds, so that progress is shown and a cancel is honoured in time however slow the
// operations are.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_PACER_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_PACER_H_

#include <algorithm>
#include <cstdint>

#include "allocators/common/check.h"

namespace alloclab {

class Pacer {
 public:
  // REQUIRES: max >= 1.
  explicit Pacer(std::uint64_t max) : max_(max), slice_(std::min<std::uint64_t>(max, 64)) { ALLOCLAB_CHECK_GE(max, 1u); }

  // Operations of the next slice.
  std::uint64_t slice() const { return slice_; }

  // The slice took this long. Grows at most twofold, so one slice never takes much longer than twice the aim unless the
  // operations themselves became slower; then the next ones shrink as fast as needed.
  void Took(std::uint64_t ns) { Took(slice_, ns); }
  // The same of fewer operations, after which slices only shrink.
  void Took(std::uint64_t operations, std::uint64_t ns) {
    const std::uint64_t fitting = operations * kAimNs / std::max<std::uint64_t>(ns, 1);
    slice_ = std::clamp<std::uint64_t>(std::min(fitting, operations < slice_ ? slice_ : slice_ * 2), 1, max_);
  }

 private:
  static constexpr std::uint64_t kAimNs = 10'000'000;

  const std::uint64_t max_;
  std::uint64_t slice_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_PACER_H_

// The mean of measured values and how far it can be trusted.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_INTERVAL_H_
#define ALLOCLAB_ALLOCATORS_COMMON_INTERVAL_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <span>

#include "allocators/common/check.h"

namespace alloclab {

struct Interval {
  double mean = 0, low = 0, high = 0;
};

// The mean of values and its 95 % interval by Student's t; of a single value that value. REQUIRES: there are some.
inline Interval MeanOf(std::span<const double> values) {
  // Of so many degrees of freedom less one, two-sided, 95 %; for more the last one, which is a little too wide.
  constexpr double kStudent[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                 2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
                                 2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};
  ALLOCLAB_CHECK(!values.empty());
  const auto count = static_cast<double>(values.size());
  double mean = 0, squares = 0;
  for (const double value : values) mean += value / count;
  for (const double value : values) squares += (value - mean) * (value - mean);
  if (values.size() == 1) return {mean, mean, mean};
  const double quantile = kStudent[std::min(values.size() - 2, std::size(kStudent) - 1)];
  const double half = quantile * std::sqrt(squares / (count - 1) / count);
  return {mean, mean - half, mean + half};
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_INTERVAL_H_

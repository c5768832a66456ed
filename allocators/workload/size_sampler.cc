#include "allocators/workload/size_sampler.h"

#include <algorithm>
#include <bit>
#include <string>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"

namespace alloclab {
namespace {

constexpr std::size_t kChoicesMax = 4096;

class SizeCheck {
 public:
  SizeCheck(std::uint32_t least, std::uint32_t largest, std::string_view field)
      : least_(least), largest_(largest), field_(field) {}

  absl::Status operator()(const FixedSize& size) const { return Range("fixed", "", size.value); }
  absl::Status operator()(const UniformSize& size) const {
    if (size.min > size.max) return Bad("uniform", absl::StrFormat("min %d is above max %d", size.min, size.max));
    absl::Status status = Range("uniform", "min ", size.min);
    return status.ok() ? Range("uniform", "max ", size.max) : status;
  }
  absl::Status operator()(const ExponentialSize& size) const {
    if (size.mean == 0) return Bad("exponential", "mean 0; expected at least 1");
    if (size.max == 0) return Bad("exponential", "max 0; expected at least 1");
    return Range("exponential", "max ", size.max);
  }
  absl::Status operator()(const WeightedSizes& size) const {
    if (size.choices.empty()) return Bad("weighted", "no choices; expected at least one size with its weight");
    if (size.choices.size() > kChoicesMax) {
      return Bad("weighted", absl::StrFormat("%d choices; expected at most %d", size.choices.size(), kChoicesMax));
    }
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < size.choices.size(); ++i) {
      total += size.choices[i].second;
      const std::string name = absl::StrFormat("choices[%d] ", i);
      if (absl::Status status = Range("weighted", name, size.choices[i].first); !status.ok()) return status;
    }
    if (total == 0) return Bad("weighted", "all weights are 0; expected one above 0");
    if (total > UINT32_MAX) return Bad("weighted", "the weights add up to more than 4294967295");
    return absl::OkStatus();
  }

 private:
  absl::Status Range(std::string_view kind, std::string_view which, std::uint32_t value) const {
    if (value >= least_ && value <= largest_) return absl::OkStatus();
    return Bad(kind, absl::StrFormat("%s%d; expected %d to %d", which, value, least_, largest_));
  }
  absl::Status Bad(std::string_view kind, std::string_view what) const {
    return absl::InvalidArgumentError(absl::StrFormat("%s.%s: %s", field_, kind, what));
  }

  const std::uint32_t least_, largest_;
  const std::string_view field_;
};

class SizeDraw {
 public:
  explicit SizeDraw(Xoshiro256& random) : random_(random) {}

  std::uint32_t operator()(const FixedSize& size) const { return size.value; }
  std::uint32_t operator()(const UniformSize& size) const {
    ALLOCLAB_CHECK_LE(size.min, size.max);
    const std::uint64_t span = std::uint64_t{size.max} - size.min + 1;
    return size.min + static_cast<std::uint32_t>(((random_.Next() >> 32) * span) >> 32);
  }
  std::uint32_t operator()(const ExponentialSize& size) const {
    ALLOCLAB_CHECK_GE(size.max, 1u);
    const auto draw = static_cast<std::uint32_t>(random_.Next() >> 32) | 1u;
    const std::uint64_t value = std::uint64_t{size.mean} * NegativeLog(draw) >> 16;
    return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(value, 1, size.max));
  }
  std::uint32_t operator()(const WeightedSizes& size) const {
    std::uint64_t total = 0;
    for (const auto& [value, weight] : size.choices) total += weight;
    ALLOCLAB_CHECK_LE(total, UINT32_MAX);
    std::uint32_t draw = random_.Below(static_cast<std::uint32_t>(total));
    for (const auto& [value, weight] : size.choices) {
      if (draw < weight) return value;
      draw -= weight;
    }
    return size.choices.back().first;
  }

 private:
  Xoshiro256& random_;
};

}  // namespace

absl::Status CheckSize(const SizeDistribution& size, std::uint32_t least, std::uint32_t largest, std::string_view field) {
  return std::visit(SizeCheck(least, largest, field), size);
}

std::uint32_t NegativeLog(std::uint32_t x) {
  ALLOCLAB_CHECK_GE(x, 1u);
  ALLOCLAB_CHECK_GE(x, 1u);
  // log2 by repeated squaring of the mantissa, one bit of the fraction each time.
  const int exponent = static_cast<int>(std::bit_width(x)) - 1;
  std::uint64_t mantissa = std::uint64_t{x} << (31 - exponent);  // 1 <= mantissa / 2^31 < 2
  std::uint32_t log2 = static_cast<std::uint32_t>(exponent) << 16;
  for (std::uint32_t bit = 1u << 15; bit != 0; bit >>= 1) {
    mantissa = mantissa * mantissa >> 31;
    if (mantissa >> 32 == 0) continue;
    mantissa >>= 1;
    log2 |= bit;
  }
  constexpr std::uint64_t kLn2 = 2977044472;  // ln 2 in 2^-32ths
  return static_cast<std::uint32_t>(((std::uint64_t{32} << 16) - log2) * kLn2 >> 32);
}

std::uint32_t SampleSize(const SizeDistribution& size, Xoshiro256& random) { return std::visit(SizeDraw(random), size); }

}  // namespace alloclab

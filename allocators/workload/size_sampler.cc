#include "allocators/workload/size_sampler.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"

namespace alloclab {
namespace {

constexpr std::size_t kChoicesMax = 4096;
// 2^(1/2), 2^(1/4), ... in 2^-31ths.
constexpr std::array<std::uint32_t, 16> kRootsOfTwo = {3037000500, 2553802834, 2341847524, 2242560872, 2194507417, 2170868212,
                                                       2159144272, 2153306067, 2150392887, 2148937775, 2148210589, 2147847087,
                                                       2147665360, 2147574502, 2147529075, 2147506361};
constexpr std::uint32_t kSigmaMax = 400, kShapeMin = 10, kShapeMax = 1000, kExponentMax = 400;  // percent

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
    return Weights("weighted", total);
  }
  absl::Status operator()(const LognormalSize& size) const {
    if (size.median == 0) return Bad("lognormal", "median 0; expected at least 1");
    if (size.sigma_percent > kSigmaMax) {
      return Bad("lognormal", absl::StrFormat("sigma_percent %d; expected at most %d", size.sigma_percent, kSigmaMax));
    }
    if (size.max == 0) return Bad("lognormal", "max 0; expected at least 1");
    return Range("lognormal", "max ", size.max);
  }
  absl::Status operator()(const ParetoSize& size) const {
    if (size.min == 0) return Bad("pareto", "min 0; expected at least 1");
    if (size.min > size.max) return Bad("pareto", absl::StrFormat("min %d is above max %d", size.min, size.max));
    if (size.shape_percent < kShapeMin || size.shape_percent > kShapeMax) {
      return Bad("pareto", absl::StrFormat("shape_percent %d; expected %d to %d", size.shape_percent, kShapeMin, kShapeMax));
    }
    return Range("pareto", "max ", size.max);
  }
  absl::Status operator()(const ZipfSizes& size) const {
    if (size.sizes.empty()) return Bad("zipf", "no sizes; expected at least one, the most frequent first");
    if (size.sizes.size() > kChoicesMax) {
      return Bad("zipf", absl::StrFormat("%d sizes; expected at most %d", size.sizes.size(), kChoicesMax));
    }
    if (size.exponent_percent > kExponentMax) {
      return Bad("zipf", absl::StrFormat("exponent_percent %d; expected at most %d", size.exponent_percent, kExponentMax));
    }
    for (std::size_t i = 0; i < size.sizes.size(); ++i) {
      if (absl::Status status = Range("zipf", absl::StrFormat("sizes[%d] ", i), size.sizes[i]); !status.ok()) return status;
    }
    return absl::OkStatus();
  }
  absl::Status operator()(const HistogramSizes& size) const {
    if (size.bins.empty()) return Bad("histogram", "no bins; expected at least one range with its weight");
    if (size.bins.size() > kChoicesMax) {
      return Bad("histogram", absl::StrFormat("%d bins; expected at most %d", size.bins.size(), kChoicesMax));
    }
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < size.bins.size(); ++i) {
      const HistogramSizes::Bin& bin = size.bins[i];
      total += bin.weight;
      if (bin.min > bin.max) return Bad("histogram", absl::StrFormat("bins[%d] min %d is above max %d", i, bin.min, bin.max));
      for (const auto& [name, value] : {std::pair{"min", bin.min}, std::pair{"max", bin.max}}) {
        absl::Status status = Range("histogram", absl::StrFormat("bins[%d] %s ", i, name), value);
        if (!status.ok()) return status;
      }
    }
    return Weights("histogram", total);
  }

 private:
  absl::Status Weights(std::string_view kind, std::uint64_t total) const {
    if (total == 0) return Bad(kind, "all weights are 0; expected one above 0");
    if (total > UINT32_MAX) return Bad(kind, "the weights add up to more than 4294967295");
    return absl::OkStatus();
  }
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

// A number of min..max, all equally likely.
std::uint32_t Between(std::uint32_t min, std::uint32_t max, Xoshiro256& random) {
  ALLOCLAB_CHECK_LE(min, max);
  const std::uint64_t span = std::uint64_t{max} - min + 1;
  return min + static_cast<std::uint32_t>(((random.Next() >> 32) * span) >> 32);
}

class SizeDraw {
 public:
  SizeDraw(const std::vector<std::uint32_t>& sums, Xoshiro256& random) : sums_(sums), random_(random) {}

  std::uint32_t operator()(const FixedSize& size) const { return size.value; }
  std::uint32_t operator()(const UniformSize& size) const { return Between(size.min, size.max, random_); }
  std::uint32_t operator()(const ExponentialSize& size) const {
    ALLOCLAB_CHECK_GE(size.max, 1u);
    const auto draw = static_cast<std::uint32_t>(random_.Next() >> 32) | 1u;
    const std::uint64_t value = std::uint64_t{size.mean} * NegativeLog(draw) >> 16;
    return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(value, 1, size.max));
  }
  std::uint32_t operator()(const WeightedSizes& size) const { return size.choices[Choice()].first; }
  std::uint32_t operator()(const LognormalSize& size) const {
    std::int64_t normal = -(std::int64_t{6} << 16);  // in 1/65536ths
    for (int i = 0; i < 12; ++i) normal += static_cast<std::int64_t>(random_.Next() >> 48);
    return std::max(1u, TimesExp(size.median, normal * size.sigma_percent / 100, size.max));
  }
  std::uint32_t operator()(const ParetoSize& size) const {
    const auto draw = static_cast<std::uint32_t>(random_.Next() >> 32) | 1u;
    return TimesExp(size.min, std::int64_t{NegativeLog(draw)} * 100 / size.shape_percent, size.max);
  }
  std::uint32_t operator()(const ZipfSizes& size) const { return size.sizes[Choice()]; }
  std::uint32_t operator()(const HistogramSizes& size) const {
    const HistogramSizes::Bin& bin = size.bins[Choice()];
    return Between(bin.min, bin.max, random_);
  }

 private:
  std::size_t Choice() const {
    const std::uint32_t draw = random_.Below(sums_.empty() ? 0 : sums_.back());
    return static_cast<std::size_t>(std::upper_bound(sums_.begin(), sums_.end(), draw) - sums_.begin());
  }

  const std::vector<std::uint32_t>& sums_;
  Xoshiro256& random_;
};

// 2^19 / k^exponent, at least 1: kChoicesMax of them fit.
std::uint32_t ZipfWeight(std::size_t rank, std::uint32_t exponent_percent) {
  const std::uint32_t ln = NegativeLog(1) - NegativeLog(static_cast<std::uint32_t>(rank));  // ln(rank): both of rank / 2^32
  return std::max(1u, TimesExp(1u << 19, -std::int64_t{ln} * exponent_percent / 100, 1u << 19));
}

std::vector<std::uint32_t> WeightsOf(const SizeDistribution& size) {
  std::vector<std::uint32_t> weights;
  if (const auto* weighted = std::get_if<WeightedSizes>(&size)) {
    for (const auto& [value, weight] : weighted->choices) weights.push_back(weight);
  } else if (const auto* zipf = std::get_if<ZipfSizes>(&size)) {
    for (std::size_t rank = 1; rank <= zipf->sizes.size(); ++rank) weights.push_back(ZipfWeight(rank, zipf->exponent_percent));
  } else if (const auto* histogram = std::get_if<HistogramSizes>(&size)) {
    for (const HistogramSizes::Bin& bin : histogram->bins) weights.push_back(bin.weight);
  }
  return weights;
}

}  // namespace

absl::Status CheckSize(const SizeDistribution& size, std::uint32_t least, std::uint32_t largest, std::string_view field) {
  return std::visit(SizeCheck(least, largest, field), size);
}

std::uint32_t NegativeLog(std::uint32_t x) {
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

std::uint32_t TimesExp(std::uint32_t value, std::int64_t x, std::uint32_t most) {
  constexpr std::int64_t kLog2E = 6196328019;         // log2 e in 2^-32ths
  const std::int64_t log2 = x * (kLog2E >> 8) >> 24;  // in 1/65536ths
  const std::int64_t whole = log2 >> 16;              // rounded down
  auto fraction = static_cast<std::uint32_t>(log2 & 0xFFFF);
  // 2^fraction in 2^-31ths: a root of two for each bit that is set.
  std::uint64_t factor = std::uint64_t{1} << 31;
  for (const std::uint32_t root : kRootsOfTwo) {
    if ((fraction & 0x8000) != 0) factor = factor * root >> 31;
    fraction <<= 1;
  }
  if (whole >= 32) return value == 0 ? 0 : most;
  if (whole < -32) return 0;
  std::uint64_t product = value * factor;  // below 2^64, in 2^-31ths
  const auto shift = static_cast<int>(31 - whole);
  product = shift >= 64 ? 0 : shift >= 0 ? product >> shift : product > (~0ull >> -shift) ? ~0ull : product << -shift;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(product, most));
}

namespace {

struct LargestOf {
  std::uint32_t operator()(const FixedSize& size) const { return size.value; }
  std::uint32_t operator()(const WeightedSizes& size) const {
    return std::max_element(size.choices.begin(), size.choices.end())->first;
  }
  std::uint32_t operator()(const ZipfSizes& size) const { return *std::max_element(size.sizes.begin(), size.sizes.end()); }
  std::uint32_t operator()(const HistogramSizes& size) const {
    std::uint32_t largest = 0;
    for (const HistogramSizes::Bin& bin : size.bins) largest = std::max(largest, bin.max);
    return largest;
  }
  template <class Cut>
  std::uint32_t operator()(const Cut& size) const {
    return size.max;
  }
};

}  // namespace

std::uint32_t LargestSize(const SizeDistribution& size) { return std::visit(LargestOf(), size); }

SizeSampler::SizeSampler(const SizeDistribution& size) : size_(&size), sums_(WeightsOf(size)) {
  ALLOCLAB_CHECK_LE(std::accumulate(sums_.begin(), sums_.end(), std::uint64_t{0}), UINT32_MAX);
  std::partial_sum(sums_.begin(), sums_.end(), sums_.begin());
}

std::uint32_t SizeSampler::Draw(Xoshiro256& random) const { return std::visit(SizeDraw(sums_, random), *size_); }

}  // namespace alloclab

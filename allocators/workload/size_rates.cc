#include "allocators/workload/size_rates.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <map>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"

namespace alloclab {
namespace {

constexpr double kWeightSum = 1e9;            // of all weights: a thousandth of a millionth is still told
constexpr std::uint32_t kLifetimeMeans = 16;  // an exponential lifetime is cut at so many means

// Sizes that live about as long.
struct Group {
  double rate = 0, live = 0;
  std::vector<const SizeRate*> sizes;
};

std::uint32_t Weight(double part, double whole) {
  return part == 0 ? 0 : std::max(1u, static_cast<std::uint32_t>(part / whole * kWeightSum));
}

// One phase whose blocks come by `part` of every size.
Phase MakePhase(std::string name, std::uint64_t operations, const std::map<int, Group>& groups, double operations_of_a_life,
                double SizeRate::*part) {
  double whole = 0;
  for (const auto& [key, group] : groups) {
    for (const SizeRate* rate : group.sizes) whole += rate->*part;
  }
  Phase phase{.name = std::move(name), .operations = operations, .size = FixedSize{}};
  for (const auto& [key, group] : groups) {
    WeightedSizes sizes;
    double sum = 0;
    for (const SizeRate* rate : group.sizes) {
      sum += rate->*part;
      if (const std::uint32_t weight = Weight(rate->*part, whole); weight != 0) sizes.choices.emplace_back(rate->size, weight);
    }
    if (sizes.choices.empty()) continue;
    const double mean = group.rate == 0 ? kLifetimeMax : group.live / group.rate * operations_of_a_life;
    const auto life = static_cast<std::uint32_t>(std::clamp(mean, 1.0, double{kLifetimeMax}));
    const std::uint32_t longest = life > kLifetimeMax / kLifetimeMeans ? kLifetimeMax : life * kLifetimeMeans;
    phase.groups.push_back({Weight(sum, whole), std::move(sizes), ExponentialSize{life, longest}});
  }
  return phase;
}

std::string_view Stripped(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

// What stands before the next `border` or the end, which are taken off `rest` with it.
std::string_view TakeUpTo(char border, std::string_view& rest) {
  const std::size_t end = std::min(rest.find(border), rest.size());
  const std::string_view part = Stripped(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

template <class Number>
bool IsNumber(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

absl::StatusOr<SizeRate> ReadLine(std::string_view line, std::string_view place) {
  SizeRate rate;
  std::string_view rest = line;
  if (IsNumber(TakeUpTo(',', rest), rate.size) && IsNumber(TakeUpTo(',', rest), rate.rate) &&
      IsNumber(Stripped(rest), rate.live) && std::isfinite(rate.rate) && std::isfinite(rate.live) && rate.rate >= 0 &&
      rate.live >= 0) {
    return rate;
  }
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: \"%s\"; expected a size up to 4294967295, its rate of allocations and how many of it live, such as "
                      "\"64, 1000.5, 200\"",
                      place, absl::CHexEscape(std::string(line.substr(0, 80)))));
}

}  // namespace

absl::StatusOr<std::vector<SizeRate>> ReadSizeRates(std::string_view text, std::string_view name) {
  std::vector<SizeRate> rates;
  double rate_sum = 0, live_bytes = 0;
  std::uint64_t number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    ++number;
    const std::string_view line = TakeUpTo('\n', rest);
    if (line.empty()) continue;
    const absl::StatusOr<SizeRate> rate = ReadLine(line, absl::StrFormat("%s:%d", name, number));
    if (!rate.ok()) return rate.status();
    if (rates.size() == kSizeRatesMax) {
      return absl::InvalidArgumentError(absl::StrFormat("%s:%d: more than %d sizes, the limit", name, number, kSizeRatesMax));
    }
    rates.push_back(*rate);
    rate_sum += rate->rate;
    live_bytes += rate->live * rate->size;
  }
  if (!(rate_sum > 0) || !(live_bytes > 0) || !std::isfinite(rate_sum) || !std::isfinite(live_bytes)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: nothing is allocated or nothing lives; expected rates and live blocks above 0", name));
  }
  return rates;
}

absl::StatusOr<WorkloadSpec> ProfileSizeRates(std::span<const SizeRate> rates, std::uint64_t live_bytes,
                                              std::uint64_t operations) {
  if (live_bytes == 0) return absl::InvalidArgumentError("live bytes: 0; expected at least 1");
  double rate_sum = 0, bytes = 0, blocks = 0;
  for (const SizeRate& rate : rates) {
    rate_sum += rate.rate;
    bytes += rate.live * rate.size;
    blocks += rate.live;
  }
  const double scale = static_cast<double>(live_bytes) / bytes;
  const double operations_of_a_life = scale * 2 * rate_sum;  // half of all operations allocate
  std::map<int, Group> groups;
  for (const SizeRate& rate : rates) {
    if (rate.rate == 0 && rate.live == 0) continue;
    const double life = rate.rate == 0 ? kLifetimeMax : rate.live / rate.rate * operations_of_a_life;
    Group& group = groups[std::bit_width(static_cast<std::uint32_t>(std::clamp(life, 1.0, double{kLifetimeMax})))];
    group.rate += rate.rate;
    group.live += rate.live;
    group.sizes.push_back(&rate);
  }
  const double fill = std::min(blocks * scale, double{kOperationsMax} + 1);
  WorkloadSpec spec{.name = "", .seed = 1, .phases = {}};
  spec.phases.push_back(MakePhase("fill", std::max<std::uint64_t>(1, static_cast<std::uint64_t>(fill)), groups,
                                  operations_of_a_life, &SizeRate::live));
  spec.phases.push_back(MakePhase("serve", operations, groups, operations_of_a_life, &SizeRate::rate));
  if (absl::Status status = ValidateSpec(spec); !status.ok()) return status;
  return spec;
}

SizeRatesFit CompareWithRates(std::span<const SizeRate> rates, const WorkloadSpec& spec, const Trace& trace) {
  std::map<std::uint32_t, double> distance;  // size -> part asked for less part wanted
  double rate_sum = 0;
  for (const SizeRate& rate : rates) rate_sum += rate.rate;
  for (const SizeRate& rate : rates) distance[rate.size] -= rate.rate / rate_sum;
  const std::uint64_t serve = spec.phases.front().operations, half = serve + (trace.operations.size() - serve) / 2;
  std::vector<std::uint32_t> sizes(trace.heap_handles);
  std::map<std::uint32_t, std::uint64_t> asked;
  std::uint64_t requests = 0, live = 0;
  double live_sum = 0;
  for (std::uint64_t i = 0; i < trace.operations.size(); ++i) {
    const Operation& op = trace.operations[i];
    if (op.kind == OpKind::kMalloc) {
      live += sizes[op.block] = op.size;
      if (i >= serve) ++asked[op.size], ++requests;
    } else {
      live -= sizes[op.block];
    }
    if (i >= half) live_sum += static_cast<double>(live);
  }
  for (const auto& [size, count] : asked) distance[size] += static_cast<double>(count) / static_cast<double>(requests);
  SizeRatesFit fit;
  double sum = 0;
  for (const auto& [size, part] : distance) fit.sizes = std::max(fit.sizes, std::abs(sum += part));
  fit.live_bytes = static_cast<std::uint64_t>(live_sum / static_cast<double>(trace.operations.size() - half));
  return fit;
}

}  // namespace alloclab

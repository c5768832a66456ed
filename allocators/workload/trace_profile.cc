#include "allocators/workload/trace_profile.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/machine/address.h"

namespace alloclab {
namespace {

constexpr std::size_t kExactMax = 32;
constexpr std::uint32_t kExactPart = 100;  // a size that is one request in so many is kept as it is
constexpr std::uint32_t kRangesLog2 = 3;   // of each power of two
constexpr std::uint64_t kCurvePoints = 512;

using Counts = std::map<std::uint32_t, std::uint32_t>;  // value -> how often

std::uint32_t Clamped(std::uint64_t value) { return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, UINT32_MAX)); }

// The first value of the range that this one is in.
std::uint32_t RangeOf(std::uint32_t value) {
  const int bits = static_cast<int>(std::bit_width(value));
  const int shift = std::max(0, bits - 1 - static_cast<int>(kRangesLog2));
  return value >> shift << shift;
}

HistogramSizes Histogram(const Counts& counts, bool keep_exact) {
  std::uint64_t total = 0;
  for (const auto& [value, count] : counts) total += count;
  HistogramSizes histogram;
  std::size_t exact = 0;
  std::map<std::uint32_t, HistogramSizes::Bin> ranges;
  for (const auto& [value, count] : counts) {
    if (keep_exact && exact < kExactMax && std::uint64_t{count} * kExactPart >= total) {
      histogram.bins.push_back({value, value, count});
      ++exact;
      continue;
    }
    HistogramSizes::Bin& bin = ranges.try_emplace(RangeOf(value), HistogramSizes::Bin{value, value, 0}).first->second;
    bin.max = value;
    bin.weight += count;
  }
  for (const auto& [first, bin] : ranges) histogram.bins.push_back(bin);
  return histogram;
}

// What happens to a trace, block by block.
struct Events {
  std::function<void(std::uint64_t at, const Operation& op, std::uint64_t bytes)> on_request;
  struct Death {
    std::uint64_t born, at;  // of those that are left: at the end
    std::uint64_t bytes;     // the size that it had for longest
    bool pages, freed;
  };
  std::function<void(const Death&)> on_death;
  std::function<void(std::uint64_t at, std::uint64_t live_bytes)> on_operation = nullptr;
};

class Walk {
 public:
  Walk(const Trace& trace, const Events& events) : trace_(trace), events_(events) {}

  bool Run(const Interrupt& interrupt) {
    InterruptPoll poll(interrupt);
    for (std::uint64_t at = 0; at < trace_.operations.size(); ++at) {
      if (poll.Step()) return false;
      Apply(at, trace_.operations[at]);
      if (events_.on_operation) events_.on_operation(at, live_bytes_);
    }
    const std::uint64_t end = trace_.operations.size();
    for (const std::map<std::uint32_t, Life>* blocks : {&heap_, &pages_}) {
      for (const auto& [handle, life] : *blocks) {
        events_.on_death({life.born, end, life.UsualBytes(end), blocks == &pages_, false});
      }
    }
    return true;
  }

 private:
  struct Life {
    std::uint64_t born = 0, bytes = 0, since = 0;  // since when it has that size
    std::uint64_t longest = 0, longest_bytes = 0;

    void Resize(std::uint64_t at, std::uint64_t new_bytes) {
      if (at - since >= longest) longest = at - since, longest_bytes = bytes;
      since = at;
      bytes = new_bytes;
    }
    std::uint64_t UsualBytes(std::uint64_t at) const { return at - since >= longest ? bytes : longest_bytes; }
  };

  void Apply(std::uint64_t at, const Operation& op) {
    std::map<std::uint32_t, Life>& blocks = OnPages(op.kind) ? pages_ : heap_;
    switch (op.kind) {
      case OpKind::kMalloc:
      case OpKind::kCalloc:
      case OpKind::kAllocatePages:
        Bear(at, op, blocks);
        break;
      case OpKind::kRealloc: {
        const auto old = op.extra == kNoBlock ? blocks.end() : blocks.find(op.extra);
        if (old == blocks.end()) {
          Bear(at, op, blocks);
          break;
        }
        events_.on_request(at, op, op.size);
        Life life = std::move(old->second);
        blocks.erase(old);
        live_bytes_ += op.size - life.bytes;
        life.Resize(at, op.size);
        blocks[op.block] = std::move(life);
        break;
      }
      case OpKind::kFree:
      case OpKind::kFreePages:
        if (const auto found = blocks.find(op.block); found != blocks.end()) {
          const Life& life = found->second;
          events_.on_death({life.born, at, life.UsualBytes(at), OnPages(op.kind), true});
          live_bytes_ -= found->second.bytes;
          blocks.erase(found);
        }
        break;
      case OpKind::kFreePagesPart:
        break;
    }
  }

  void Bear(std::uint64_t at, const Operation& op, std::map<std::uint32_t, Life>& blocks) {
    const std::uint64_t bytes = RequestedBytes(op);
    events_.on_request(at, op, bytes);
    if (op.block == kNoBlock) return;
    live_bytes_ += bytes;
    if (const auto [place, is_new] = blocks.try_emplace(op.block, Life{at, bytes, at}); !is_new) {
      const Life& leaked = place->second;
      live_bytes_ -= leaked.bytes;
      events_.on_death({leaked.born, trace_.operations.size(), leaked.UsualBytes(at), OnPages(op.kind), false});
      place->second = {at, bytes, at};
    }
  }

  const Trace& trace_;
  const Events& events_;
  std::map<std::uint32_t, Life> heap_, pages_;
  std::uint64_t live_bytes_ = 0;
};

// Blocks whose lifetimes are within a factor of four.
constexpr std::size_t kLives = 15;
std::size_t LifeOf(std::uint32_t lifetime) { return std::min<std::size_t>(kLives - 1, std::bit_width(lifetime) / 2); }

struct LifeClass {
  Counts sizes, lifetimes;
};

struct Part {
  std::uint64_t operations = 0;
  std::array<std::uint32_t, kOpKinds> kinds{};
  std::array<LifeClass, kLives> heap;
  LifeClass pages;
};

std::uint32_t CountOf(const Counts& counts) {
  std::uint32_t sum = 0;
  for (const auto& [value, count] : counts) sum += count;
  return sum;
}

std::uint32_t Weight(std::uint32_t count, std::uint32_t most) {
  return most <= kWeightMax ? count : static_cast<std::uint32_t>((std::uint64_t{count} * kWeightMax + most - 1) / most);
}

Phase PhaseOf(const Part& part, std::size_t number) {
  Phase phase{.name = absl::StrFormat("part %d", number), .operations = part.operations, .size = FixedSize{1}};
  const auto count = [&part](OpKind kind) { return part.kinds[static_cast<std::size_t>(kind)]; };
  const std::uint32_t most = *std::max_element(part.kinds.begin(), part.kinds.end());
  phase.malloc_weight = Weight(count(OpKind::kMalloc), most);
  phase.calloc_weight = Weight(count(OpKind::kCalloc), most);
  phase.realloc_weight = Weight(count(OpKind::kRealloc), most);
  const std::uint32_t pages = part.pages.sizes.empty() ? 0 : Weight(count(OpKind::kAllocatePages), most);
  // A phase has to be able to allocate, even one in which nothing was.
  const bool heap = phase.malloc_weight + phase.calloc_weight != 0;
  phase.pages = !heap && pages != 0 && phase.realloc_weight == 0;
  if (!heap) phase.malloc_weight = 1;
  if (!phase.pages) phase.pages_weight = pages;
  if (phase.pages) {
    phase.groups.push_back({1, Histogram(part.pages.sizes, true), Histogram(part.pages.lifetimes, false)});
    return phase;
  }
  for (const LifeClass& life : part.heap) {
    if (life.sizes.empty()) continue;
    phase.groups.push_back({CountOf(life.lifetimes), Histogram(life.sizes, true), Histogram(life.lifetimes, false)});
  }
  if (phase.groups.empty()) phase.groups.push_back({1, FixedSize{1}, FixedSize{kLifetimeMax}});
  if (phase.pages_weight == 0) return phase;
  phase.page_size = Histogram(part.pages.sizes, true);
  phase.lifetime.emplace(Histogram(part.pages.lifetimes, false));
  return phase;
}

double LargestDistance(std::vector<std::uint32_t> a, std::vector<std::uint32_t> b) {
  if (a.empty() || b.empty()) return a.empty() && b.empty() ? 0 : 1;
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  double largest = 0;
  for (std::size_t i = 0, k = 0; i < a.size() && k < b.size();) {
    const std::uint32_t value = std::min(a[i], b[k]);
    while (i < a.size() && a[i] == value) ++i;
    while (k < b.size() && b[k] == value) ++k;
    largest = std::max(largest, std::abs(static_cast<double>(i) / static_cast<double>(a.size()) -
                                         static_cast<double>(k) / static_cast<double>(b.size())));
  }
  return largest;
}

// What is compared of a trace.
struct Load {
  std::vector<std::uint32_t> sizes, lifetimes;
  std::vector<std::uint64_t> curve;  // live bytes at kCurvePoints places
  std::uint64_t peak = 0;

  explicit Load(const Trace& trace) {
    const std::uint64_t total = trace.operations.size();
    const Events events{
        .on_request = [this](std::uint64_t, const Operation&, std::uint64_t bytes) { sizes.push_back(Clamped(bytes)); },
        .on_death =
            [this](const Events::Death& death) {
              if (death.freed) lifetimes.push_back(Clamped(death.at - death.born));
            },
        .on_operation =
            [&](std::uint64_t at, std::uint64_t live_bytes) {
              peak = std::max(peak, live_bytes);
              while (curve.size() < kCurvePoints && (at + 1) * kCurvePoints >= (curve.size() + 1) * total) {
                curve.push_back(live_bytes);
              }
            }};
    Walk(trace, events).Run({});
    curve.resize(kCurvePoints);
  }
};

}  // namespace

absl::StatusOr<WorkloadSpec> ProfileTrace(const Trace& trace, std::uint32_t phases, const Interrupt& interrupt) {
  const std::uint64_t total = trace.operations.size();
  if (total > kOperationsMax) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%d operations; a specification has at most %d: cut the trace before", total, kOperationsMax));
  }
  const auto parts_count =
      std::clamp<std::uint64_t>(phases, 1, std::max<std::uint64_t>(1, std::min<std::uint64_t>(total, kProfilePhasesMax)));
  std::vector<Part> parts(parts_count);
  const auto part_of = [&](std::uint64_t at) -> Part& { return parts[at * parts_count / total]; };
  bool allocates = false;
  const Events events{
      .on_request =
          [&](std::uint64_t at, const Operation& op, std::uint64_t) {
            ++part_of(at).kinds[static_cast<std::size_t>(op.kind)];
            allocates = allocates || op.kind != OpKind::kRealloc || op.extra == kNoBlock;
          },
      .on_death =
          [&](const Events::Death& death) {
            // What is never freed outlives the profile, too.
            const std::uint32_t lifetime = death.freed ? std::min(kLifetimeMax, Clamped(death.at - death.born)) : kLifetimeMax;
            Part& part = part_of(death.born);
            LifeClass& life = death.pages ? part.pages : part.heap[LifeOf(lifetime)];
            ++life.lifetimes[lifetime];
            ++life.sizes[death.pages ? std::clamp(Clamped(death.bytes >> kPageShift), 1u, kPagesMax) : Clamped(death.bytes)];
          }};
  if (!Walk(trace, events).Run(interrupt)) return absl::CancelledError("nobody waits for the profile");
  if (!allocates) return absl::InvalidArgumentError("the trace allocates nothing; expected one that does");
  WorkloadSpec spec{.name = "profile", .seed = 1, .phases = {}};
  for (std::uint64_t i = 0; i < parts_count; ++i) {
    parts[i].operations = (i + 1) * total / parts_count - i * total / parts_count;
    if (parts[i].operations != 0) spec.phases.push_back(PhaseOf(parts[i], i + 1));
  }
  return spec;
}

namespace {

ProfileFit Compare(const Load& a, const Load& b) {
  ProfileFit fit{.sizes = LargestDistance(a.sizes, b.sizes),
                 .lifetimes = LargestDistance(a.lifetimes, b.lifetimes),
                 .peak_a = a.peak,
                 .peak_b = b.peak};
  double distance = 0, sum = 0;
  for (std::uint64_t i = 0; i < kCurvePoints; ++i) {
    distance += std::abs(static_cast<double>(a.curve[i]) - static_cast<double>(b.curve[i]));
    sum += static_cast<double>(a.curve[i]);
  }
  fit.live_bytes = sum == 0 ? 0 : distance / sum;
  return fit;
}

}  // namespace

ProfileFit CompareLoads(const Trace& a, const Trace& b) { return Compare(Load(a), Load(b)); }

ProfileFit ChooseSeed(const Trace& trace, std::uint32_t seeds, WorkloadSpec& profile) {
  const Load load(trace);
  ProfileFit best;
  std::uint64_t chosen = 0;
  for (profile.seed = 1; profile.seed <= seeds; ++profile.seed) {
    const absl::StatusOr<Trace> generated = Generate(profile);
    ALLOCLAB_CHECK(generated.ok());
    const ProfileFit fit = Compare(load, Load(*generated));
    if (chosen != 0 && fit.live_bytes >= best.live_bytes) continue;
    best = fit;
    chosen = profile.seed;
  }
  profile.seed = chosen;
  return best;
}

}  // namespace alloclab

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
  std::function<void(std::uint64_t at, std::uint64_t born, bool freed)> on_death;  // of those that are left: at the end
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
    for (const std::map<std::uint32_t, Life>* blocks : {&heap_, &pages_}) {
      for (const auto& [handle, life] : *blocks) events_.on_death(trace_.operations.size(), life.born, false);
    }
    return true;
  }

 private:
  struct Life {
    std::uint64_t born = 0, bytes = 0;
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
        Life life = old->second;
        blocks.erase(old);
        live_bytes_ += op.size - life.bytes;
        life.bytes = op.size;
        blocks[op.block] = life;
        break;
      }
      case OpKind::kFree:
      case OpKind::kFreePages:
        if (const auto found = blocks.find(op.block); found != blocks.end()) {
          events_.on_death(at, found->second.born, true);
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
    if (const auto [place, is_new] = blocks.try_emplace(op.block, Life{at, bytes}); !is_new) {
      live_bytes_ -= place->second.bytes;  // it leaked
      place->second = {at, bytes};
    }
  }

  const Trace& trace_;
  const Events& events_;
  std::map<std::uint32_t, Life> heap_, pages_;
  std::uint64_t live_bytes_ = 0;
};

struct Part {
  std::uint64_t operations = 0;
  std::array<std::uint32_t, kOpKinds> kinds{};
  Counts sizes, pages, lifetimes;
};

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
  const std::uint32_t pages = Weight(count(OpKind::kAllocatePages), most);
  // A phase has to be able to allocate, even one in which nothing was.
  const bool heap = phase.malloc_weight + phase.calloc_weight != 0;
  phase.pages = !heap && pages != 0 && phase.realloc_weight == 0;
  if (!heap) phase.malloc_weight = 1;
  if (!phase.pages) phase.pages_weight = pages;
  const HistogramSizes sizes = Histogram(part.sizes, true), page_sizes = Histogram(part.pages, true);
  if (!sizes.bins.empty()) phase.size = sizes;
  if (!page_sizes.bins.empty()) (phase.pages ? phase.size : phase.page_size) = page_sizes;
  HistogramSizes lifetimes = Histogram(part.lifetimes, false);
  if (lifetimes.bins.empty()) {
    phase.lifetime.emplace(FixedSize{kLifetimeMax});
  } else {
    phase.lifetime.emplace(std::move(lifetimes));
  }
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
            [this](std::uint64_t at, std::uint64_t born, bool freed) {
              if (freed) lifetimes.push_back(Clamped(at - born));
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
  const Events events{.on_request =
                          [&](std::uint64_t at, const Operation& op, std::uint64_t bytes) {
                            Part& part = part_of(at);
                            ++part.kinds[static_cast<std::size_t>(op.kind)];
                            allocates = allocates || op.kind != OpKind::kRealloc || op.extra == kNoBlock;
                            if (OnPages(op.kind)) {
                              ++part.pages[std::max(1u, Clamped(bytes >> kPageShift))];
                            } else {
                              ++part.sizes[Clamped(bytes)];
                            }
                          },
                      .on_death =
                          [&](std::uint64_t at, std::uint64_t born, bool freed) {
                            // What is never freed outlives the profile, too.
                            ++part_of(born).lifetimes[freed ? Clamped(at - born) : kLifetimeMax];
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

ProfileFit CompareLoads(const Trace& a, const Trace& b) {
  const Load in_a(a), in_b(b);
  ProfileFit fit{.sizes = LargestDistance(in_a.sizes, in_b.sizes),
                 .lifetimes = LargestDistance(in_a.lifetimes, in_b.lifetimes),
                 .peak_a = in_a.peak,
                 .peak_b = in_b.peak};
  double distance = 0, sum = 0;
  for (std::uint64_t i = 0; i < kCurvePoints; ++i) {
    distance += std::abs(static_cast<double>(in_a.curve[i]) - static_cast<double>(in_b.curve[i]));
    sum += static_cast<double>(in_a.curve[i]);
  }
  fit.live_bytes = sum == 0 ? 0 : distance / sum;
  return fit;
}

}  // namespace alloclab

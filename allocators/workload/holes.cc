#include "allocators/workload/holes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/workload/block_ages.h"
#include "allocators/workload/curve.h"

namespace alloclab {
namespace {

constexpr double kRiseTold = 0.001;                             // less is no news
constexpr std::uint64_t kNoOperation = std::uint64_t{1} << 63;  // with an address: the key of a block that no handle names

// As many looks as the curve has points, fewer if each has many handles to look at.
std::uint64_t StepOf(const Trace& trace) {
  const std::uint64_t looks_max =
      std::max(HoleSurvey::kHandleLooksMax / std::max<std::uint64_t>(trace.heap_handles, 1), kCurvePointsMin);
  return std::max(CurveStep(trace.operations), (trace.operations.size() + looks_max - 1) / looks_max);
}

bool CostsMore(const SeparatingBlock& a, const SeparatingBlock& b) {
  if (a.cost != b.cost) return a.cost > b.cost;
  return a.allocated_by != b.allocated_by ? a.allocated_by < b.allocated_by : a.address < b.address;
}
bool SizeCostsMore(const SeparatingSize& a, const SeparatingSize& b) {
  return a.cost != b.cost ? a.cost > b.cost : a.bytes < b.bytes;
}
bool RisesMore(const FragmentationRise& a, const FragmentationRise& b) {
  const double rise_a = a.to - a.from, rise_b = b.to - b.from;
  return rise_a != rise_b ? rise_a > rise_b : a.to_operation < b.to_operation;
}

// The first `count` in that order.
template <class Item, class Before>
void KeepFirst(std::vector<Item>& items, std::size_t count, Before before) {
  const auto end = items.begin() + static_cast<std::ptrdiff_t>(std::min(items.size(), count));
  std::partial_sort(items.begin(), end, items.end(), before);
  items.erase(end, items.end());
}

// Forgets the half of the entries that costs least.
template <class Map>
void ForgetCheapHalf(Map& map) {
  std::vector<std::uint64_t> costs;
  costs.reserve(map.size());
  for (const auto& [key, entry] : map) costs.push_back(entry.cost);
  const auto middle = costs.begin() + static_cast<std::ptrdiff_t>(costs.size() / 2);
  std::nth_element(costs.begin(), middle, costs.end());
  const std::uint64_t least = *middle;
  erase_if(map, [least](const auto& item) { return item.second.cost <= least; });
}

double Percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

void TellSites(HoleReport& report) {
  const auto known = [](const SiteCost& site) { return site.site != 0; };
  const auto most = std::find_if(report.sites.begin(), report.sites.end(), known);
  if (most == report.sites.end()) return;
  if (most->cost != 0) {
    report.sentences.push_back(absl::StrFormat("Blocks asked for by %s (site %d) are %.1f %% of what separating blocks cost.",
                                               most->called_by, most->site, Percent(most->cost, report.separated_cost)));
  }
  const auto holder = std::max_element(report.sites.begin(), report.sites.end(), [&](const SiteCost& a, const SiteCost& b) {
    return (known(a) ? a.peak_bytes : 0) < (known(b) ? b.peak_bytes : 0);
  });
  report.sentences.push_back(absl::StrFormat("%s (site %d) holds the most when most is live: %d bytes in %d blocks.",
                                             holder->called_by, holder->site, holder->peak_bytes, holder->peak_blocks));
}

void Tell(HoleReport& report) {
  if (report.hole_cost == 0) {
    report.sentences.push_back("No byte of the heap was free at any look.");
    return;
  }
  if (report.blocks.empty()) {
    report.sentences.push_back("No live block stood between two free ones at any look.");
  } else {
    const SeparatingBlock& most = report.blocks.front();
    std::string who = most.allocated_by != 0 ? absl::StrFormat("of operation %d", most.allocated_by)
                                             : absl::StrFormat("at 0x%08X", most.address);
    if (most.site != 0) absl::StrAppendFormat(&who, ", asked for by %s", most.called_by);
    report.sentences.push_back(
        absl::StrFormat("The block %s, %d bytes, cost most: for %d operations it kept holes of %d bytes on average apart.", who,
                        most.bytes, most.operations, most.cost / most.operations));
    const SeparatingSize& size = report.sizes.front();
    report.sentences.push_back(absl::StrFormat("Blocks of %d bytes are %.1f %% of what separating blocks cost.", size.bytes,
                                               Percent(size.cost, report.separated_cost)));
  }
  TellSites(report);
  if (report.rises.empty()) return;
  const FragmentationRise& rise = report.rises.front();
  if (rise.to - rise.from < kRiseTold) return;
  report.sentences.push_back(absl::StrFormat("External fragmentation rose fastest from operation %d to %d: by %.1f points.",
                                             rise.from_operation, rise.to_operation, 100 * (rise.to - rise.from)));
}

}  // namespace

std::uint64_t HoleSurvey::HostNeed(const Trace& trace) {
  return std::uint64_t{trace.heap_handles} * sizeof(made_by_[0]) + SiteCosts::HostNeed(trace);
}

HoleSurvey::HoleSurvey(std::shared_ptr<const Trace> trace) : HoleSurvey(trace, StepOf(*trace)) {}

HoleSurvey::HoleSurvey(std::shared_ptr<const Trace> trace, std::uint64_t every)
    : trace_(std::move(trace)), every_(every), made_by_(trace_->heap_handles), site_costs_(trace_) {
  ALLOCLAB_CHECK_GT(every, 0u);
}

std::uint64_t HoleSurvey::next() const {
  ALLOCLAB_CHECK(!done());
  return std::min<std::uint64_t>(looked_at_ + every_, trace_->operations.size());
}

absl::Status HoleSurvey::Look(const Driver& driver, const Interrupt& interrupt) {
  ALLOCLAB_CHECK_EQ(driver.operations(), next());
  const HeapAllocator* heap = driver.instance().heap();
  if (heap == nullptr || !heap->declaration().shows_blocks) {
    return absl::FailedPreconditionError(
        heap == nullptr ? "a machine without a heap has no holes; expected a run with a heap allocator"
                        : "this heap allocator does not show its blocks; expected a run whose allocator does");
  }
  Walk walk;
  if (absl::Status status = WalkHeap(*heap, interrupt, walk); !status.ok()) return status;
  const std::uint64_t moment = next(), operations = moment - looked_at_;
  FollowHandles(moment);
  CompareFragmentation(walk);
  looked_at_ = moment;
  ++looks_;
  broken_looks_ += walk.broken ? 1 : 0;
  hole_cost_ += walk.free_bytes * operations;
  separated_cost_ += walk.separated_bytes * operations;
  Charge(driver, walk, operations);
  return absl::OkStatus();
}

absl::Status HoleSurvey::WalkHeap(const HeapAllocator& heap, const Interrupt& interrupt, Walk& walk) const {
  const auto by_holes = [](const Seen& a, const Seen& b) {
    return a.hole_bytes != b.hole_bytes ? a.hole_bytes > b.hole_bytes : a.address < b.address;
  };
  InterruptPoll poll(interrupt);
  Block below, middle;  // the two before the one that is visited; of no bytes: there is none
  const auto adjoin = [](const Block& a, const Block& b) { return a.bytes > 0 && a.address + a.bytes == b.address; };
  const auto visit = [&](const Block& block) {
    if (block.kind == BlockKind::kFree) {
      walk.free_bytes += block.bytes;
      walk.largest_free_bytes = std::max(walk.largest_free_bytes, block.bytes);
      if (middle.kind == BlockKind::kLive && below.kind == BlockKind::kFree && adjoin(below, middle) && adjoin(middle, block)) {
        const std::uint64_t holes = below.bytes + block.bytes;
        walk.separated_bytes += holes;
        walk.seen.push_back({middle.payload, middle.address, middle.bytes, holes});
        if (walk.seen.size() == 2 * kBlocksMax) KeepFirst(walk.seen, kBlocksMax, by_holes);
      }
    }
    below = std::exchange(middle, block);
    return !poll.Step();
  };
  walk.broken = heap.VisitBlocks({}, visit).has_value();
  return poll.interrupted() ? absl::CancelledError("a look at the heap was interrupted") : absl::OkStatus();
}

void HoleSurvey::FollowHandles(std::uint64_t until) {
  for (; followed_ < until; ++followed_) {
    site_costs_.Follow(followed_);
    const Operation& op = trace_->operations[followed_];
    if (MakesHeapBlock(op.kind) && op.block < made_by_.size()) made_by_[op.block] = static_cast<std::uint32_t>(followed_ + 1);
  }
}

void HoleSurvey::Charge(const Driver& driver, const Walk& walk, std::uint64_t operations) {
  absl::flat_hash_map<std::uint32_t, std::uint32_t> maker;  // by payload: the operation
  for (const Seen& seen : walk.seen) {
    maker[seen.payload] = 0;
    Tally& size = sizes_[seen.bytes];
    size.cost += seen.hole_bytes * operations;
    size.operations += operations;
  }
  if (sizes_.size() > kSizesMax) ForgetCheapHalf(sizes_);
  for (std::uint32_t handle = 0; !maker.empty() && handle < made_by_.size(); ++handle) {
    const std::uint32_t address = driver.LiveAddressOf(handle);
    if (address == 0) continue;
    if (const auto found = maker.find(address); found != maker.end()) found->second = made_by_[handle];
  }
  for (const Seen& seen : walk.seen) ChargeBlock(seen, maker[seen.payload], operations);
  if (blocks_.size() > kBlocksMax) ForgetCheapHalf(blocks_);
}

void HoleSurvey::ChargeBlock(const Seen& seen, std::uint64_t allocated_by, std::uint64_t operations) {
  SeparatingBlock& block = blocks_[allocated_by != 0 ? allocated_by : kNoOperation | seen.address];
  if (block.operations == 0) {
    block.allocated_by = allocated_by;
    block.request_bytes = allocated_by != 0 ? RequestedBytes(trace_->operations[allocated_by - 1]) : 0;
    block.first_seen = looked_at_;
    block.site = site_costs_.SiteOf(allocated_by);
  }
  block.address = seen.address;
  block.bytes = seen.bytes;
  block.last_seen = looked_at_;
  block.cost += seen.hole_bytes * operations;
  block.operations += operations;
  site_costs_.Charge(allocated_by, seen.hole_bytes * operations, operations);
}

void HoleSurvey::CompareFragmentation(const Walk& walk) {
  const auto free = static_cast<double>(walk.free_bytes), largest = static_cast<double>(walk.largest_free_bytes);
  const double now = walk.free_bytes == 0 ? 0 : 1 - largest / free;
  if (now > fragmentation_) rises_.push_back({looked_at_, next(), fragmentation_, now});
  KeepFirst(rises_, kShown, RisesMore);
  fragmentation_ = now;
}

HoleReport HoleSurvey::Report() const {
  HoleReport report;
  report.operations = trace_->operations.size();
  report.looked_at = looked_at_;
  report.every = every_;
  report.looks = looks_;
  report.broken_looks = broken_looks_;
  report.hole_cost = hole_cost_;
  report.separated_cost = separated_cost_;
  report.blocks.reserve(blocks_.size());
  for (const auto& [key, block] : blocks_) report.blocks.push_back(block);
  KeepFirst(report.blocks, kShown, CostsMore);
  for (SeparatingBlock& block : report.blocks) block.called_by = ShortSiteName(trace_->sites, block.site);
  for (const auto& [bytes, tally] : sizes_) report.sizes.push_back({bytes, tally.cost, tally.operations});
  KeepFirst(report.sizes, kShown, SizeCostsMore);
  report.rises = rises_;
  report.sites = site_costs_.First(kShown);
  Tell(report);
  return report;
}

std::uint64_t HoleSurvey::host_bytes() const {
  return made_by_.capacity() * sizeof(made_by_[0]) + blocks_.capacity() * (sizeof(std::uint64_t) + sizeof(SeparatingBlock)) +
         sizes_.capacity() * (sizeof(std::uint64_t) + sizeof(Tally)) + site_costs_.host_bytes();
}

}  // namespace alloclab

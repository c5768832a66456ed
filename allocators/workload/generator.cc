#include "allocators/workload/generator.h"

#include <algorithm>
#include <utility>

#include "allocators/common/check.h"
#include "allocators/machine/address.h"

namespace alloclab {
namespace {

const SizeDistribution& LifetimeOf(const Phase& phase) {
  static const SizeDistribution none = FixedSize{};
  return phase.lifetime ? *phase.lifetime : none;
}

}  // namespace

Generator::Samplers::Samplers(const Phase& phase)
    : page_size(phase.page_size), page_lifetime(LifetimeOf(phase)), process_lifetime(phase.process_lifetime) {
  for (const BlockGroup& group : phase.groups) {
    groups.push_back(
        {(groups.empty() ? 0 : groups.back().weights) + group.weight, SizeSampler(group.size), SizeSampler(group.lifetime)});
  }
  if (groups.empty()) groups.push_back({1, SizeSampler(phase.size), SizeSampler(LifetimeOf(phase))});
}

std::uint16_t Generator::Samplers::Group(Xoshiro256& random) const {
  if (groups.size() == 1) return 0;
  const std::uint64_t draw = random.Below(static_cast<std::uint32_t>(groups.back().weights));
  const auto drawn = std::upper_bound(groups.begin(), groups.end(), draw,
                                      [](std::uint64_t value, const GroupSamplers& group) { return value < group.weights; });
  return static_cast<std::uint16_t>(drawn - groups.begin());
}

absl::StatusOr<Trace> Generator::Run() {
  std::uint64_t total = 0;
  for (const Phase& phase : spec_.phases) total += phase.operations;
  trace_.operations.reserve(total);
  for (const Phase& phase : spec_.phases) RunPhase(phase);
  if (poll_.interrupted()) return absl::CancelledError("the operations were not made to the end: nobody waits for them");
  trace_.heap_handles = heap_.handles.handles();
  trace_.page_handles = pages_.handles.handles();
  trace_.format = "generated";
  return std::move(trace_);
}

void Generator::RunPhase(const Phase& phase) {
  const Samplers samplers(phase);
  phase_begin_ = step_;
  const Touch before = trace_.touches.empty() ? Touch{} : trace_.touches.back().touch;
  if (phase.touch != before) trace_.touches.push_back({step_, phase.touch});
  if (phase.has_lifetimes()) {
    LetLive(phase, samplers);
  } else {
    HoldLiveBlocks(phase, samplers);
  }
}

void Generator::HoldLiveBlocks(const Phase& phase, const Samplers& samplers) {
  Blocks& blocks = phase.pages ? pages_ : heap_;
  blocks.live.Begin(phase.free_order);
  const std::int64_t from = blocks.live.size(), way = std::int64_t{phase.live_blocks} - from;
  const auto steps = static_cast<std::int64_t>(phase.operations);
  for (std::int64_t step = 1; step <= steps && !poll_.Step(); ++step, ++step_) {
    const std::int64_t target = from + way * step / steps;
    if (IsDue()) {
      FreeDue();
    } else if (blocks.live.size() < target || blocks.live.size() == 0) {
      Allocate(phase, samplers, blocks);
    } else {
      Free(phase, blocks);
    }
  }
}

void Generator::LetLive(const Phase& phase, const Samplers& samplers) {
  process_ends_.assign(phase.processes, 0);
  std::uint64_t burst = 0;  // steps of it that are left
  for (std::uint64_t step = 1; step <= phase.operations && !poll_.Step(); ++step, ++step_) {
    if (phase.burst_every != 0 && step % phase.burst_every == 0) burst = phase.burst_blocks;
    if (burst == 0 && IsDue()) {
      FreeDue();
      continue;
    }
    if (burst != 0) --burst;
    Bear(phase, samplers);
  }
}

void Generator::FreeDue() {
  std::pop_heap(mortals_.begin(), mortals_.end());
  const Mortal dead = mortals_.back();
  mortals_.pop_back();
  PushFree(dead.pages, dead.handle);
}

void Generator::Bear(const Phase& phase, const Samplers& samplers) {
  const std::uint32_t heap_mix = phase.malloc_weight + phase.calloc_weight + phase.realloc_weight;
  const std::uint32_t draw = random_.Below(heap_mix + phase.pages_weight);
  const bool pages = phase.pages || draw >= heap_mix;
  if (!pages && draw >= phase.malloc_weight + phase.calloc_weight && !mortals_.empty()) {
    Mortal& chosen = mortals_[random_.Below(static_cast<std::uint32_t>(mortals_.size()))];
    if (!chosen.pages) {
      if (chosen.birth >= phase_begin_) chosen.size = samplers.groups[chosen.group].size.Draw(random_);
      trace_.operations.push_back({OpKind::kRealloc, chosen.handle, chosen.size, chosen.handle});
      return;
    }
  }
  const std::uint64_t end = phase.processes == 0 ? UINT64_MAX : EndOfProcess(phase, samplers);
  const bool beside = pages && !phase.pages;  // pages beside the heap have lives of their own
  const std::uint16_t number = beside ? 0 : samplers.Group(random_);
  const GroupSamplers& group = samplers.groups[number];
  const std::uint32_t lifetime = (beside ? samplers.page_lifetime : group.lifetime).Draw(random_);
  const std::uint32_t size = (beside ? samplers.page_size : group.size).Draw(random_);
  Mortal born{.due = std::min(step_ + lifetime, end), .birth = step_, .group = number, .pages = pages};
  const bool calloc = draw >= phase.malloc_weight && phase.calloc_weight != 0;
  born.size = size;
  born.handle = pages ? TakeHandle(true, OpKind::kAllocatePages, size << kPageShift)
                      : TakeHandle(false, calloc ? OpKind::kCalloc : OpKind::kMalloc, size);
  mortals_.push_back(born);
  std::push_heap(mortals_.begin(), mortals_.end());
}

std::uint64_t Generator::EndOfProcess(const Phase& phase, const Samplers& samplers) {
  std::uint64_t& end = process_ends_[random_.Below(phase.processes)];
  if (end <= step_) end = step_ + samplers.process_lifetime.Draw(random_);
  return end;
}

std::uint32_t Generator::TakeHandle(bool pages, OpKind kind, std::uint32_t size) {
  const std::uint32_t handle = (pages ? pages_ : heap_).handles.Take();
  trace_.operations.push_back({kind, handle, size, kind == OpKind::kCalloc ? 1u : 0u});
  return handle;
}

void Generator::Allocate(const Phase& phase, const Samplers& samplers, Blocks& blocks) {
  const std::uint32_t mix = phase.malloc_weight + phase.calloc_weight + phase.realloc_weight;
  const std::uint32_t draw = mix == phase.malloc_weight ? 0 : random_.Below(mix);
  const std::uint32_t size = samplers.groups.front().size.Draw(random_);
  if (draw >= phase.malloc_weight + phase.calloc_weight && blocks.live.size() != 0) {
    const std::uint32_t handle = blocks.live.Pick(random_);
    trace_.operations.push_back({OpKind::kRealloc, handle, size, handle});
    return;
  }
  const bool malloc = draw < phase.malloc_weight || phase.calloc_weight == 0;
  const OpKind kind = phase.pages ? OpKind::kAllocatePages : malloc ? OpKind::kMalloc : OpKind::kCalloc;
  blocks.live.Add(TakeHandle(phase.pages, kind, phase.pages ? size << kPageShift : size));
}

void Generator::Free(const Phase& phase, Blocks& blocks) { PushFree(phase.pages, blocks.live.Take(random_)); }

void Generator::PushFree(bool pages, std::uint32_t handle) {
  (pages ? pages_ : heap_).handles.GiveBack(handle);
  trace_.operations.push_back({pages ? OpKind::kFreePages : OpKind::kFree, handle, 0, 0});
}

}  // namespace alloclab

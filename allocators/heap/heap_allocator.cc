#include "allocators/heap/heap_allocator.h"

#include <algorithm>

#include "allocators/machine/machine_stop.h"
#include "allocators/machine/word_view.h"

namespace alloclab {

struct HeapAllocator::Saved final : AllocatorState {
  Saved(const ProgramBreak& saved_break, const HeapCosts& saved_costs, std::unique_ptr<const AllocatorState> saved_own)
      : brk(saved_break), costs(saved_costs), own(std::move(saved_own)) {}
  const ProgramBreak brk;
  const HeapCosts costs;
  const std::unique_ptr<const AllocatorState> own;
};

void HeapShape::Add(const Block& block) {
  ++blocks;
  const auto bytes = static_cast<std::uint32_t>(block.bytes);
  if (block.kind == BlockKind::kLive) {
    ++live_blocks;
    live_block_bytes += bytes;
  } else if (block.kind == BlockKind::kFree) {
    ++free_blocks;
    free_bytes += bytes;
    largest_free_bytes = std::max(largest_free_bytes, bytes);
    ++free_blocks_by_size[static_cast<std::size_t>(Pow2Histogram::BucketOf(bytes))];
  }
}

HeapResult HeapAllocator::Calloc(std::uint32_t count, std::uint32_t bytes) {
  const HeapResult result = Malloc(count * bytes);
  if (result.outcome == Outcome::kOk) Zero(result.address, count * bytes);
  return result;
}

HeapResult HeapAllocator::Realloc(VirtAddr block, std::uint32_t bytes) {
  const HeapResult result = Malloc(bytes);
  if (block.is_null() || result.outcome != Outcome::kOk) return result;
  CopyPayload(result.address, block, std::min(PayloadBytes(block), bytes));
  const HeapResult freed = Free(block);
  return freed.outcome == Outcome::kOk ? result : freed;
}

void HeapAllocator::Zero(VirtAddr block, std::uint32_t bytes) {
  costs_.zeroed_bytes += bytes;
  if (!space_.Fill(block, bytes, 0)) throw StopAtFault(space_);
}

void HeapAllocator::CopyPayload(VirtAddr to, VirtAddr from, std::uint32_t bytes) {
  costs_.copied_bytes += bytes;
  if (!space_.Copy(to, from, bytes)) throw StopAtFault(space_);
}

HeapShape HeapAllocator::Shape() const {
  HeapShape shape{.start = start(), .brk = brk(), .limit = limit()};
  shape.broken = VisitBlocks({}, [&shape](const Block& block) {
    shape.Add(block);
    return true;
  });
  return shape;
}

std::optional<BrokenWalk> HeapAllocator::VisitBlocks(BlockCursor /*from*/, const BlockVisitor& /*visit*/) const {
  return std::nullopt;
}

void HeapAllocator::VisitMetadata(const std::function<void(std::uint32_t word)>& /*visit*/,
                                  const Interrupt& /*interrupt*/) const {}

std::vector<Count> HeapAllocator::Counts() const {
  std::vector<Count> counts;
  AppendCounts(kHeapCostInfos, Values(costs_), counts);
  AppendCounts(kBreakInfos, std::array{break_.grows(), break_.grown_bytes()}, counts);
  AppendCounts(declaration().counters, own_counters(), counts);
  return counts;
}

std::vector<Figure> HeapAllocator::Figures() const { return FiguresOf(declaration().figures, FigureValues()); }

std::unique_ptr<const AllocatorState> HeapAllocator::Save() const {
  return std::make_unique<const Saved>(break_, costs_, SaveOwn());
}

void HeapAllocator::Restore(const AllocatorState& saved) {
  const auto& state = static_cast<const Saved&>(saved);
  break_.Restore(state.brk);
  costs_ = search_costs_ = state.costs;
  RestoreOwn(*state.own);
}

void HeapAllocator::ResetCosts() {
  costs_ = search_costs_ = {};
  break_.ResetCounts();
  ResetOwnCounters();
}

}  // namespace alloclab

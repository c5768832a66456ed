#include "allocators/pages/page_allocator.h"

#include <algorithm>
#include <utility>

namespace alloclab {

struct PageAllocator::Saved final : AllocatorState {
  Saved(const PageCosts& saved_costs, std::unique_ptr<const AllocatorState> saved_own)
      : costs(saved_costs), own(std::move(saved_own)) {}
  const PageCosts costs;
  const std::unique_ptr<const AllocatorState> own;
};

std::vector<Count> PageAllocator::Counts() const {
  std::vector<Count> counts;
  AppendCounts(kPageCostInfos, Values(costs_), counts);
  AppendCounts(declaration().counters, own_counters(), counts);
  return counts;
}

std::vector<Figure> PageAllocator::Figures() const { return FiguresOf(declaration().figures, FigureValues()); }

PageShape PageAllocator::Shape() const {
  PageShape shape{.arena = arena_};
  shape.broken = VisitBlocks({}, [&shape](const Block& block) {
    if (block.kind != BlockKind::kFree) return true;
    shape.free_bytes += block.bytes;
    ++shape.free_blocks;
    shape.largest_free_bytes = std::max(shape.largest_free_bytes, block.bytes);
    return true;
  });
  return shape;
}

std::unique_ptr<const AllocatorState> PageAllocator::Save() const { return std::make_unique<const Saved>(costs_, SaveOwn()); }

void PageAllocator::Restore(const AllocatorState& saved) {
  const auto& state = static_cast<const Saved&>(saved);
  costs_ = state.costs;
  RestoreOwn(*state.own);
}

void PageAllocator::ResetCosts() {
  costs_ = {};
  ResetOwnCounters();
}

}  // namespace alloclab

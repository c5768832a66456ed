#include "allocators/workload/curve.h"

#include <algorithm>

#include "allocators/common/cost_model.h"

namespace alloclab {
namespace {

std::uint64_t Failed(const DriverCounters& counters, std::uint64_t operations) {
  for (const auto& outcomes : counters.outcomes) {
    operations -= outcomes[static_cast<std::size_t>(Outcome::kOk)] + outcomes[static_cast<std::size_t>(Outcome::kZeroSize)];
  }
  return operations;
}

}  // namespace

CurvePoint TakeCurvePoint(const Driver& driver) {
  const DriverCounters& counters = driver.counters();
  const Costs costs = driver.instance().costs();
  CurvePoint point;
  point.operation = driver.operations();
  point.live_bytes = counters.live_requested_bytes;
  point.live_blocks = counters.live_blocks;
  point.page_live_bytes = counters.page_live_bytes;
  point.failed_operations = Failed(counters, driver.operations());
  point.search_steps = costs.heap.search_steps + costs.pages.search_steps;
  point.cycles_386 = Cycles(k386dx33, costs);
  if (const HeapAllocator* heap = driver.instance().heap(); heap != nullptr) {
    const HeapShape shape = heap->Shape();
    point.heap_bytes = shape.size_bytes();
    point.free_bytes = shape.free_bytes;
    point.free_blocks = shape.free_blocks;
    point.largest_free_bytes = shape.largest_free_bytes;
  }
  return point;
}

std::uint64_t CurveStep(std::span<const Operation> operations) {
  std::uint64_t live = 0, looks = 1;  // blocks that live after each operation, in total
  for (const Operation& op : operations) {
    const bool allocates =
        op.kind == OpKind::kMalloc || op.kind == OpKind::kCalloc || (op.kind == OpKind::kRealloc && op.extra == kNoBlock);
    if (allocates) ++live;
    if (op.kind == OpKind::kFree && live > 0) --live;
    looks += live;
  }
  const std::uint64_t count = operations.size(), budget = std::max(kLooksPerOperation * count, kLooksMin);
  // Points times the mean of live blocks is the budget.
  const double fitting = static_cast<double>(budget) * static_cast<double>(count) / static_cast<double>(looks);
  const auto points = static_cast<std::uint64_t>(
      std::clamp(fitting, static_cast<double>(kCurvePointsMin), static_cast<double>(kCurvePointsMax)));
  return std::max<std::uint64_t>((count + points - 1) / points, 1);
}

}  // namespace alloclab

// The smallest heap that keeps the contract, and what it becomes by one fault each: to see that the suite can fail.
//
//   | bytes | live | ...payload... | bytes | live | ...      first fit over all blocks, no splits, no merges
#ifndef ALLOCLAB_ALLOCATORS_TESTING_TINY_HEAP_TESTING_H_
#define ALLOCLAB_ALLOCATORS_TESTING_TINY_HEAP_TESTING_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/strings/str_format.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/heap/heap_allocator_info.h"
#include "allocators/machine/word_view.h"

namespace alloclab {

enum class TinyFault {
  kNone,
  kGivesLiveBlocks,
  kMisaligns,
  kHidesFreeBlocks,
  kCountsRefusals,
  kCallocIsMalloc,
  kSmashesNeighbour,
  kReallocForgets,
  kCounterFalls,
  kIgnoresCursor,
  kMiscounts,
  kZeroIsDoubleFree,
};

inline constexpr CounterInfo kTinyCounters[] = {{"refusals", "requests that were refused"},
                                                {"mallocs", "blocks that malloc gave"}};
inline constexpr Declaration kTinyDeclaration{.counters = kTinyCounters, .alignment = 8, .request_max = 1u << 30};

class TinyHeap final : public HeapAllocator {
 public:
  static constexpr VirtAddr kStart{0xC0400000};
  static constexpr std::uint32_t kLimitBytes = 96 << 10;

  TinyHeap(AddressSpace& space, TinyFault fault)
      : HeapAllocator(space, ProgramBreak(space, kStart, kStart + kLimitBytes)), fault_(fault) {}

  HeapResult Malloc(std::uint32_t bytes) override {
    if (bytes == 0) return {Is(TinyFault::kZeroIsDoubleFree) ? Outcome::kDoubleFree : Outcome::kZeroSize, VirtAddr{}};
    const std::uint32_t size = BlockBytes(bytes);
    WordView view(space_, costs_);
    for (VirtAddr at = start(); at < brk(); at = at + view.Load(at)) {
      ++costs_.search_steps;
      const bool is_free = view.Load(at + kLive) == 0 || (Is(TinyFault::kGivesLiveBlocks) && view.Load(at) == size);
      if (!is_free || view.Load(at) < size) continue;
      view.Store(at + kLive, 1);
      ++counters_.Of<"mallocs">();
      return {Outcome::kOk, at + kHeader};
    }
    EndSearch();
    if (size > limit() - brk()) {
      if (Is(TinyFault::kCountsRefusals)) ++counters_.Of<"refusals">();
      return {Outcome::kOutOfMemory, VirtAddr{}};
    }
    const VirtAddr at = break_.Sbrk(static_cast<std::int32_t>(size));
    view.Store(at, size);
    view.Store(at + kLive, 1);
    ++counters_.Of<"mallocs">();
    return {Outcome::kOk, at + kHeader + (Is(TinyFault::kMisaligns) ? kWordBytes : 0)};
  }
  HeapResult Calloc(std::uint32_t count, std::uint32_t bytes) override {
    return Is(TinyFault::kCallocIsMalloc) ? Malloc(count * bytes) : HeapAllocator::Calloc(count, bytes);
  }
  HeapResult Realloc(VirtAddr block, std::uint32_t bytes) override {
    if (!Is(TinyFault::kReallocForgets)) return HeapAllocator::Realloc(block, bytes);
    const HeapResult result = Malloc(bytes);
    return result.outcome == Outcome::kOk && Free(block).outcome == Outcome::kOk ? result : HeapResult{result.outcome, {}};
  }
  HeapResult Free(VirtAddr block) override {
    if (block.is_null()) return {};
    WordView view(space_, costs_);
    const VirtAddr at = block - kHeader;
    view.Store(at + kLive, 0);
    if (Is(TinyFault::kCounterFalls)) --counters_.Of<"mallocs">();
    const VirtAddr next = at + view.Load(at);
    if (Is(TinyFault::kSmashesNeighbour) && next < brk()) view.Store(next + kHeader, 0);
    return {};
  }

  const Declaration& declaration() const override { return kTinyDeclaration; }
  std::uint32_t PayloadBytes(VirtAddr block) override { return space_.Peek(block - kHeader).value_or(kHeader) - kHeader; }
  // One word more than is needed, so that a misaligned payload is inside.
  std::uint32_t BlockBytes(std::uint32_t bytes) const override { return (bytes + kHeader + kWordBytes + 7) & ~7u; }
  std::span<const std::uint64_t> own_counters() const override { return counters_.values(); }

  HeapShape Shape() const override {
    HeapShape shape = HeapAllocator::Shape();
    if (Is(TinyFault::kMiscounts)) shape.free_bytes += shape.free_blocks;
    return shape;
  }
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const override {
    std::uint32_t bytes = 0;
    for (VirtAddr at = start(); at < brk(); at = at + bytes) {
      bytes = space_.Peek(at).value_or(0);
      if (bytes == 0 || bytes > brk() - at) return BrokenWalk{at.raw(), absl::StrFormat("a size of %d", bytes)};
      if (!Is(TinyFault::kIgnoresCursor) && at < VirtAddr(from.address) && bytes <= from.address - at.raw()) continue;
      const bool live = space_.Peek(at + kLive) == 1;
      if (!live && Is(TinyFault::kHidesFreeBlocks)) continue;
      if (!visit({at.raw(), bytes, live ? BlockKind::kLive : BlockKind::kFree, live ? (at + kHeader).raw() : 0})) break;
    }
    return std::nullopt;
  }
  void VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& /*interrupt*/) const override {
    VisitBlocks({}, [&](const Block& block) {
      visit(static_cast<std::uint32_t>(block.bytes));
      return true;
    });
  }
  std::uint64_t host_bytes() const override { return sizeof(*this); }

 private:
  using TinyCounters = Counters<kTinyCounters>;
  static constexpr std::uint32_t kLive = kWordBytes;
  static constexpr std::uint32_t kHeader = 2 * kWordBytes;

  bool Is(TinyFault fault) const { return fault_ == fault; }
  std::unique_ptr<const AllocatorState> SaveOwn() const override { return SaveState(counters_); }
  void RestoreOwn(const AllocatorState& saved) override { RestoreState(saved, counters_); }
  void ResetOwnCounters() override { counters_.Reset(); }

  const TinyFault fault_;
  TinyCounters counters_;
};

inline HeapAllocatorInfo TinyHeapInfo(TinyFault fault) {
  return {.name = "tiny",
          .title = "Tiny heap",
          .description = "first fit, no splits",
          .source = "this test",
          .declaration = &kTinyDeclaration,
          .parameters = {},
          .make = [fault](const HeapServices& machine, bool guarded,
                          const ParameterValues&) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
            if (absl::Status status = machine.space.AddPageTables(TinyHeap::kStart, 1); !status.ok()) return status;
            return std::make_unique<HeapGuard>(std::make_unique<TinyHeap>(machine.space, fault),
                                               guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
          }};
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_TESTING_TINY_HEAP_TESTING_H_

// The smallest page allocator that keeps the contract and frees whole blocks only, and what it becomes by one fault each: to
// see that the suite can fail, and that it covers allocators that want a block back as they gave it.
//
// First fit over the pages of the arena. Which are taken is kept in variables: nothing of it is in RAM.
#ifndef ALLOCLAB_ALLOCATORS_TESTING_TINY_PAGES_TESTING_H_
#define ALLOCLAB_ALLOCATORS_TESTING_TINY_PAGES_TESTING_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "allocators/pages/page_allocator.h"
#include "allocators/pages/page_allocator_info.h"

namespace alloclab {

enum class TinyPagesFault {
  kNone,
  kGivesLivePages,
  kForgetsAPage,
  kIgnoresCursor,
  kMiscounts,
  kTakesOnRefusal,
  kForgetsOnRestore,
};

inline constexpr Declaration kTinyPagesDeclaration{.alignment = kPageBytes, .frees_parts = false};

class TinyPages final : public PageAllocator {
 public:
  TinyPages(const Arena& arena, TinyPagesFault fault)
      : PageAllocator(arena), fault_(fault), taken_(arena.bytes >> kPageShift) {}

  PageResult Allocate(std::uint32_t bytes) override {
    const std::uint32_t pages = bytes >> kPageShift;
    const std::uint32_t first = FirstFit(pages);
    if (first == taken_.size()) {
      if (Is(TinyPagesFault::kTakesOnRefusal)) SetTaken(FirstFit(1), 1, true);
      return {FreePages() >= pages ? Outcome::kFragmented : Outcome::kOutOfMemory, {}};
    }
    SetTaken(first, Is(TinyPagesFault::kGivesLivePages) ? pages - 1 : pages, true);
    return {Outcome::kOk, arena_.first + (first << kPageShift)};
  }
  PageResult Free(PhysAddr first, std::uint32_t bytes) override {
    const std::uint32_t page = (first - arena_.first) >> kPageShift, pages = bytes >> kPageShift;
    if (page < taken_.size()) SetTaken(page, Is(TinyPagesFault::kForgetsAPage) ? pages - 1 : pages, false);
    return {};
  }
  bool HoldsPages(std::uint32_t count) const override { return FreePages() >= count; }

  const Declaration& declaration() const override { return kTinyPagesDeclaration; }
  PageShape Shape() const override {
    PageShape shape{.arena = arena_};
    VisitBlocks({}, [&](const Block& block) {
      shape.free_bytes += block.bytes;
      ++shape.free_blocks;
      shape.largest_free_bytes = std::max(shape.largest_free_bytes, block.bytes);
      return true;
    });
    if (Is(TinyPagesFault::kMiscounts)) shape.free_blocks += taken_[0];
    return shape;
  }
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const override {
    for (std::uint32_t page = 0; page < taken_.size();) {
      std::uint32_t end = page;
      while (end < taken_.size() && taken_[end] == taken_[page]) ++end;
      const std::uint32_t address = arena_.first.raw() + (page << kPageShift), bytes = (end - page) << kPageShift;
      const bool wanted = address >= from.address || from.address - address < bytes || Is(TinyPagesFault::kIgnoresCursor);
      if (!taken_[page] && wanted && !visit({address, bytes, BlockKind::kFree})) break;
      page = end;
    }
    return std::nullopt;
  }
  void VisitMetadata(const std::function<void(std::uint32_t word)>& /*visit*/) const override {}
  std::vector<Violation> CheckInvariants(const Interrupt& /*interrupt*/) const override { return {}; }
  std::uint64_t host_bytes() const override { return sizeof(*this) + taken_.capacity() / 8; }

 private:
  bool Is(TinyPagesFault fault) const { return fault_ == fault; }
  std::uint32_t FreePages() const { return static_cast<std::uint32_t>(std::ranges::count(taken_, false)); }
  // The number of the page; that behind the last if there is none.
  std::uint32_t FirstFit(std::uint32_t pages) const {
    std::uint32_t row = 0;
    for (std::uint32_t page = 0; page < taken_.size(); ++page) {
      row = taken_[page] ? 0 : row + 1;
      if (row == pages) return page + 1 - pages;
    }
    return static_cast<std::uint32_t>(taken_.size());
  }
  void SetTaken(std::uint32_t first, std::uint32_t pages, bool taken) {
    const std::size_t end = std::min<std::size_t>(taken_.size(), std::size_t{first} + pages);
    for (std::size_t page = first; page < end; ++page) taken_[page] = taken;
  }

  std::unique_ptr<const AllocatorState> SaveOwn() const override { return SaveState(taken_); }
  void RestoreOwn(const AllocatorState& saved) override {
    if (!Is(TinyPagesFault::kForgetsOnRestore)) RestoreState(saved, taken_);
  }
  void ResetOwnCounters() override {}

  const TinyPagesFault fault_;
  std::vector<bool> taken_;  // by number in the arena
};

inline PageAllocatorInfo TinyPagesInfo(TinyPagesFault fault) {
  return {.name = "tiny-pages",
          .title = "Tiny pages",
          .description = "first fit, whole blocks",
          .source = "this test",
          .declaration = &kTinyPagesDeclaration,
          .parameters = {},
          .make = [fault](PhysicalMemory& memory, bool guarded,
                          const ParameterValues&) -> absl::StatusOr<std::unique_ptr<PageGuard>> {
            const Arena arena{PhysAddr(kPageBytes), static_cast<std::uint32_t>(memory.size_bytes()) - kPageBytes};
            return std::make_unique<PageGuard>(std::make_unique<TinyPages>(arena, fault),
                                               guarded ? PageGuard::Mode::kGuarded : PageGuard::Mode::kUnguarded);
          }};
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_TESTING_TINY_PAGES_TESTING_H_

// What stands between a page allocator and whoever uses it, as HeapGuard does for heaps: nothing throws, and a machine that
// stops is an outcome. It is also where the kernel takes frames from.
//
// Guarded, a refused call changes nothing and costs nothing. The checks, in this order; the first that fails names the outcome:
//   Allocate, Free   length 0: kZeroLength; sign bit set: kNegativeLength; not a multiple of the page: kUnalignedLength
//   Free             not page-aligned: kMisalignedPointer; not wholly inside the arena: kOutsideArena; first page free already:
//                    kDoubleFree; a later page free: kOverlapsFree; not a whole block, of an allocator that frees only
//                    these: kPartialFree
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_PAGES_PAGE_GUARD_H_
#define ALLOCLAB_ALLOCATORS_PAGES_PAGE_GUARD_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "allocators/machine/frame_source.h"
#include "allocators/pages/page_allocator.h"

namespace alloclab {

// Why a guarded allocator refuses a length, or a range to free; nothing when it does not. Free blocks are not looked at.
std::optional<Outcome> RefusedLength(std::uint32_t bytes);
std::optional<Outcome> RefusedRange(const Arena& arena, PhysAddr first, std::uint32_t bytes);

class PageGuard final : public FrameSource {
 public:
  enum class Mode : std::uint8_t {
    kGuarded,
    kUnguarded,
    kTrusted,  // the engine refuses by itself exactly what a guard would refuse, so it is called directly
  };

  // Guarded, the allocator has given nothing away yet.
  PageGuard(std::unique_ptr<PageAllocator> pages, Mode mode);

  PageResult Allocate(std::uint32_t bytes);
  PageResult Free(PhysAddr first, std::uint32_t bytes);

  std::optional<PageFrame> TakeFrame() override;
  bool CanTakeFrames(std::uint32_t count) const override { return pages_->HoldsPages(count); }

  // For looking; only the guard calls what changes something.
  const PageAllocator& allocator() const { return *pages_; }
  void ResetCosts() { pages_->ResetCosts(); }

  std::unique_ptr<const AllocatorState> Save() const override;
  void Restore(const AllocatorState& saved) override;
  std::uint64_t host_bytes() const;

 private:
  // What a guard knows: which pages are live, and how long the blocks are of an allocator that frees only whole ones.
  struct Live {
    std::vector<bool> pages;  // by number in the arena
    absl::flat_hash_map<std::uint32_t, std::uint32_t> blocks;
  };
  struct Saved;

  std::optional<Outcome> Misuse(PhysAddr first, std::uint32_t bytes) const;
  void Mark(PhysAddr first, std::uint32_t bytes, bool live);
  std::uint32_t PageOf(PhysAddr address) const { return (address - pages_->arena().first) >> kPageShift; }

  const std::unique_ptr<PageAllocator> pages_;
  const Mode mode_;
  Live live_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_PAGE_GUARD_H_

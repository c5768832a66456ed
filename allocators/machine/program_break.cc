#include "allocators/machine/program_break.h"

#include <algorithm>

#include "allocators/common/check.h"

namespace alloclab {
namespace {

// How many pages hold bytes from `first` on, up to but not including `end`.
std::uint32_t PagesOf(VirtAddr first, VirtAddr end) { return end > first ? (end - 1).page() - first.page() + 1 : 0; }

}  // namespace

ProgramBreak::ProgramBreak(AddressSpace& space, VirtAddr start, VirtAddr limit)
    : space_(&space), start_(start), limit_(limit), current_(start), peak_(start) {
  ALLOCLAB_CHECK_LE(start, limit);
  ALLOCLAB_CHECK(space.HasPageTables(start, limit));
}

ProgramBreak ProgramBreak::Arena(AddressSpace& space, VirtAddr start, std::uint32_t bytes) {
  ProgramBreak arena(space, start, start + bytes);
  arena.current_ = arena.peak_ = arena.limit_;
  space.PromisePages(start, PagesOf(start, arena.limit_));
  return arena;
}

void ProgramBreak::MoveUp(VirtAddr to, std::uint32_t counted_bytes) {
  current_ = to;
  peak_ = std::max(peak_, to);
  ++grows_;
  grown_bytes_ += counted_bytes;
}

VirtAddr ProgramBreak::Sbrk(std::int32_t bytes, bool shrinks) {
  const VirtAddr old = current_;
  const std::int64_t next = std::int64_t{old.raw()} + bytes;
  if (next < std::int64_t{start_.raw()} || next > std::int64_t{limit_.raw()} || (bytes < 0 && !shrinks)) return kFailed;
  const VirtAddr to(static_cast<std::uint32_t>(next));
  if (bytes > 0) {
    space_->PromisePages(old, PagesOf(old, to));
    MoveUp(to, static_cast<std::uint32_t>(bytes));
  }
  current_ = to;
  return old;
}

VirtAddr ProgramBreak::LunaixSbrk(std::uint32_t bytes) {
  if (bytes == 0) return current_;
  const VirtAddr old = current_;
  const VirtAddr next = old + ((bytes + (kWordBytes - 1)) & ~(kWordBytes - 1));  // may wrap, as in the original
  if (next >= limit_ || next < old) return kFailed;
  if (next.page() > old.page()) space_->PromisePages(old + kPageBytes, next.page() - old.page());
  MoveUp(old + bytes, bytes - kWordBytes);
  return old;
}

void ProgramBreak::Place(VirtAddr to) {
  space_->PromisePages(start_, to.page() - start_.page() + 1);
  current_ = to;
  peak_ = std::max(peak_, to);
}

}  // namespace alloclab

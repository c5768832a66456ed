// What a World does with pages.
#include <algorithm>
#include <optional>

#include "absl/strings/str_format.h"
#include "allocators/testing/world.h"

namespace alloclab {

void World::Do(const AllocatePages& allocate) { AllocateBytes(allocate.pages * kPageBytes); }
void World::Do(const AllocateLength& allocate) { AllocateBytes(allocate.bytes); }

void World::Do(const FreePages& free) {
  if (mind_.pages.empty()) return;
  const PageShadow::Block block = mind_.pages.At(free.block);
  FreeBytes(block.first, block.bytes);
}

void World::Do(const FreePagesPart& free) {
  if (mind_.pages.empty()) return;
  const PageShadow::Block block = mind_.pages.At(free.block);
  // A correct program frees whole blocks where the allocator wants it.
  if (!guarded() && checks() && !instance_->pages().declaration().frees_parts) return FreeBytes(block.first, block.bytes);
  // Unguarded, less than a page may be left of a block.
  const std::uint32_t pages = std::max(1u, block.bytes >> kPageShift), from = free.from % pages;
  FreeBytes(block.first + from * kPageBytes, (1 + free.pages % (pages - from)) * kPageBytes);
}

void World::Do(const FreeRange& free) {
  const Arena& arena = instance_->pages().arena();
  FreeBytes(arena.first + free.offset % (arena.bytes + 2 * kPageBytes), free.bytes);
}

void World::Do(const TakeFramesUntil& take) {
  const auto frames_left = [this] { return instance_->pages().Shape().free_bytes >> kPageShift; };
  // Of a wreck the number may be anything.
  for (std::uint32_t frames = instance_->memory().frame_count(); frames != 0 && frames_left() > take.left; --frames) {
    const PageResult result = instance_->AllocatePages(kPageBytes);
    if (result.outcome != Outcome::kOk) {
      if (checks()) ComplainOf(result.outcome, "ok while frames are left");
      return;
    }
    std::string wrong = mind_.pages.Add(*instance_, result.address, kPageBytes);
    if (checks()) Complain(std::move(wrong));
    mind_.hoard.push_back(result.address);
  }
}

void World::Do(const GiveFrames& /*give*/) {
  for (const PhysAddr frame : mind_.hoard) {
    if (mind_.pages.IsBlock(frame, kPageBytes)) FreeBytes(frame, kPageBytes);
  }
  mind_.hoard.clear();
}

void World::AllocateBytes(std::uint32_t bytes) {
  const PageShape before = instance_->pages().Shape();
  const PageResult result = instance_->AllocatePages(bytes);
  const std::uint64_t taken = before.free_bytes - instance_->pages().Shape().free_bytes;
  step_ = {result.outcome, result.address.raw(), static_cast<std::int64_t>(taken) / kPageBytes};
  std::string wrong;
  const std::optional<Outcome> misuse = RefusedLength(bytes);
  if (result.outcome == Outcome::kOk && !misuse) {
    wrong = mind_.pages.Add(*instance_, result.address, bytes);
    mind_.taken[result.address.raw()] = taken;
  }
  if (!checks()) return;
  Complain(std::move(wrong));
  if (misuse) {
    if (result.outcome != *misuse) ComplainOf(result.outcome, OutcomeName(*misuse));
  } else if (result.outcome == Outcome::kOk) {
    if (taken < bytes) Complain(absl::StrFormat("gives %d bytes, but only %d less are free", bytes, taken));
  } else if (before.largest_free_bytes >= bytes) {
    ComplainOf(result.outcome, "ok");
  } else if (const Outcome expected = before.free_bytes >= bytes ? Outcome::kFragmented : Outcome::kOutOfMemory;
             result.outcome != expected) {
    ComplainOf(result.outcome, OutcomeName(expected));
  }
}

void World::FreeBytes(PhysAddr first, std::uint32_t bytes) {
  const Outcome expected = ForetellFree(first, bytes);
  const bool whole = mind_.pages.IsBlock(first, bytes);
  const std::uint64_t before = instance_->pages().Shape().free_bytes;
  const PageResult result = instance_->FreePages(first, bytes);
  const std::uint64_t given = instance_->pages().Shape().free_bytes - before;
  step_ = {result.outcome, result.address.raw(), -static_cast<std::int64_t>(given) / kPageBytes};
  const auto taken = mind_.taken.find(first.raw());
  if (checks() && result.outcome == Outcome::kOk && whole && taken != mind_.taken.end() && given != taken->second) {
    Complain(absl::StrFormat("gives back %d bytes of the %d that the block took", given, taken->second));
  }
  if (result.outcome == Outcome::kOk) ForgetPages(first, bytes);
  if (checks() && result.outcome != expected) ComplainOf(result.outcome, OutcomeName(expected));
}

void World::ForgetPages(PhysAddr first, std::uint32_t bytes) {
  const std::uint64_t end = first.raw() + std::uint64_t{bytes};
  // Parts of blocks are not followed further.
  for (const auto& [block, block_end] : mind_.pages.blocks()) {
    if (block < end && block_end > first.raw()) mind_.taken.erase(block);
  }
  mind_.pages.Remove(first, bytes);
}

// The order is the guards'.
Outcome World::ForetellFree(PhysAddr first, std::uint32_t bytes) const {
  const PageAllocator& pages = instance_->pages();
  const bool whole_pages = bytes % kPageBytes == 0 && bytes >> 31 == 0 && first.offset() == 0;
  if (whole_pages && instance_->heap() != nullptr && instance_->memory().AnyPinned(FrameOf(first), bytes >> kPageShift)) {
    return Outcome::kFrameInUse;
  }
  if (const std::optional<Outcome> refused = RefusedRange(pages.arena(), first, bytes)) return *refused;
  if (mind_.pages.HeldBytes(first, kPageBytes) == 0) return Outcome::kDoubleFree;
  if (mind_.pages.HeldBytes(first, bytes) != bytes) return Outcome::kOverlapsFree;
  return pages.declaration().frees_parts || mind_.pages.IsBlock(first, bytes) ? Outcome::kOk : Outcome::kPartialFree;
}

}  // namespace alloclab

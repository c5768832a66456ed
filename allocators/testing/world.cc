#include "allocators/testing/world.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>
#include <variant>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/common/violation.h"
#include "allocators/testing/walk_checks.h"

namespace alloclab {
namespace {

constexpr std::size_t kFreedKept = 16;
constexpr std::uint32_t kBeyond = 64;  // how far behind the heap's end wild addresses go

// By number in the arena. Safe on wrecks.
std::vector<bool> FreeOnes(const PageAllocator& pages) {
  const Arena& arena = pages.arena();
  std::vector<bool> free(arena.bytes >> kPageShift);
  pages.VisitBlocks({}, [&](const Block& block) {
    if (block.kind != BlockKind::kFree) return true;
    const std::uint64_t end = std::min(arena.end(), block.address + block.bytes);
    for (std::uint64_t at = std::max<std::uint64_t>(arena.first.raw(), block.address); at < end; at += kPageBytes) {
      free[(at - arena.first.raw()) >> kPageShift] = true;
    }
    return true;
  });
  return free;
}

}  // namespace

struct World::Saved {
  std::shared_ptr<const InstanceImage> image;
  Mind mind;
};

World::World(std::unique_ptr<Instance> instance, Expects expects) : instance_(std::move(instance)), expects_(expects) {
  CheckEverything();
  ALLOCLAB_CHECK_EQ(wrong_, "");
}

std::string World::Apply(const Instruction& instruction) {
  wrong_.clear();
  step_ = {};
  ++mind_.instructions;
  std::visit([this](const auto& what) { Do(what); }, instruction);
  if (checks()) {
    CheckEverything();
  } else {
    LookAtWreck();
  }
  if (wrong_.empty()) return {};
  std::ostringstream out;
  out << instruction << ": " << wrong_;
  return out.str();
}

std::string World::ApplyAll(std::span<const Instruction> instructions) {
  for (const Instruction& instruction : instructions) {
    if (std::string wrong = Apply(instruction); !wrong.empty()) return wrong;
  }
  return {};
}

std::shared_ptr<const World::Saved> World::Save() { return std::make_shared<const Saved>(Saved{instance_->Save(), mind_}); }

void World::Restore(const Saved& saved) {
  instance_->Restore(*saved.image);
  mind_ = saved.mind;
}

std::unique_ptr<World> World::Copy() {
  absl::StatusOr<std::unique_ptr<Instance>> copy = Instance::Copy(*instance_->Save());
  ALLOCLAB_CHECK_EQ(copy.status().message(), "");
  return std::unique_ptr<World>(new World(*std::move(copy), *this));
}

void World::Do(const Malloc& malloc) {
  if (!HasHeap()) return;
  Allocated(CallHeap([&](HeapGuard& guard) { return guard.Malloc(malloc.bytes); }), malloc.bytes);
}

void World::Do(const Calloc& calloc) {
  if (!HasHeap()) return;
  const HeapResult result = CallHeap([&](HeapGuard& guard) { return guard.Calloc(calloc.count, calloc.bytes); });
  const std::uint64_t bytes = std::uint64_t{calloc.count} * calloc.bytes;
  if (checks() && result.outcome == Outcome::kOk &&
      !ReadsAsZero(*instance_, result.address, static_cast<std::uint32_t>(bytes))) {
    Complain(absl::StrFormat("the %d bytes at %#x are not all zero", bytes, result.address.raw()));
  }
  Allocated(result, bytes);
}

void World::Do(const Realloc& realloc) {
  if (HasHeap()) ReallocAt(BlockOrNull(realloc.block), realloc.bytes);
}
void World::Do(const Free& free) {
  if (HasHeap()) FreeAt(BlockOrNull(free.block));
}
void World::Do(const FreeAgain& free) {
  if (HasHeap()) FreeAt(mind_.freed.empty() ? VirtAddr{} : mind_.freed[free.freed % mind_.freed.size()]);
}
void World::Do(const FreeNear& free) {
  if (HasHeap()) FreeAt(BlockOrNull(free.block) + static_cast<std::uint32_t>(free.offset));
}
void World::Do(const FreeInside& free) {
  if (HasHeap()) FreeAt(InsideHeap(free.offset));
}
void World::Do(const FreeAddress& free) {
  if (HasHeap()) FreeAt(VirtAddr(free.address));
}
void World::Do(const ReallocInside& realloc) {
  if (HasHeap()) ReallocAt(InsideHeap(realloc.offset), realloc.bytes);
}

bool World::HasHeap() {
  if (instance_->heap() != nullptr) return true;
  step_.outcome = Outcome::kUnsupported;
  return false;
}

VirtAddr World::BlockOrNull(std::uint32_t number) const { return mind_.blocks.empty() ? VirtAddr{} : mind_.blocks.At(number); }

VirtAddr World::InsideHeap(std::uint32_t offset) const {
  return heap().start() + offset % (heap().brk() - heap().start() + kBeyond);
}

template <class Call>
HeapResult World::CallHeap(Call call) {
  const std::vector<bool> before = FreeOnes(instance_->pages());
  const HeapResult result = call(*instance_->heap_guard());
  const std::vector<bool> after = FreeOnes(instance_->pages());
  std::int64_t taken = 0;
  for (std::size_t page = 0; page < before.size(); ++page) taken += before[page] && !after[page] ? 1 : 0;
  step_ = {result.outcome, result.address.raw(), taken};
  return result;
}

void World::ReallocAt(VirtAddr block, std::uint32_t bytes) {
  const std::optional<Outcome> expected = ForetellFree(block);
  const HeapResult result = CallHeap([&](HeapGuard& guard) { return guard.Realloc(block, bytes); });
  if (checks() && expected != Outcome::kOk) return ExpectMisuse(result.outcome, expected);
  if (checks() && !block.is_null() && bytes == 0) {
    if (result.outcome != Outcome::kZeroSize) ComplainOf(result.outcome, "zero_size");
    return;
  }
  if (result.outcome == Outcome::kOk && mind_.blocks.Holds(block)) {
    const HeapShadow::Block& old = mind_.blocks.BlockAt(block);
    if (checks()) Complain(HeapShadow::CheckMoved(*instance_, old, result.address, std::min(old.bytes, bytes)));
    Forget(block);
  }
  Allocated(result, bytes);
}

void World::FreeAt(VirtAddr block) {
  if (block.is_null() && !guarded() && !heap().declaration().frees_null) {
    step_ = {};  // no correct program does that there
    return;
  }
  const std::optional<Outcome> expected = ForetellFree(block);
  const HeapResult result = CallHeap([&](HeapGuard& guard) { return guard.Free(block); });
  if (result.outcome == Outcome::kOk && mind_.blocks.Holds(block)) Forget(block);
  if (!checks()) return;
  if (expected != Outcome::kOk) return ExpectMisuse(result.outcome, expected);
  // A guarded free may want a frame, for a word in a page that was never touched.
  const bool dry = guarded() && Refused(result.outcome);
  if (result.outcome != Outcome::kOk && !dry) ComplainOf(result.outcome, "ok");
}

void World::Forget(VirtAddr block) {
  mind_.blocks.Remove(block);
  mind_.freed.push_back(block);
  if (mind_.freed.size() > kFreedKept) mind_.freed.erase(mind_.freed.begin());
}

void World::Allocated(const HeapResult& result, std::uint64_t bytes) {
  std::string wrong;
  if (result.outcome == Outcome::kOk) wrong = mind_.blocks.Add(*instance_, result.address, static_cast<std::uint32_t>(bytes));
  if (!checks()) return;
  Complain(std::move(wrong));
  const Declaration& declaration = heap().declaration();
  const bool too_large = guarded() && bytes > declaration.request_max;
  if (result.outcome == Outcome::kOk) {
    if (too_large) ComplainOf(result.outcome, "size_overflow");
    if (result.address.raw() % declaration.alignment != 0) {
      Complain(absl::StrFormat("gives %#x, no multiple of %d", result.address.raw(), declaration.alignment));
    }
    return;
  }
  const HeapShape shape = heap().Shape();
  const std::uint64_t needed = heap().BlockBytes(static_cast<std::uint32_t>(bytes));
  if (!result.address.is_null()) Complain(absl::StrFormat("is refused, but gives %#x", result.address.raw()));
  if (too_large ? result.outcome != Outcome::kSizeOverflow
                : !(result.outcome == Outcome::kZeroSize && bytes == 0) && !(guarded() && Refused(result.outcome))) {
    ComplainOf(result.outcome, too_large ? "size_overflow" : bytes == 0 ? "zero_size" : guarded() ? "ok or a refusal" : "ok");
  } else if (result.outcome == Outcome::kFragmented && (shape.free_bytes < needed || shape.largest_free_bytes >= needed)) {
    Complain(absl::StrFormat("is refused as fragmented, but needs %d of %d free bytes, of which the largest block has %d",
                             needed, shape.free_bytes, shape.largest_free_bytes));
  }
}

// The order is the guard's.
std::optional<Outcome> World::ForetellFree(VirtAddr block) const {
  if (block.is_null() || mind_.blocks.Holds(block)) return Outcome::kOk;
  if (block < heap().start() || block >= heap().brk()) return Outcome::kForeignPointer;
  if (block.raw() % heap().declaration().alignment != 0) return Outcome::kMisalignedPointer;
  if (!heap().declaration().shows_blocks) return std::nullopt;
  const auto holder =
      std::ranges::find_if(mind_.heap_walk, [&](const Block& shown) { return block.raw() - shown.address < shown.bytes; });
  const bool is_free = holder != mind_.heap_walk.end() && holder->kind == BlockKind::kFree;
  return is_free ? Outcome::kDoubleFree : Outcome::kInteriorPointer;
}

void World::ExpectMisuse(Outcome actual, std::optional<Outcome> expected) {
  const bool right = expected ? actual == *expected : actual == Outcome::kDoubleFree || actual == Outcome::kInteriorPointer;
  if (!right) ComplainOf(actual, expected ? OutcomeName(*expected) : "double_free or interior_pointer");
}

void World::Complain(std::string what) {
  if (wrong_.empty()) wrong_ = std::move(what);
}

void World::ComplainOf(Outcome actual, std::string_view expected) {
  Complain(absl::StrFormat("ends with %s, not %s", OutcomeName(actual), expected));
}

void World::CheckEverything() {
  Look now = LookAt(*instance_);
  if (mind_.instructions != 0) {
    if (step_.outcome != Outcome::kOk) {
      const std::string changed = FindDifference(mind_.look, now, Compared::kAllButSearches);
      if (!changed.empty()) Complain(absl::StrFormat("ends with %s, but changes %s", OutcomeName(step_.outcome), changed));
    }
    Complain(FindDecrease(mind_.look, now));
  }
  mind_.look = std::move(now);
  if (instance_->heap() != nullptr) {
    Complain(CheckHeap(heap(), mind_.blocks, mind_.heap_walk));
    Complain(mind_.blocks.CheckContents(*instance_));
    if (!mind_.heap_walk.empty()) {
      Complain(CheckResumedWalk(heap(), mind_.heap_walk, mind_.instructions % mind_.heap_walk.size()));
    }
  }
  Complain(CheckPages(*instance_, mind_.pages, mind_.page_walk));
  Complain(mind_.pages.CheckContents(*instance_));
  if (!mind_.page_walk.empty()) {
    Complain(CheckResumedWalk(instance_->pages(), mind_.page_walk, mind_.instructions % mind_.page_walk.size()));
  }
}

// Whatever RAM holds, all this ends.
void World::LookAtWreck() {
  mind_.look = LookAt(*instance_);
  const auto count = [](const Block&) { return true; };
  (void)instance_->pages().VisitBlocks({}, count);
  (void)instance_->ExplainPages(kPageBytes);
  ALLOCLAB_CHECK_LE(instance_->pages().CheckInvariants().size(), kViolationsMax);
  if (instance_->heap() == nullptr) return;
  (void)heap().VisitBlocks({}, count);
  (void)heap().VisitBlocks({.address = heap().start().raw() + mind_.instructions % 512}, count);
  (void)instance_->ExplainHeap(Outcome::kOutOfMemory, kPageBytes);
  heap().Prefetch(BlockOrNull(mind_.instructions));
  ALLOCLAB_CHECK_LE(heap().CheckInvariants().size(), kViolationsMax);
}

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

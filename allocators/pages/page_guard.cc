#include "allocators/pages/page_guard.h"

#include <algorithm>
#include <utility>

#include "allocators/machine/machine_stop.h"

namespace alloclab {
namespace {

template <class Call>
PageResult Caught(Call call) {
  try {
    return call();
  } catch (const MachineStop& stop) {
    return {stop.outcome, PhysAddr(stop.address)};
  }
}

}  // namespace

struct PageGuard::Saved final : AllocatorState {
  Saved(std::unique_ptr<const AllocatorState> saved_pages, const Live& saved_live)
      : pages(std::move(saved_pages)), live(saved_live) {}
  const std::unique_ptr<const AllocatorState> pages;
  const Live live;
};

std::optional<Outcome> RefusedLength(std::uint32_t bytes) {
  if (bytes == 0) return Outcome::kZeroLength;
  if (bytes >> 31 != 0) return Outcome::kNegativeLength;
  if (bytes % kPageBytes != 0) return Outcome::kUnalignedLength;
  return std::nullopt;
}

std::optional<Outcome> RefusedRange(const Arena& arena, PhysAddr first, std::uint32_t bytes) {
  if (const auto refused = RefusedLength(bytes)) return refused;
  if (first.offset() != 0) return Outcome::kMisalignedPointer;
  if (!arena.Contains(first, bytes)) return Outcome::kOutsideArena;
  return std::nullopt;
}

PageGuard::PageGuard(std::unique_ptr<PageAllocator> pages, Mode mode) : pages_(std::move(pages)), mode_(mode) {
  if (mode_ == Mode::kGuarded) live_.pages.resize(pages_->arena().bytes >> kPageShift);
}

PageResult PageGuard::Allocate(std::uint32_t bytes) {
  if (mode_ == Mode::kTrusted) return pages_->Allocate(bytes);
  if (mode_ == Mode::kUnguarded) return Caught([&] { return pages_->Allocate(bytes); });
  if (const auto refused = RefusedLength(bytes)) return {*refused, {}};
  const PageResult result = pages_->Allocate(bytes);
  if (result.outcome == Outcome::kOk) Mark(result.address, bytes, true);
  return result;
}

PageResult PageGuard::Free(PhysAddr first, std::uint32_t bytes) {
  if (mode_ == Mode::kTrusted) return pages_->Free(first, bytes);
  if (mode_ == Mode::kUnguarded) return Caught([&] { return pages_->Free(first, bytes); });
  if (const auto refused = Misuse(first, bytes)) return {*refused, {}};
  const PageResult result = pages_->Free(first, bytes);
  if (result.outcome == Outcome::kOk) Mark(first, bytes, false);
  return result;
}

std::optional<Outcome> PageGuard::Misuse(PhysAddr first, std::uint32_t bytes) const {
  if (const auto refused = RefusedRange(pages_->arena(), first, bytes)) return refused;
  const auto from = live_.pages.begin() + PageOf(first);
  if (!*from) return Outcome::kDoubleFree;
  if (!std::all_of(from, from + (bytes >> kPageShift), [](bool live) { return live; })) return Outcome::kOverlapsFree;
  if (pages_->declaration().frees_parts) return std::nullopt;
  const auto block = live_.blocks.find(first.raw());
  if (block == live_.blocks.end() || block->second != bytes) return Outcome::kPartialFree;
  return std::nullopt;
}

void PageGuard::Mark(PhysAddr first, std::uint32_t bytes, bool live) {
  std::fill_n(live_.pages.begin() + PageOf(first), bytes >> kPageShift, live);
  if (pages_->declaration().frees_parts) return;
  if (live) {
    live_.blocks[first.raw()] = bytes;
  } else {
    live_.blocks.erase(first.raw());
  }
}

std::optional<PageFrame> PageGuard::TakeFrame() {
  const PageResult taken = Allocate(kPageBytes);
  if (taken.outcome != Outcome::kOk) return std::nullopt;
  return FrameOf(taken.address);
}

std::unique_ptr<const AllocatorState> PageGuard::Save() const { return std::make_unique<const Saved>(pages_->Save(), live_); }

void PageGuard::Restore(const AllocatorState& saved) {
  const auto& state = static_cast<const Saved&>(saved);
  pages_->Restore(*state.pages);
  live_ = state.live;
}

std::uint64_t PageGuard::host_bytes() const {
  return sizeof(*this) + pages_->host_bytes() + live_.pages.capacity() / 8 + live_.blocks.capacity() * 9;
}

}  // namespace alloclab

// The heap of a program as blocks.
#include <algorithm>
#include <array>
#include <iterator>

#include "absl/strings/str_format.h"
#include "allocators/guest/guest_heap.h"
#include "allocators/machine/journal.h"

namespace alloclab {
namespace {

constexpr std::uint64_t kWalkSlice = 1000;  // after which it is looked at what it has written: a page a step, or less

// struct lab_block of sdk/include/lab.h.
struct ToldBlock {
  std::uint32_t address = 0, bytes = 0, state = 0;
};
constexpr std::uint32_t kToldFree = 0;
// Where it lies: such that the argument, a word below, is at a multiple of 16, as callers have it.
std::uint32_t PlaceOf(std::uint32_t stack_top) { return stack_top - 16 - static_cast<std::uint32_t>(sizeof(ToldBlock)); }

// Calls the walker, with the block at the top of the stack. What stopped it.
Stop CallWalker(I386Cpu& cpu, std::uint32_t walker, std::uint32_t stack_top, const ToldBlock& block, std::uint64_t& steps_left,
                const std::function<bool()>& enough) {
  const std::uint32_t place = PlaceOf(stack_top);
  const std::array words = {place, block.address, block.bytes, block.state};
  if (!cpu.BeginCall(place + static_cast<std::uint32_t>(sizeof(ToldBlock)), walker, words)) {
    return {.kind = Stop::Kind::kPageFault, .no_frame = true, .eip = walker};
  }
  while (true) {
    const std::uint64_t slice = std::min(steps_left, kWalkSlice);
    const Stop stop = cpu.Run(slice);
    steps_left -= slice - cpu.steps_left();
    if (stop.kind != Stop::Kind::kBudget || steps_left == 0 || enough()) return stop;
  }
}

}  // namespace

std::optional<BrokenWalk> GuestHeap::AskWalker(I386Cpu& cpu, FreeRanges& free) const {
  const std::uint64_t bytes_max = space_.memory().host_bytes() + kWalkBytesMax;
  const auto writes_too_much = [&] { return space_.memory().host_bytes() > bytes_max; };
  std::uint64_t steps_left = kWalkStepsMax, end = 0;
  ToldBlock told;
  const auto broken = [&](const std::string& what) {
    return BrokenWalk{static_cast<std::uint32_t>(std::max<std::uint64_t>(end, start().raw())), "lab_walk " + what};
  };
  while (true) {
    const Stop stop = CallWalker(cpu, walk_, stack_top_, told, steps_left, writes_too_much);
    if (stop.kind == Stop::Kind::kBudget) {
      return broken(steps_left == 0 ? absl::StrFormat("is not at its end after %d instructions", kWalkStepsMax)
                                    : absl::StrFormat("writes to more than %d bytes of memory", kWalkBytesMax));
    }
    if (stop.kind == Stop::Kind::kInterrupt) return broken("asks the lab for a service; expected that it only looks");
    if (stop.kind != Stop::Kind::kReturned) {
      return broken(absl::StrFormat("died at %s: %s", program().Locate(stop.eip), Explain(stop)));
    }
    if (cpu.reg(I386Cpu::kEax) == 0) return std::nullopt;
    const VirtAddr place(PlaceOf(stack_top_));
    told = {space_.Peek(place).value_or(0), space_.Peek(place + kWordBytes).value_or(0),
            space_.Peek(place + 2 * kWordBytes).value_or(0)};
    if (told.address < end || told.bytes == 0 || told.address == 0) {
      return broken(
          absl::StrFormat("tells of %d bytes at %#010x; expected at least 1, from %#010x on", told.bytes, told.address, end));
    }
    end = std::uint64_t{told.address} + told.bytes;
    const bool in_heap = told.address >= start().raw() && end <= brk().raw();
    if (told.state == kToldFree && in_heap) free.emplace_back(told.address, end);
  }
}

// What the walker does is undone; frames that it took for pages are given back.
std::optional<BrokenWalk> GuestHeap::FindFree(FreeRanges& free) const {
  if (state_.death) return BrokenWalk{start().raw(), state_.death->what};
  const auto frames = space_.frames().Save();
  const std::uint64_t faults = space_.costs().demand_faults;
  process_.NoteJournal();
  Journal journal(space_.memory(), &space_);
  std::optional<BrokenWalk> broken;
  {
    I386Cpu cpu(space_);
    broken = AskWalker(cpu, free);
  }
  const bool took_frames = space_.costs().demand_faults != faults;
  journal.Rollback();
  if (took_frames) space_.frames().Restore(*frames);
  // Two that cannot both be: the live block is the one that is known.
  for (std::size_t i = 0; i < free.size(); ++i) {
    const auto [first, end] = free[i];
    const auto above = state_.live.AtOrAbove(first), below = state_.live.Below(first);
    const bool holds_one = above && above->address < end, in_one = below && below->end() > first;
    if (!holds_one && !in_one) continue;
    const auto block = holds_one ? above : below;
    broken =
        BrokenWalk{static_cast<std::uint32_t>(first),
                   absl::StrFormat("lab_walk tells of %d free bytes at %#010x; there is the live block of %d bytes at %#010x",
                                   end - first, first, block->bytes, block->address)};
    free.resize(i);
  }
  return broken;
}

HeapShape GuestHeap::Shape() const {
  if (walk_ != 0) return HeapAllocator::Shape();
  HeapShape shape{.start = start(), .brk = brk(), .limit = limit()};
  for (auto live = state_.live.AtOrAbove(0); live; live = state_.live.AtOrAbove(live->end())) {
    shape.Add({.address = live->address, .bytes = live->bytes, .kind = BlockKind::kLive, .payload = live->address});
  }
  return shape;
}

std::optional<BrokenWalk> GuestHeap::VisitBlocks(BlockCursor from, const BlockVisitor& visit) const {
  FreeRanges free;
  std::optional<BrokenWalk> broken;
  if (walk_ != 0) broken = FindFree(free);
  bool more = true;
  const auto show = [&](std::uint64_t first, std::uint64_t end, BlockKind kind, std::uint32_t payload) {
    if (!more || end <= first || end <= from.address) return;
    more = visit({.address = static_cast<std::uint32_t>(first), .bytes = end - first, .kind = kind, .payload = payload});
  };
  // Of a gap between blocks the pages that are not there are free, as nobody has touched them.
  const auto show_gap = [&](std::uint64_t first, std::uint64_t end) {
    std::uint64_t begun = first;
    for (std::uint64_t page = (first + kPageBytes - 1) & ~std::uint64_t{kPageBytes - 1};
         walk_ == 0 && more && page + kPageBytes <= end; page += kPageBytes) {
      if (space_.Translate(VirtAddr(static_cast<std::uint32_t>(page))).phys) continue;
      std::uint64_t behind = page + kPageBytes;
      while (behind + kPageBytes <= end && !space_.Translate(VirtAddr(static_cast<std::uint32_t>(behind))).phys)
        behind += kPageBytes;
      show(begun, page, BlockKind::kMetadata, 0);
      show(page, behind, BlockKind::kFree, 0);
      begun = behind;
      page = behind - kPageBytes;
    }
    show(begun, end, BlockKind::kMetadata, 0);
  };
  const std::uint64_t brk = this->brk().raw();
  std::uint64_t at = start().raw();
  auto live = state_.live.AtOrAbove(at);
  // What ends in front of the cursor need not be looked at.
  if (const auto behind = state_.live.Below(std::uint64_t{from.address} + 1); behind && behind->address > at) {
    live = behind;
    at = live->address;
  }
  auto next_free = std::lower_bound(free.begin(), free.end(), at,
                                    [](const auto& range, std::uint64_t address) { return range.second <= address; });
  while (more) {
    const std::uint64_t live_at = live ? live->address : brk, free_at = next_free != free.end() ? next_free->first : brk;
    const std::uint64_t next = std::min({live_at, free_at, brk});
    show_gap(at, next);
    if (next >= brk) break;
    if (free_at < live_at) {
      show(next_free->first, next_free->second, BlockKind::kFree, 0);
      at = next_free++->second;
    } else {
      const auto above = state_.live.AtOrAbove(live->end());
      const std::uint64_t room = std::min(above ? above->address : brk, std::max(free_at, live_at + 1));
      at = std::min(live->end(), std::min(room, brk));  // one of no bytes is shown with its first
      show(live_at, at, BlockKind::kLive, live->address);
      live = above;
    }
  }
  return broken;
}

}  // namespace alloclab

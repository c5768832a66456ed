#include "allocators/pages/buddy/buddy_pages.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/machine/machine_stop.h"
#include "allocators/pages/buddy/struct_page.h"

namespace alloclab {
namespace {

using namespace buddy;

constexpr std::uint32_t kPageStructShift = 5, kPageStruct = 1u << kPageStructShift;  // bytes
constexpr std::uint32_t kMap = 160;  // offset of the first struct page: free areas, rounded up to whole structs
constexpr std::uint32_t kPoison1 = 0x00100100, kPoison2 = 0x00200200;  // in the links of what is in no list
static_assert(BuddyPages::kOrders * kAreaBytes <= kMap && kMap % kPageStruct == 0);

void ListAdd(PhysicalWordView& words, PhysAddr entry, PhysAddr head) {
  const PhysAddr next(words.Load(head + kNext));
  words.Store(next + kPrev, entry.raw());
  words.Store(entry + kNext, next.raw());
  words.Store(entry + kPrev, head.raw());
  words.Store(head + kNext, entry.raw());
}

void ListDelete(PhysicalWordView& words, PhysAddr entry) {
  const PhysAddr prev(words.Load(entry + kPrev)), next(words.Load(entry + kNext));
  words.Store(next + kPrev, prev.raw());
  words.Store(prev + kNext, next.raw());
  words.Store(entry + kNext, kPoison1);
  words.Store(entry + kPrev, kPoison2);
}

void AddTo(PhysicalWordView& words, PhysAddr number, std::uint32_t change) { words.Store(number, words.Load(number) + change); }

void SetOrder(PhysicalWordView& words, PhysAddr page, std::uint32_t order) {
  words.Store(page + kPrivate, order);
  words.Store(page + kFlags, words.Load(page + kFlags) | kBuddy);
}

void RemoveOrder(PhysicalWordView& words, PhysAddr page) {
  words.Store(page + kFlags, words.Load(page + kFlags) & ~kBuddy);
  words.Store(page + kPrivate, 0);
}

// The least order whose blocks hold so many bytes; of 0 bytes that of 2^32, as the original computes it.
std::uint32_t OrderOf(std::uint32_t bytes) { return static_cast<std::uint32_t>(std::bit_width((bytes - 1) >> kPageShift)); }

}  // namespace

BuddyPages::BuddyPages(PhysicalMemory& memory, PhysAddr zone, const Arena& arena)
    : PageAllocator(arena), memory_(memory), zone_(zone) {
  ALLOCLAB_CHECK_LE(zone.raw() + MetadataBytes(memory.frame_count()), arena.first.raw());
  ALLOCLAB_CHECK_LE(arena.end(), memory.size_bytes());
  AccessCosts uncounted;
  PhysicalWordView words(memory_, uncounted);
  for (std::uint32_t order = 0; order < kOrders; ++order) {
    words.Store(Area(order) + kNext, Area(order).raw());
    words.Store(Area(order) + kPrev, Area(order).raw());
  }
  const auto reserve = [&](std::uint32_t page) {
    words.Store(PageAt(PhysAddr(page << kPageShift)) + kFlags, kReserved);
    words.Store(PageAt(PhysAddr(page << kPageShift)) + kCount, 1);
  };
  for (std::uint32_t page = 0; page < arena.first.page(); ++page) reserve(page);
  const auto end = static_cast<std::uint32_t>(arena.end() >> kPageShift);
  for (std::uint32_t page = end; page < memory.frame_count(); ++page) reserve(page);
  for (std::uint32_t page = arena.first.page(), order = 0; page < end; page += 1u << order) {
    order = std::min({static_cast<std::uint32_t>(std::countr_zero(page)), kOrders - 1,
                      static_cast<std::uint32_t>(std::bit_width(end - page)) - 1});
    FreeBlock(words, PageAt(PhysAddr(page << kPageShift)), order);
  }
  ResetOwnCounters();
}

std::uint64_t BuddyPages::MetadataBytes(std::uint32_t frames) { return kMap + std::uint64_t{frames} * kPageStruct; }
PhysAddr BuddyPages::PageAt(PhysAddr address) const { return zone_ + kMap + (address.page() << kPageStructShift); }
PhysAddr BuddyPages::Area(std::uint32_t order) const { return zone_ + order * kAreaBytes; }
PhysAddr BuddyPages::AddressOf(PhysAddr page) const {
  return PhysAddr(((page - zone_ - kMap) >> kPageStructShift) << kPageShift);
}
bool BuddyPages::IsPage(PhysAddr page) const {
  const std::uint32_t offset = page - zone_ - kMap;
  return offset % kPageStruct == 0 && offset >> kPageStructShift < memory_.frame_count();
}

// __rmqueue
PageResult BuddyPages::Allocate(std::uint32_t bytes) {
  PhysicalWordView words(memory_, costs_);
  const std::uint32_t order = OrderOf(bytes);
  for (std::uint32_t current = order; current < kOrders; ++current) {
    ++costs_.search_steps;
    if (PhysAddr(words.Load(Area(current) + kNext)) == Area(current)) continue;
    const PhysAddr page = PhysAddr(words.Load(Area(current) + kNext)) - kLru;
    ListDelete(words, page + kLru);
    RemoveOrder(words, page);
    AddTo(words, Area(current) + kFree, ~0u);
    state_.free_pages -= 1u << order;
    Expand(words, page, order, current);
    PreparePage(words, page);
    return {Outcome::kOk, AddressOf(page)};
  }
  const bool enough = std::uint64_t{state_.free_pages} << kPageShift >= bytes;
  return {enough ? Outcome::kFragmented : Outcome::kOutOfMemory, {}};
}

void BuddyPages::Expand(PhysicalWordView& words, PhysAddr page, std::uint32_t low, std::uint32_t high) {
  while (high > low) {
    --high;
    const PhysAddr upper = page + (kPageStruct << high);
    ListAdd(words, upper + kLru, Area(high));
    AddTo(words, Area(high) + kFree, 1);
    SetOrder(words, upper, high);
    ++state_.counters.Of<"buddy_splits">();
  }
}

// prep_new_page
void BuddyPages::PreparePage(PhysicalWordView& words, PhysAddr page) {
  if (words.Load(page + kCount) != 0 || (words.Load(page + kFlags) & (kBuddy | kReserved)) != 0) MendBadPage(words, page);
  words.Store(page + kPrivate, 0);
  words.Store(page + kCount, 1);
}

// bad_page
void BuddyPages::MendBadPage(PhysicalWordView& words, PhysAddr page) {
  ++state_.counters.Of<"bad_pages">();
  words.Store(page + kFlags, words.Load(page + kFlags) & ~kBuddy);
  words.Store(page + kCount, 0);
}

// __free_pages, __free_pages_ok
PageResult BuddyPages::Free(PhysAddr first, std::uint32_t bytes) {
  PhysicalWordView words(memory_, costs_);
  const PhysAddr page = PageAt(first);
  if (!IsPage(page)) throw MachineStop{Outcome::kMachineFault, first.raw()};
  const std::uint32_t order = OrderOf(bytes);
  AddTo(words, page + kCount, ~0u);
  if (words.Peek(page + kCount) != 0) return {};
  bool reserved = false;
  for (std::uint32_t i = 0; i < 1u << order; ++i) {
    const PhysAddr freed = page + (i << kPageStructShift);
    if (!IsPage(freed)) throw MachineStop{Outcome::kMachineFault, freed.raw()};
    reserved = !CheckFreed(words, freed) || reserved;
  }
  if (!reserved) FreeBlock(words, page, order);
  return {};
}

// free_pages_check
bool BuddyPages::CheckFreed(PhysicalWordView& words, PhysAddr page) {
  const std::uint32_t count = words.Load(page + kCount), flags = words.Load(page + kFlags);
  if (count != 0 || (flags & (kBuddy | kReserved)) != 0) MendBadPage(words, page);
  return (flags & kReserved) == 0;
}

// __free_one_page
void BuddyPages::FreeBlock(PhysicalWordView& words, PhysAddr page, std::uint32_t order) {
  std::uint32_t number = AddressOf(page).page();
  state_.free_pages += 1u << order;
  for (; order < kOrders - 1; ++order) {
    const PhysAddr buddy = PageAt(PhysAddr((number ^ 1u << order) << kPageShift));
    if (!IsPage(buddy) || !IsFreeBuddy(words, buddy, order)) break;
    ListDelete(words, buddy + kLru);
    AddTo(words, Area(order) + kFree, ~0u);
    RemoveOrder(words, buddy);
    number &= ~(1u << order);
    ++state_.counters.Of<"buddy_merges">();
  }
  const PhysAddr joined = PageAt(PhysAddr(number << kPageShift));
  SetOrder(words, joined, order);
  ListAdd(words, joined + kLru, Area(order));
  AddTo(words, Area(order) + kFree, 1);
}

// page_is_buddy
bool BuddyPages::IsFreeBuddy(PhysicalWordView& words, PhysAddr buddy, std::uint32_t order) const {
  return (words.Load(buddy + kFlags) & kBuddy) != 0 && words.Load(buddy + kPrivate) == order && words.Load(buddy + kCount) == 0;
}

}  // namespace alloclab

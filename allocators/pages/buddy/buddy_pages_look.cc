// What the page allocator binary-buddy shows of itself, and how it is made.
#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/machine/loop_watch.h"
#include "allocators/pages/arena_placement.h"
#include "allocators/pages/buddy/buddy_pages.h"
#include "allocators/pages/buddy/struct_page.h"

namespace alloclab {
namespace {

using namespace buddy;

constexpr std::string_view kListHelp = "free blocks of the order";
constexpr FigureInfo kFigures[] = {
    {"free_pages", "pages that are free, as the kernel counts them"},
    {"free_order_0", kListHelp},
    {"free_order_1", kListHelp},
    {"free_order_2", kListHelp},
    {"free_order_3", kListHelp},
    {"free_order_4", kListHelp},
    {"free_order_5", kListHelp},
    {"free_order_6", kListHelp},
    {"free_order_7", kListHelp},
    {"free_order_8", kListHelp},
    {"free_order_9", kListHelp},
    {"free_order_10", kListHelp},
};
static_assert(std::size(kFigures) == 1 + BuddyPages::kOrders);
constexpr FieldInfo kFields[] = {
    {"order", "the block has 2^order pages"},
    {"next", "link to the next block of the order, or back to the head", FigureInfo::Unit::kAddress},
    {"prev", "link to the block before", FigureInfo::Unit::kAddress},
};
constexpr Declaration kDeclaration{.counters = kBuddyPagesCounters,
                                   .figures = kFigures,
                                   .block_fields = kFields,
                                   .alignment = kPageBytes,
                                   .frees_parts = false};

std::uint64_t RoundUp(std::uint64_t bytes) { return (bytes + kPageBytes - 1) & ~std::uint64_t{kPageBytes - 1}; }

}  // namespace

const Declaration& BuddyPages::declaration() const { return kDeclaration; }

std::vector<std::uint64_t> BuddyPages::FigureValues() const {
  std::vector<std::uint64_t> values{state_.free_pages};
  for (std::uint32_t order = 0; order < kOrders; ++order) values.push_back(Peek(Area(order) + kFree));
  return values;
}

std::optional<BrokenWalk> BuddyPages::WalkList(std::uint32_t order, PhysAddr page,
                                               const std::function<bool(const Listed&)>& visit) const {
  LoopWatch<PhysAddr> watch;
  for (PhysAddr link = page.is_null() ? PhysAddr(Peek(Area(order))) : page + kLru; link != Area(order);
       link = PhysAddr(Peek(link))) {
    const Listed block{link - kLru, AddressOf(link - kLru), order};
    if (!IsPage(block.page)) {
      return BrokenWalk{link.raw(),
                        absl::StrFormat("the list of order %d leads to %#010x, which is no page", order, link.raw())};
    }
    if (watch.Revisits(link)) {
      return BrokenWalk{block.address.raw(),
                        absl::StrFormat("the list of order %d leads to the page %#010x again", order, block.address.raw())};
    }
    if (!visit(block)) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<BrokenWalk> BuddyPages::Walk(const std::function<bool(const Listed&)>& visit) const {
  bool on = true;
  for (std::uint32_t order = 0; order < kOrders && on; ++order) {
    if (auto broken = WalkList(order, {}, [&](const Listed& block) { return on = visit(block); })) return broken;
  }
  return std::nullopt;
}

bool BuddyPages::HoldsPages(std::uint32_t count) const {
  std::uint64_t found = 0;
  if (count == 0) return true;
  Walk([&](const Listed& block) { return (found += std::uint64_t{1} << block.order) < count; });
  return found >= count;
}

PageShape BuddyPages::Shape() const {
  PageShape shape{.arena = arena_};
  Walk([&shape](const Listed& block) {
    const std::uint64_t bytes = std::uint64_t{kPageBytes} << block.order;
    shape.free_bytes += bytes;
    ++shape.free_blocks;
    shape.largest_free_bytes = std::max(shape.largest_free_bytes, bytes);
    return true;
  });
  return shape;
}

std::optional<BrokenWalk> BuddyPages::VisitBlocks(BlockCursor from, const BlockVisitor& visit) const {
  bool reached = from.exact, on = true;
  const auto show = [&](const Listed& block) {
    const std::uint64_t bytes = std::uint64_t{kPageBytes} << block.order;
    reached = reached || block.address.raw() + bytes > from.address;
    const PhysAddr link = block.page + kLru;
    on = !reached || visit({.address = block.address.raw(),
                            .bytes = bytes,
                            .kind = BlockKind::kFree,
                            .fields = {block.order, Peek(link), Peek(link + kPrev)}});
    return on;
  };
  if (!from.exact) return Walk(show);
  const PhysAddr page = PageAt(PhysAddr(from.address));
  const std::uint32_t first = std::min(IsPage(page) ? Peek(page + kPrivate) : kOrders, kOrders);
  for (std::uint32_t order = first; order < kOrders && on; ++order) {
    if (auto broken = WalkList(order, order == first ? page : PhysAddr{}, show)) return broken;
  }
  return std::nullopt;
}

void BuddyPages::VisitMetadata(const std::function<void(std::uint32_t word)>& visit) const {
  for (std::uint32_t order = 0; order < kOrders; ++order) {
    visit(Peek(Area(order) + kFree));
    WalkList(order, {}, [&visit](const Listed& block) {
      visit(block.address.raw());
      return true;
    });
  }
}

std::string BuddyPages::WhatIsWrong(const Listed& block) const {
  const std::uint32_t order = Peek(block.page + kPrivate), count = Peek(block.page + kCount);
  if (block.address.page() % (1u << block.order) != 0 || !arena_.Contains(block.address, kPageBytes << block.order)) {
    return absl::StrFormat("%#010x is no block of order %d of the arena", block.address.raw(), block.order);
  }
  if ((Peek(block.page) & kBuddy) == 0 || order != block.order || count != 0) {
    return absl::StrFormat("%#010x is in the list of order %d, but has flags %#x, order %d and count %d", block.address.raw(),
                           block.order, Peek(block.page), order, count);
  }
  return {};
}

std::vector<Violation> BuddyPages::CheckInvariants(const Interrupt& interrupt) const {
  std::vector<Violation> found;
  const auto add = [&found](const char* invariant, PhysAddr where, std::string what) {
    if (found.size() < kViolationsMax) found.push_back({invariant, where.raw(), std::move(what)});
  };
  InterruptPoll poll(interrupt);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> blocks;  // first page, order
  std::uint64_t pages = 0;
  for (std::uint32_t order = 0; order < kOrders; ++order) {
    std::uint64_t length = 0;
    PhysAddr before = Area(order);
    const auto broken = WalkList(order, {}, [&](const Listed& block) {
      const PhysAddr prev(Peek(block.page + kLru + kPrev));
      if (prev != before) {
        add("L1", block.address,
            absl::StrFormat("%#010x has prev %#x, expected %#x", block.address.raw(), prev.raw(), before.raw()));
      }
      if (std::string wrong = WhatIsWrong(block); !wrong.empty()) add("L2", block.address, std::move(wrong));
      before = block.page + kLru;
      ++length;
      blocks.emplace_back(block.address.page(), order);
      return found.size() < kViolationsMax && !poll.Step();
    });
    if (poll.interrupted()) return found;
    if (broken) add("L1", PhysAddr(broken->address), broken->what);
    if (const std::uint32_t counted = Peek(Area(order) + kFree); !broken && counted != length) {
      add("L3", Area(order), absl::StrFormat("the list of order %d has %d blocks, nr_free says %d", order, length, counted));
    }
    pages += length << order;
  }
  if (found.empty() && pages != state_.free_pages) {
    add("L3", zone_, absl::StrFormat("the lists have %d pages, the counters say %d", pages, state_.free_pages));
  }
  std::ranges::sort(blocks);
  for (std::size_t i = 1; i < blocks.size(); ++i) {
    const auto [page, order] = blocks[i];
    const auto [below, order_below] = blocks[i - 1];
    if (below + std::uint64_t{1u << order_below} > page) {
      add("L4", PageFrame{page}.base(), absl::StrFormat("the free blocks of the pages %d and %d overlap", below, page));
    } else if (order == order_below && order < kOrders - 1 && (below ^ 1u << order) == page) {
      add("L4", PageFrame{page}.base(), absl::StrFormat("the buddies of the pages %d and %d are both free", below, page));
    }
  }
  return found;
}

absl::StatusOr<std::unique_ptr<PageGuard>> MakeBuddyPages(PhysicalMemory& memory, const BuddyPagesOptions& options) {
  const std::uint64_t zone = RoundUp(options.kernel_end),
                      first = RoundUp(zone + BuddyPages::MetadataBytes(memory.frame_count()));
  const absl::StatusOr<Arena> arena = PlaceArena(memory, options.kernel_end, first, options.arena_pages);
  if (!arena.ok()) return arena.status();
  return std::make_unique<PageGuard>(std::make_unique<BuddyPages>(memory, PhysAddr(static_cast<std::uint32_t>(zone)), *arena),
                                     options.guarded ? PageGuard::Mode::kGuarded : PageGuard::Mode::kUnguarded);
}

PageAllocatorInfo BuddyPagesInfo() {
  return {
      .name = "binary-buddy",
      .title = "Linux buddy pages",
      .description =
          "Blocks of 2^k pages, k up to 10, in a last-in-first-out list for each k; halved for requests, joined with their "
          "buddies when freed. It ran in every Linux, here as in 2.6.18. Good at: a bounded number of steps, and runs of "
          "pages that stay aligned and grow together again. Bad at: lengths that are no power of two, neighbours that are "
          "no buddies, more than 4 MiB; 32 bytes of RAM describe each page.",
      .source = "Linux 2.6.18, mm/page_alloc.c; Knowlton, A Fast Storage Allocator, CACM 8(10), 1965",
      .declaration = &kDeclaration,
      .parameters = {QuantityParameter("pages.kernel_end",
                                       "address where the kernel ends; lists and descriptions of pages lie at the next page "
                                       "border, the arena behind them",
                                       "a physical address", kPageBytes),
                     ArenaPagesParameter()},
      .make = [](PhysicalMemory& memory, bool guarded, const ParameterValues& values) {
        return MakeBuddyPages(memory, {.guarded = guarded,
                                       .kernel_end = NumberValue(values, "pages.kernel_end"),
                                       .arena_pages = NumberValue(values, "pages.arena_pages")});
      }};
}

}  // namespace alloclab

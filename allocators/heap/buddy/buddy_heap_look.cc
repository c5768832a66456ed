// What a buddy system shows of itself, and its entry in the catalogue.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/heap/buddy/buddy_heap.h"
#include "allocators/heap/heap_guard.h"
#include "allocators/heap/heap_range.h"

namespace alloclab {
namespace {

constexpr FigureInfo kFigures[] = {
    {"free_orders", "orders that have available blocks", FigureInfo::Unit::kCount},
};
constexpr FieldInfo kFields[] = {
    {"header", "bits 0-5: order; bit 6: available; of Fibonacci buddies bit 7: right, bit 8: memory", FigureInfo::Unit::kWord},
    {"linkf", "of an available block: the next one of its order; up to 64: the head of the list", FigureInfo::Unit::kAddress},
    {"linkb", "of an available block: the one before of its order; up to 64: the head of the list", FigureInfo::Unit::kAddress},
};
constexpr Declaration kDeclaration{
    .counters = kBuddyCounters,
    .figures = kFigures,
    .block_fields = kFields,
    .alignment = 4,
    .request_max = 0xFFFFFFFB,  // above, the header's bytes wrap
};

}  // namespace

const Declaration& BuddyHeap::declaration() const { return kDeclaration; }

std::vector<std::uint64_t> BuddyHeap::FigureValues() const {
  std::uint64_t free_orders = 0;
  for (std::uint32_t order = 0; order < kOrders; ++order) free_orders += state_.linkf[order] != HeadOf(order);
  return {free_orders};
}

std::optional<BrokenWalk> BuddyHeap::VisitBlocks(BlockCursor from, const BlockVisitor& visit) const {
  const VirtAddr wanted(from.address);
  const auto show = [&](const Block& block) { return block.address + block.bytes <= wanted.raw() || visit(block); };
  VirtAddr at = from.exact ? wanted : start();
  while (at < end_) {
    const std::optional<std::uint32_t> header = space_.Peek(at);
    if (!header) return BrokenWalk{at.raw(), absl::StrFormat("the header at %#010x is not mapped", at.raw())};
    const std::uint32_t order = *header & kOrderMask, bytes = Size(order);
    if (*header >= 2 * kMemory || order > pieces_.front().order || bytes > end_ - at) {
      return BrokenWalk{at.raw(),
                        absl::StrFormat("the header at %#010x is %#x; expected an order of at most %d bytes and bits 6 to 8",
                                        at.raw(), *header, end_ - at)};
    }
    const bool is_free = (*header & kAvailable) != 0;
    if (!show({.address = at.raw(),
               .bytes = bytes,
               .kind = is_free ? BlockKind::kFree : BlockKind::kLive,
               .payload = is_free ? 0 : (at + kHeader).raw(),
               .fields = {*header, is_free ? PeekWord(at + kLinkF) : 0, is_free ? PeekWord(at + kLinkB) : 0}})) {
      return std::nullopt;
    }
    at = at + bytes;
  }
  if (at < brk()) show({.address = at.raw(), .bytes = brk() - at, .kind = BlockKind::kMetadata});
  return std::nullopt;
}

void BuddyHeap::VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt) const {
  InterruptPoll poll(interrupt);
  VisitBlocks({}, [&](const Block& block) {
    if (block.kind != BlockKind::kMetadata) visit(block.fields[0]);
    if (block.kind == BlockKind::kFree) visit(block.fields[1]), visit(block.fields[2]);
    return !poll.Step();
  });
  for (std::uint32_t order = 0; order <= pieces_.front().order; ++order) {
    visit(state_.linkf[order].raw());
    visit(state_.linkb[order].raw());
  }
}

// One check of all invariants.
class BuddyHeap::Check {
 public:
  Check(const BuddyHeap& heap, const Interrupt& interrupt) : heap_(heap), poll_(interrupt) {}

  std::vector<Violation> Run() {
    for (const Piece& piece : heap_.pieces_) IsAvailable(piece.start, {piece.order, 0});
    if (broken_ || poll_.interrupted()) return std::move(found_);
    for (std::uint32_t order = 0; order < kOrders; ++order) Members(order);
    if (poll_.interrupted()) return std::move(found_);
    for (const FreeBlock& block : free_) {
      if (block.listed) continue;
      Add("D4", block.address, absl::StrFormat("block %#010x is available and in no list", block.address.raw()));
    }
    return std::move(found_);
  }

 private:
  struct FreeBlock {
    VirtAddr address;
    std::uint32_t order;
    bool listed = false;
  };

  void Add(const char* invariant, VirtAddr where, std::string what) {
    if (found_.size() < kViolationsMax) found_.push_back({invariant, where.raw(), std::move(what)});
  }

  // Whether what splitting may have made there is one available block. At most as deep as there are orders.
  bool IsAvailable(VirtAddr at, Part part) {
    if (broken_ || poll_.Step()) return false;
    const std::optional<std::uint32_t> word = heap_.space_.Peek(at);
    if (!word) return IsBroken(at, "is not mapped");
    const std::uint32_t header = *word, order = header & kOrderMask;
    if (order != part.order) return AreParts(at, part, header);
    if ((header & ~(kOrderMask | kAvailable)) != part.bits) {
      Add("D2", at,
          absl::StrFormat("the header of %#010x is %#x; expected bits 7 and 8 to be %#x", at.raw(), header, part.bits));
    }
    if ((header & kAvailable) == 0) return false;
    free_.push_back({at, order});
    return true;
  }

  bool IsBroken(VirtAddr at, std::string_view what) {
    broken_ = true;
    Add("D1", at, absl::StrFormat("the header of %#010x %s", at.raw(), what));
    return false;
  }

  bool AreParts(VirtAddr at, Part part, std::uint32_t header) {
    if ((header & kOrderMask) > part.order || !heap_.CanBeSplit(part.order)) {
      return IsBroken(at, absl::StrFormat("is %#x; expected an order up to %d", header, part.order));
    }
    const auto [left, right] = heap_.PartsOf(part);
    const bool is_left_available = IsAvailable(at, left);
    const VirtAddr right_address = at + heap_.Size(left.order);
    if (IsAvailable(right_address, right) && is_left_available) {
      Add("D3", at, absl::StrFormat("the buddies %#010x and %#010x are both available", at.raw(), right_address.raw()));
    }
    return false;
  }

  // Of a list, up to the first that cannot be of it.
  void Members(std::uint32_t order) {
    const VirtAddr head = HeadOf(order);
    VirtAddr before = head;
    for (VirtAddr at = heap_.state_.linkf[order]; at != head && !poll_.Step();) {
      const auto block = std::lower_bound(free_.begin(), free_.end(), at,
                                          [](const FreeBlock& free, VirtAddr address) { return free.address < address; });
      if (block == free_.end() || block->address != at || block->listed || block->order != order) {
        Add("D4", at,
            absl::StrFormat("the list of order %d has %#010x, which is no available block of it or was in a list before", order,
                            at.raw()));
        return;
      }
      block->listed = true;
      Before(at, VirtAddr(heap_.PeekWord(at + kLinkB)), before);
      before = at;
      at = VirtAddr(heap_.PeekWord(at + kLinkF));
    }
    if (!poll_.interrupted()) Before(head, heap_.state_.linkb[order], before);
  }

  void Before(VirtAddr at, VirtAddr linkb, VirtAddr expected) {
    if (linkb == expected) return;
    Add("D4", at, absl::StrFormat("the linkb of %#010x is %#010x; expected %#010x", at.raw(), linkb.raw(), expected.raw()));
  }

  const BuddyHeap& heap_;
  InterruptPoll poll_;
  std::vector<Violation> found_;
  std::vector<FreeBlock> free_;  // in address order
  bool broken_ = false;
};

std::vector<Violation> BuddyHeap::CheckInvariants(const Interrupt& interrupt) const { return Check(*this, interrupt).Run(); }

absl::Status BuddyHeap::Reserve(AddressSpace& space, Kind kind, std::uint32_t arena_bytes) {
  if (absl::Status status = ReserveArena(space, arena_bytes, kArenaBytesMin); !status.ok()) return status;
  const auto pages = 2 * static_cast<std::uint32_t>(PiecesOf(kind, arena_bytes).size());
  if (space.CanBringPages(pages)) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrFormat("no page frames left for the heap's first words, in up to %d pages: give the machine more RAM", pages));
}

HeapAllocatorInfo BuddyHeapInfo() {
  return {.name = "buddy-heap",
          .title = "Buddy system",
          .description =
              "Blocks are split into two buddies, binary or Fibonacci, down to the size that fits; a free joins buddies.",
          .source =
              "Knowlton, CACM 8(10), 1965; Knuth, TAOCP 1, 2.5; Hirschberg, CACM 16(10), 1973; Cranston and Thomas, CACM "
              "18(6), 1975",
          .declaration = &kDeclaration,
          .parameters = {ArenaParameter(64u << 20),
                         WordParameter("heap.buddy", "how a block is split: in halves, or as Fibonacci numbers are sums",
                                       {"binary", "fibonacci"})},
          .make = [](const HeapServices& machine, bool guarded,
                     const ParameterValues& values) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
            const auto kind =
                WordValue(values, "heap.buddy") == "binary" ? BuddyHeap::Kind::kBinary : BuddyHeap::Kind::kFibonacci;
            const std::uint32_t arena = NumberValue(values, "heap.arena_bytes");
            if (absl::Status status = BuddyHeap::Reserve(machine.space, kind, arena); !status.ok()) return status;
            return std::make_unique<HeapGuard>(std::make_unique<BuddyHeap>(machine.space, kind, arena),
                                               guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded,
                                               BuddyHeap::EdgePages(BuddyHeap::PiecesOf(kind, arena)));
          }};
}

}  // namespace alloclab

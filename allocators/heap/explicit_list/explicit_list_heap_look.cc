// What an explicit list's heap shows of itself, and its entry in the catalogue.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/heap/explicit_list/explicit_list_heap.h"
#include "allocators/heap/heap_guard.h"
#include "allocators/heap/heap_range.h"

namespace alloclab {
namespace {

constexpr FigureInfo kFigures[] = {
    {"rover", "the free block with which the next search begins; 0: the first of the list", FigureInfo::Unit::kAddress},
};
constexpr Declaration kDeclaration{
    .counters = kExplicitListCounters,
    .figures = kFigures,
    .block_fields = kExplicitListFields,
    .alignment = 8,
    .request_max = kExplicitListRequestMax,
};

}  // namespace

absl::Status ExplicitListHeap::Reserve(AddressSpace& space, std::uint32_t limit_bytes) {
  if (limit_bytes < kLimitBytesMin) {
    return absl::InvalidArgumentError(
        absl::StrFormat("heap.limit_bytes: %d; expected at least %d bytes", limit_bytes, kLimitBytesMin));
  }
  if (absl::Status status = ReserveHeapRange(space, "heap.limit_bytes", limit_bytes); !status.ok()) return status;
  if (space.CanBringPages(1)) return absl::OkStatus();
  return absl::ResourceExhaustedError("no page frame left for the heap's first page: give the machine more RAM");
}

const Declaration& ExplicitListHeap::declaration() const { return kDeclaration; }

std::optional<BrokenWalk> ExplicitListHeap::VisitBlocks(BlockCursor from, const BlockVisitor& visit) const {
  const VirtAddr wanted(from.address), end = brk() - kTag;
  const auto show = [&](const Block& block) { return block.address + block.bytes <= wanted.raw() || visit(block); };
  VirtAddr at = from.exact ? wanted : start();
  if (at == start()) {
    if (!show({.address = at.raw(), .bytes = kPrologueBytes, .kind = BlockKind::kMetadata})) return std::nullopt;
    at = at + kPrologueBytes;
  }
  while (at < end) {
    const std::optional<std::uint32_t> tag = space_.Peek(at);
    if (!tag) return BrokenWalk{at.raw(), absl::StrFormat("the tag at %#010x is not mapped", at.raw())};
    const std::uint32_t bytes = *tag & ~7u;
    if (bytes < kSizeMin || (*tag & 6) != 0 || bytes > end - at) {
      return BrokenWalk{at.raw(), absl::StrFormat("the tag at %#010x is %#x; expected a multiple of 8 from %d to %d, and bit 0",
                                                  at.raw(), *tag, kSizeMin, end - at)};
    }
    const VirtAddr block = at + kTag;
    const bool live = (*tag & kLive) != 0;
    if (!show({.address = at.raw(),
               .bytes = bytes,
               .kind = live ? BlockKind::kLive : BlockKind::kFree,
               .payload = live ? block.raw() : 0,
               .fields = {*tag, live ? 0 : PeekWord(block + kNext), live ? 0 : PeekWord(block + kPrev),
                          PeekWord(at + (bytes - kTag))}})) {
      return std::nullopt;
    }
    at = at + bytes;
  }
  if (at < brk()) show({.address = at.raw(), .bytes = brk() - at, .kind = BlockKind::kMetadata});
  return std::nullopt;
}

void ExplicitListHeap::VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt) const {
  InterruptPoll poll(interrupt);
  VisitBlocks({}, [&](const Block& block) {
    if (block.kind == BlockKind::kMetadata) return true;
    visit(block.fields[0]);
    visit(block.fields[3]);
    if (block.kind == BlockKind::kFree) visit(block.fields[1]), visit(block.fields[2]);
    return !poll.Step();
  });
  visit(PeekWord(brk() - kTag));
  for (std::uint32_t list = 0; list < lists(); ++list) visit(state_.heads[list].raw()), visit(state_.tails[list].raw());
  visit(state_.rover.raw());
}

// One check of all invariants.
class ExplicitListHeap::Check {
 public:
  Check(const ExplicitListHeap& heap, const Interrupt& interrupt) : heap_(heap), poll_(interrupt) {}

  std::vector<Violation> Run() {
    Ends();
    if (!Blocks() || poll_.interrupted()) return std::move(found_);
    for (std::uint32_t list = 0; list < heap_.lists(); ++list) Members(list);
    if (poll_.interrupted()) return std::move(found_);
    for (const FreeBlock& block : free_) {
      if (!block.listed) Add("E4", block.address, absl::StrFormat("block %#010x is free and in no list", block.address.raw()));
    }
    const VirtAddr rover = heap_.state_.rover;
    if (!rover.is_null() && Find(rover) == nullptr) {
      Add("E5", rover, absl::StrFormat("the rover is at %#010x, which is no free block", rover.raw()));
    }
    return std::move(found_);
  }

 private:
  struct FreeBlock {
    VirtAddr address;
    std::uint32_t size;
    bool listed = false;
  };

  void Add(const char* invariant, VirtAddr where, std::string what) {
    if (found_.size() < kViolationsMax) found_.push_back({invariant, where.raw(), std::move(what)});
  }

  void Ends() {
    const auto expect = [&](VirtAddr at, std::uint32_t word) {
      const std::uint32_t is = heap_.PeekWord(at);
      if (is != word) Add("E1", at, absl::StrFormat("the word at %#010x is %#x; expected %d", at.raw(), is, word));
    };
    expect(heap_.start() + kTag, 8 | kLive);
    expect(heap_.start() + 2 * kTag, 8 | kLive);
    expect(heap_.brk() - kTag, kLive);
  }

  // Whether they lead to the epilogue.
  bool Blocks() {
    bool before_free = false;
    const std::optional<BrokenWalk> broken = heap_.VisitBlocks({}, [&](const Block& shown) {
      if (shown.kind == BlockKind::kMetadata) return true;
      const VirtAddr block = VirtAddr(shown.address) + kTag;
      if (shown.fields[0] != shown.fields[3]) {
        Add("E2", block,
            absl::StrFormat("block %#010x has the tag %#x in front and %#x at its end", block.raw(), shown.fields[0],
                            shown.fields[3]));
      }
      const bool is_free = shown.kind == BlockKind::kFree;
      if (is_free && before_free)
        Add("E3", block, absl::StrFormat("block %#010x is free and so is the one before", block.raw()));
      if (is_free) free_.push_back({block, static_cast<std::uint32_t>(shown.bytes)});
      before_free = is_free;
      return !poll_.Step();
    });
    if (broken) Add("E1", VirtAddr(broken->address), broken->what);
    return !broken;
  }

  FreeBlock* Find(VirtAddr at) {
    const auto block = std::lower_bound(free_.begin(), free_.end(), at,
                                        [](const FreeBlock& free, VirtAddr address) { return free.address < address; });
    return block == free_.end() || block->address != at ? nullptr : &*block;
  }

  // Of a list, up to the first that cannot be of it.
  void Members(std::uint32_t list) {
    VirtAddr before;
    for (VirtAddr at = heap_.head(list); !at.is_null() && !poll_.Step(); at = VirtAddr(heap_.PeekWord(at + kNext))) {
      FreeBlock* const block = Find(at);
      if (block == nullptr || block->listed || heap_.ListOf(block->size) != list) {
        Add("E4", at,
            absl::StrFormat("list %d has %#010x, which is no free block of its sizes or was in a list before", list, at.raw()));
        return;
      }
      block->listed = true;
      if (const std::uint32_t prev = heap_.PeekWord(at + kPrev); prev != before.raw()) {
        Add("E4", at, absl::StrFormat("the prev of %#010x is %#010x; expected %#010x", at.raw(), prev, before.raw()));
      }
      if (heap_.order_ == Order::kAddress && at < before) {
        Add("E4", at, absl::StrFormat("list %d has %#010x behind %#010x", list, at.raw(), before.raw()));
      }
      before = at;
    }
    const VirtAddr tail = heap_.state_.tails[list];
    if (!poll_.interrupted() && tail != before) {
      Add("E4", tail, absl::StrFormat("the tail of list %d is %#010x; expected %#010x", list, tail.raw(), before.raw()));
    }
  }

  const ExplicitListHeap& heap_;
  InterruptPoll poll_;
  std::vector<Violation> found_;
  std::vector<FreeBlock> free_;  // in address order
};

std::vector<Violation> ExplicitListHeap::CheckInvariants(const Interrupt& interrupt) const {
  return Check(*this, interrupt).Run();
}

ParameterInfo ListOrderParameter() {
  return WordParameter("heap.order", "where a free block goes in its list: to the front, to the end, or by address",
                       {"lifo", "fifo", "address"});
}

ExplicitListHeap::Order ListOrderValue(const ParameterValues& values) {
  const std::string& order = WordValue(values, "heap.order");
  if (order == "lifo") return ExplicitListHeap::Order::kLifo;
  return order == "fifo" ? ExplicitListHeap::Order::kFifo : ExplicitListHeap::Order::kAddress;
}

HeapAllocatorInfo ExplicitListHeapInfo() {
  return {
      .name = "explicit-list",
      .title = "Explicit free list",
      .description =
          "Boundary tags and a doubly linked list of free blocks, in one of three orders, searched in one of four ways; "
          "frees merge at once with both neighbours.",
      .source =
          "Wilson, Johnstone, Neely and Boles, Dynamic Storage Allocation, IWMM 1995; Bryant and O'Hallaron, Computer "
          "Systems: A Programmer's Perspective, 9.9",
      .declaration = &kDeclaration,
      .parameters = {LimitParameter(), ListOrderParameter(),
                     WordParameter("heap.fit", "which free block a request gets", {"first", "next", "best", "worst"})},
      .make = [](const HeapServices& machine, bool guarded,
                 const ParameterValues& values) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
        using Fit = ExplicitListHeap::Fit;
        const std::uint32_t limit = NumberValue(values, "heap.limit_bytes");
        if (absl::Status status = ExplicitListHeap::Reserve(machine.space, limit); !status.ok()) return status;
        const std::string& word = WordValue(values, "heap.fit");
        const Fit fit = word == "first" ? Fit::kFirst : word == "next" ? Fit::kNext : word == "best" ? Fit::kBest : Fit::kWorst;
        return std::make_unique<HeapGuard>(
            std::make_unique<ExplicitListHeap>(machine.space, limit, ListOrderValue(values), fit),
            guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
      }};
}

}  // namespace alloclab

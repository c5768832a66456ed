// What a TLSF heap shows of itself, and its entry in the catalogue.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/heap/heap_guard.h"
#include "allocators/heap/heap_range.h"
#include "allocators/heap/tlsf/tlsf_heap.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kBlockBytesMin = 16;

constexpr FigureInfo kFigures[] = {
    {"fl_bitmap", "which rows of lists have free blocks, a bit each", FigureInfo::Unit::kWord},
};
constexpr FieldInfo kFields[] = {
    {"prev_phys", "of a block behind a free one: that one's address", FigureInfo::Unit::kAddress},
    {"size", "bytes of the payload; bit 0: free, bit 1: the block before is free", FigureInfo::Unit::kWord},
    {"next_free", "of a free block: the next one of its list; the heap's start: none", FigureInfo::Unit::kAddress},
    {"prev_free", "of a free block: the one before in its list; the heap's start: none", FigureInfo::Unit::kAddress},
};
constexpr Declaration kDeclaration{
    .counters = kTlsfCounters,
    .figures = kFigures,
    .block_fields = kFields,
    .alignment = 4,
    .request_max = (1u << 30) - 4,  // no block is larger
};

}  // namespace

const Declaration& TlsfHeap::declaration() const { return kDeclaration; }

std::vector<std::uint64_t> TlsfHeap::FigureValues() const { return {PeekWord(FirstLevel())}; }

std::optional<BrokenWalk> TlsfHeap::VisitBlocks(BlockCursor from, const BlockVisitor& visit) const {
  const VirtAddr wanted(from.address), end = sentinel_ + kSize;
  const auto show = [&](const Block& block) { return block.address + block.bytes <= wanted.raw() || visit(block); };
  VirtAddr at = from.exact ? wanted : start();
  if (at == start()) {
    if (!show({.address = at.raw(), .bytes = kControlBytes, .kind = BlockKind::kMetadata})) return std::nullopt;
    at = pool_;
  }
  while (at < end) {
    const std::optional<std::uint32_t> size = space_.Peek(at);
    if (!size) return BrokenWalk{at.raw(), absl::StrFormat("the size word at %#010x is not mapped", at.raw())};
    const std::uint32_t bytes = (*size & ~kFlags) + kWordBytes;
    if (bytes < kBlockBytesMin || bytes > end - at) {
      return BrokenWalk{at.raw(), absl::StrFormat("the size word at %#010x is %#x; expected from %d to %d bytes and two flags",
                                                  at.raw(), *size, kBlockBytesMin - kWordBytes, end - at - kWordBytes)};
    }
    const VirtAddr block = at - kSize;
    const bool is_free = (*size & kFree) != 0;
    if (!show({.address = at.raw(),
               .bytes = bytes,
               .kind = is_free ? BlockKind::kFree : BlockKind::kLive,
               .payload = is_free ? 0 : (block + kPayload).raw(),
               .fields = {(*size & kPrevIsFree) != 0 ? PeekWord(block) : 0, *size, is_free ? PeekWord(block + kNextFree) : 0,
                          is_free ? PeekWord(block + kPrevFree) : 0}})) {
      return std::nullopt;
    }
    at = at + bytes;
  }
  if (at < brk()) show({.address = at.raw(), .bytes = brk() - at, .kind = BlockKind::kMetadata});
  return std::nullopt;
}

void TlsfHeap::VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt) const {
  for (VirtAddr word = start(); word < pool_; word = word + kWordBytes) visit(PeekWord(word));
  const auto visit_block = [&](std::uint32_t prev_phys, std::uint32_t size) {
    if ((size & kPrevIsFree) != 0) visit(prev_phys);
    visit(size);
  };
  InterruptPoll poll(interrupt);
  VisitBlocks({}, [&](const Block& block) {
    if (block.kind == BlockKind::kMetadata) return true;
    visit_block(block.fields[0], block.fields[1]);
    if (block.kind == BlockKind::kFree) visit(block.fields[2]), visit(block.fields[3]);
    return !poll.Step();
  });
  visit_block(PeekWord(sentinel_), PeekWord(sentinel_ + kSize));
}

// One check of all invariants.
class TlsfHeap::Check {
 public:
  Check(const TlsfHeap& heap, const Interrupt& interrupt) : heap_(heap), poll_(interrupt) {}

  std::vector<Violation> Run() {
    if (!Blocks() || poll_.interrupted()) return std::move(found_);
    for (std::uint32_t row = 0; row < kRows && !poll_.interrupted(); ++row) Row(row);
    if (poll_.interrupted()) return std::move(found_);
    for (const FreeBlock& block : free_) {
      if (!block.listed) Add("T4", block.address, absl::StrFormat("block %#010x is free and in no list", block.address.raw()));
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

  // Whether they lead to the sentinel.
  bool Blocks() {
    std::optional<VirtAddr> before_free;
    const std::optional<BrokenWalk> broken = heap_.VisitBlocks({}, [&](const Block& shown) {
      if (shown.kind == BlockKind::kMetadata) return true;
      const VirtAddr block = VirtAddr(shown.address) - kSize;
      FlagOf(block, shown.fields[1], before_free);
      if (shown.kind == BlockKind::kFree) {
        if (before_free) Add("T2", block, absl::StrFormat("block %#010x is free and so is the one before", block.raw()));
        free_.push_back({block, shown.fields[1] & ~kFlags});
        before_free = block;
      } else {
        before_free.reset();
      }
      return !poll_.Step();
    });
    if (broken) {
      Add("T1", VirtAddr(broken->address), broken->what);
    } else if (!poll_.interrupted()) {
      const std::uint32_t size = heap_.PeekWord(heap_.sentinel_ + kSize);
      if ((size & ~kPrevIsFree) != 0) {
        Add("T1", heap_.sentinel_, absl::StrFormat("the sentinel's size is %#x; expected 0 or %d", size, kPrevIsFree));
      }
      FlagOf(heap_.sentinel_, size, before_free);
    }
    return !broken;
  }

  void FlagOf(VirtAddr block, std::uint32_t size, std::optional<VirtAddr> before_free) {
    const bool flag = (size & kPrevIsFree) != 0;
    if (flag != before_free.has_value()) {
      Add("T3", block, absl::StrFormat("block %#010x says that the one before is %s", block.raw(), flag ? "free" : "used"));
    } else if (flag && heap_.PeekWord(block) != before_free->raw()) {
      Add("T3", block,
          absl::StrFormat("the free block %#010x is in front of %#010x, whose prev_phys is %#010x", before_free->raw(),
                          block.raw(), heap_.PeekWord(block)));
    }
  }

  void Row(std::uint32_t row) {
    const std::uint32_t columns = heap_.PeekWord(heap_.SecondLevel(row));
    for (std::uint32_t column = 0; column < kColumns; ++column) {
      const VirtAddr head = heap_.HeadOf({row, column});
      if ((heap_.PeekWord(head) != heap_.null_block().raw()) != ((columns >> column & 1) != 0)) {
        Add("T5", heap_.SecondLevel(row),
            absl::StrFormat("bit %d of the bitmap %#010x of row %d: the head of that list is %#010x", column, columns, row,
                            heap_.PeekWord(head)));
      }
      Members({row, column});
    }
    const std::uint32_t rows = heap_.PeekWord(heap_.FirstLevel());
    if ((columns != 0) != ((rows >> row & 1) != 0)) {
      Add("T5", heap_.FirstLevel(),
          absl::StrFormat("bit %d of the bitmap %#010x of rows: that row's own is %#010x", row, rows, columns));
    }
  }

  // Of a list, up to the first that cannot be of it.
  void Members(List list) {
    VirtAddr before = heap_.null_block();
    for (VirtAddr at(heap_.PeekWord(heap_.HeadOf(list))); at != heap_.null_block() && !poll_.Step();) {
      const auto block = std::lower_bound(free_.begin(), free_.end(), at,
                                          [](const FreeBlock& free, VirtAddr address) { return free.address < address; });
      if (block == free_.end() || block->address != at || block->listed || ListOf(block->size) != list) {
        Add("T4", at,
            absl::StrFormat("list %d of row %d has %#010x, which is no free block of its sizes or was in a list before",
                            list.column, list.row, at.raw()));
        return;
      }
      block->listed = true;
      if (heap_.PeekWord(at + kPrevFree) != before.raw()) {
        Add("T4", at,
            absl::StrFormat("the prev_free of %#010x is %#010x; expected %#010x", at.raw(), heap_.PeekWord(at + kPrevFree),
                            before.raw()));
      }
      before = at;
      at = VirtAddr(heap_.PeekWord(at + kNextFree));
    }
  }

  const TlsfHeap& heap_;
  InterruptPoll poll_;
  std::vector<Violation> found_;
  std::vector<FreeBlock> free_;  // in address order
};

std::vector<Violation> TlsfHeap::CheckInvariants(const Interrupt& interrupt) const { return Check(*this, interrupt).Run(); }

HeapAllocatorInfo TlsfHeapInfo() {
  return {.name = "tlsf",
          .title = "TLSF",
          .description =
              "Two-level segregated fit: lists of free blocks by size class, found by two bitmaps in constant time; frees "
              "merge at once with both neighbours.",
          .source = "Masmano, Ripoll, Crespo and Real, TLSF, ECRTS 2004; mattconte/tlsf 3.1",
          .declaration = &kDeclaration,
          .parameters = {ArenaParameter(64u << 20)},
          .make = [](const HeapServices& machine, bool guarded,
                     const ParameterValues& values) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
            const std::uint32_t arena = NumberValue(values, "heap.arena_bytes");
            if (absl::Status status = ReserveArena(machine.space, arena, TlsfHeap::kArenaBytesMin); !status.ok()) return status;
            return std::make_unique<HeapGuard>(std::make_unique<TlsfHeap>(machine.space, arena),
                                               guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
          }};
}

}  // namespace alloclab

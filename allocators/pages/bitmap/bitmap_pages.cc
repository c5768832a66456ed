#include "allocators/pages/bitmap/bitmap_pages.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/machine/machine_stop.h"
#include "allocators/pages/arena_placement.h"

namespace alloclab {
namespace {

constexpr std::uint8_t kJunk = 0xCC;
constexpr std::uint32_t kWordBits = 32;

constexpr FigureInfo kFigures[] = {
    {"scan_start", "number of the page at which the next search begins"},
};
constexpr FieldInfo kFields[] = {
    {"bit", "number of the first page in the bitmap"},
};
constexpr Declaration kDeclaration{
    .counters = kBitmapPagesCounters, .figures = kFigures, .block_fields = kFields, .alignment = kPageBytes};

constexpr std::uint64_t RoundUp(std::uint64_t bytes) { return (bytes + kPageBytes - 1) & ~std::uint64_t{kPageBytes - 1}; }
constexpr std::uint32_t PagesOf(std::uint32_t bytes) { return bytes / kPageBytes + (bytes % kPageBytes != 0 ? 1 : 0); }

}  // namespace

BitmapPages::BitmapPages(PhysicalMemory& memory, PhysAddr bits, const Arena& arena, BitmapFit fit)
    : PageAllocator(arena), memory_(memory), bits_(bits), fit_(fit) {
  ALLOCLAB_CHECK_GT(arena.bytes, 0u);
  ALLOCLAB_CHECK_LE(std::uint64_t{bits.raw()} + (pages() + 7) / 8, arena.first.raw());
  ALLOCLAB_CHECK_LE(arena.end(), memory.size_bytes());
}

const Declaration& BitmapPages::declaration() const { return kDeclaration; }

// palloc_get_multiple
PageResult BitmapPages::Allocate(std::uint32_t bytes) {
  const std::uint32_t count = PagesOf(bytes);
  if (count == 0) return {Outcome::kOutOfMemory, {}};
  PhysicalWordView words(memory_, costs_);
  const std::optional<std::uint32_t> first = Search(words, count);
  if (!first) return {HoldsPages(count) ? Outcome::kFragmented : Outcome::kOutOfMemory, {}};
  Set(words, *first, count, true);
  if (fit_ == BitmapFit::kNext) state_.next = (*first + count) % pages();
  return {Outcome::kOk, arena_.first + (*first << kPageShift)};
}

std::optional<std::uint32_t> BitmapPages::Search(PhysicalWordView& words, std::uint32_t count) {
  if (count > pages()) return std::nullopt;
  const std::uint32_t end = pages() - count + 1, start = std::min(state_.next, end);
  if (const auto found = Scan(words, start, end, count)) return found;
  if (start == 0) return std::nullopt;
  const auto found = Scan(words, 0, start, count);
  if (found) ++state_.counters.Of<"wraps">();
  return found;
}

// bitmap_scan, bitmap_contains
std::optional<std::uint32_t> BitmapPages::Scan(PhysicalWordView& words, std::uint32_t first, std::uint32_t end,
                                               std::uint32_t count) {
  for (std::uint32_t page = first; page < end; ++page) {
    ++costs_.search_steps;
    std::uint32_t free = 0;
    while (free < count && !Test(words, page + free)) ++free;
    if (free == count) return page;
  }
  return std::nullopt;
}

void BitmapPages::Set(PhysicalWordView& words, std::uint32_t first, std::uint32_t count, bool taken) const {
  for (std::uint32_t page = first; page < first + count; ++page) {
    const std::uint32_t word = words.Load(WordOf(page)), bit = 1u << page % kWordBits;
    words.Store(WordOf(page), taken ? word | bit : word & ~bit);
  }
}

// palloc_free_multiple
PageResult BitmapPages::Free(PhysAddr first, std::uint32_t bytes) {
  if (first.offset() != 0) throw MachineStop{Outcome::kAssertionFailed};
  const std::uint32_t count = PagesOf(bytes);
  if (first.is_null() || count == 0) return {};
  if (!arena_.Contains(first, kPageBytes)) throw MachineStop{Outcome::kPanic};
  const std::uint32_t page = (first - arena_.first) >> kPageShift;
  const std::uint32_t in_ram = std::min(count, memory_.frame_count() - first.page());
  ALLOCLAB_CHECK(memory_.FillFrames(FrameOf(first), in_ram, kJunk));
  state_.counters.Of<"filled_bytes">() += std::uint64_t{in_ram} << kPageShift;
  if (in_ram < count) throw MachineStop{Outcome::kMachineFault, static_cast<std::uint32_t>(memory_.size_bytes())};
  if (count > pages() - page) throw MachineStop{Outcome::kAssertionFailed};
  PhysicalWordView words(memory_, costs_);
  for (std::uint32_t i = page; i < page + count; ++i) {
    if (!Test(words, i)) throw MachineStop{Outcome::kAssertionFailed};
  }
  Set(words, page, count, false);
  return {};
}

std::uint32_t BitmapPages::Find(std::uint32_t page, bool taken) const {
  while (page < pages()) {
    const std::uint32_t word = memory_.LoadU32(WordOf(page)).value_or(0);
    const std::uint32_t wanted = (taken ? word : ~word) >> page % kWordBits;
    if (wanted != 0) return std::min(page + static_cast<std::uint32_t>(std::countr_zero(wanted)), pages());
    page = (page / kWordBits + 1) * kWordBits;
  }
  return pages();
}

bool BitmapPages::HoldsPages(std::uint32_t count) const {
  std::uint32_t found = 0;
  for (std::uint32_t page = 0; found < count && (page = Find(page, false)) < pages();) {
    const std::uint32_t end = Find(page, true);
    found += end - page;
    page = end;
  }
  return found >= count;
}

std::optional<BrokenWalk> BitmapPages::VisitBlocks(BlockCursor from, const BlockVisitor& visit) const {
  for (std::uint32_t page = 0; (page = Find(page, false)) < pages();) {
    const std::uint32_t end = Find(page, true);
    const Block block{.address = (arena_.first + (page << kPageShift)).raw(),
                      .bytes = std::uint64_t{end - page} << kPageShift,
                      .kind = BlockKind::kFree,
                      .fields = {page}};
    if (block.address + block.bytes > from.address && !visit(block)) break;
    page = end;
  }
  return std::nullopt;
}

void BitmapPages::VisitMetadata(const std::function<void(std::uint32_t word)>& visit) const {
  for (std::uint32_t page = 0; page < pages(); page += kWordBits) visit(memory_.LoadU32(WordOf(page)).value_or(0));
}

std::vector<Violation> BitmapPages::CheckInvariants(const Interrupt& /*interrupt*/) const {
  if (pages() % kWordBits == 0) return {};
  const std::uint32_t behind = memory_.LoadU32(WordOf(pages())).value_or(0) >> pages() % kWordBits;
  if (behind == 0) return {};
  return {{"M1", WordOf(pages()).raw(), absl::StrFormat("the bits behind that of the last page are %#x, expected 0", behind)}};
}

absl::StatusOr<std::unique_ptr<PageGuard>> MakeBitmapPages(PhysicalMemory& memory, const BitmapPagesOptions& options) {
  const std::uint64_t bits = RoundUp(options.kernel_end), first = bits + RoundUp(memory.frame_count() / 8 + 1);
  const absl::StatusOr<Arena> arena = PlaceArena(memory, options.kernel_end, first, options.arena_pages);
  if (!arena.ok()) return arena.status();
  return std::make_unique<PageGuard>(
      std::make_unique<BitmapPages>(memory, PhysAddr(static_cast<std::uint32_t>(bits)), *arena, options.fit),
      options.guarded ? PageGuard::Mode::kGuarded : PageGuard::Mode::kUnguarded);
}

PageAllocatorInfo BitmapPagesInfo() {
  return {.name = "bitmap-pages",
          .title = "Bitmap of pages",
          .description =
              "One bit a page, searched from the first page on, or from behind the pages given last. It ran in Pintos, the "
              "teaching kernel of many courses. Good at: little metadata, apart from the pages; parts of blocks can be freed, "
              "double frees are seen. Bad at: long searches, which look at each taken page again for every request.",
          .source = "Pintos (Stanford), threads/palloc.c and lib/kernel/bitmap.c; Pfaff, Romano and Back, SIGCSE 2009",
          .declaration = &kDeclaration,
          .parameters = {WordParameter("pages.fit", "where a search begins: at the first page, or behind the pages given last",
                                       {"first", "next"}),
                         QuantityParameter("pages.kernel_end",
                                           "address where the kernel ends; the bitmap lies at the next page border, the arena "
                                           "behind it",
                                           "a physical address", kPageBytes),
                         ArenaPagesParameter()},
          .make = [](PhysicalMemory& memory, bool guarded, const ParameterValues& values) {
            return MakeBitmapPages(memory,
                                   {.guarded = guarded,
                                    .fit = WordValue(values, "pages.fit") == "next" ? BitmapFit::kNext : BitmapFit::kFirst,
                                    .kernel_end = NumberValue(values, "pages.kernel_end"),
                                    .arena_pages = NumberValue(values, "pages.arena_pages")});
          }};
}

}  // namespace alloclab

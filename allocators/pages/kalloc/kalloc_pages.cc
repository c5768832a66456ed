#include "allocators/pages/kalloc/kalloc_pages.h"

#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/machine/loop_watch.h"
#include "allocators/machine/machine_stop.h"
#include "allocators/machine/word_view.h"
#include "allocators/pages/arena_placement.h"

namespace alloclab {
namespace {

constexpr std::uint8_t kJunk = 0x01;

constexpr FigureInfo kFigures[] = {
    {"free_list", "the page that the next allocation gives; 0: none is free", FigureInfo::Unit::kAddress},
};
constexpr FieldInfo kFields[] = {
    {"next", "address of the next free page, 0 at the end", FigureInfo::Unit::kAddress},
};
constexpr Declaration kDeclaration{
    .counters = kKallocCounters, .figures = kFigures, .block_fields = kFields, .alignment = kPageBytes};

std::string NoPage(PhysAddr page) { return absl::StrFormat("the list has %#010x, which is no page of the arena", page.raw()); }

}  // namespace

KallocPages::KallocPages(PhysicalMemory& memory, const Arena& arena) : PageAllocator(arena), memory_(memory) {
  ALLOCLAB_CHECK_GT(arena.first.raw(), 0u);
  ALLOCLAB_CHECK_GT(arena.bytes, 0u);
  bool in_ram = memory_.FillFrames(FrameOf(arena.first), arena.bytes >> kPageShift, kJunk);
  for (std::uint64_t page = arena.first.raw(); page < arena.end(); page += kPageBytes) {
    const PhysAddr freed(static_cast<std::uint32_t>(page));
    in_ram = in_ram && memory_.StoreU32(freed, state_.head.raw());
    state_.head = freed;
  }
  ALLOCLAB_CHECK(in_ram);
}

const Declaration& KallocPages::declaration() const { return kDeclaration; }

// kalloc
PageResult KallocPages::Allocate(std::uint32_t bytes) {
  if (bytes > kPageBytes) {
    return {HoldsPages((bytes - 1) / kPageBytes + 1) ? Outcome::kFragmented : Outcome::kOutOfMemory, PhysAddr{}};
  }
  const PhysAddr page = state_.head;
  if (page.is_null()) return {Outcome::kOutOfMemory, PhysAddr{}};
  state_.head = PhysAddr(PhysicalWordView(memory_, costs_).Load(page));
  return {Outcome::kOk, page};
}

PageResult KallocPages::Free(PhysAddr first, std::uint32_t bytes) {
  FreePage(first);
  for (; bytes > kPageBytes; bytes -= kPageBytes) FreePage(first = first + kPageBytes);
  return {};
}

// kfree
void KallocPages::FreePage(PhysAddr page) {
  if (!IsPage(page)) throw MachineStop{Outcome::kPanic};
  ALLOCLAB_CHECK(memory_.FillFrames(FrameOf(page), 1, kJunk));
  state_.counters.Of<"filled_bytes">() += kPageBytes;
  PhysicalWordView(memory_, costs_).Store(page, state_.head.raw());
  state_.head = page;
}

// Of a list that runs in a circle any number: it is handed out for ever.
bool KallocPages::HoldsPages(std::uint32_t count) const {
  PhysAddr page = state_.head;
  for (; count > 0; --count) {
    const std::optional<std::uint32_t> next = page.is_null() ? std::nullopt : memory_.LoadU32(page);
    if (!next) return false;
    page = PhysAddr(*next);
  }
  return true;
}

std::optional<BrokenWalk> KallocPages::Walk(PhysAddr page,
                                            const std::function<bool(PhysAddr page, PhysAddr next)>& visit) const {
  LoopWatch<PhysAddr> watch;
  while (!page.is_null()) {
    if (watch.Revisits(page)) {
      return BrokenWalk{page.raw(), absl::StrFormat("the list leads to %#010x again: it does not end", page.raw())};
    }
    const std::optional<std::uint32_t> next = memory_.LoadU32(page);
    if (!next) return BrokenWalk{page.raw(), absl::StrFormat("the list leads to %#010x, which is outside RAM", page.raw())};
    if (!visit(page, PhysAddr(*next))) return std::nullopt;
    page = PhysAddr(*next);
  }
  return std::nullopt;
}

PageShape KallocPages::Shape() const {
  PageShape shape{.arena = arena()};
  std::optional<BrokenWalk> stray;
  shape.broken = Walk(state_.head, [&](PhysAddr page, PhysAddr) {
    if (!IsPage(page)) stray = BrokenWalk{page.raw(), NoPage(page)};
    ++shape.free_blocks;
    return !stray;
  });
  if (stray) shape.broken = std::move(stray);
  shape.free_bytes = std::uint64_t{shape.free_blocks} * kPageBytes;
  shape.largest_free_bytes = shape.free_blocks == 0 ? 0 : kPageBytes;
  return shape;
}

std::optional<BrokenWalk> KallocPages::VisitBlocks(BlockCursor from, const BlockVisitor& visit) const {
  bool reached = from.exact;
  return Walk(from.exact ? PhysAddr(from.address) : state_.head, [&](PhysAddr page, PhysAddr next) {
    reached = reached || page.raw() + std::uint64_t{kPageBytes} > from.address;
    return !reached || visit({.address = page.raw(), .bytes = kPageBytes, .kind = BlockKind::kFree, .fields = {next.raw()}});
  });
}

void KallocPages::VisitMetadata(const std::function<void(std::uint32_t word)>& visit) const {
  Walk(state_.head, [&visit](PhysAddr page, PhysAddr) {
    visit(page.raw());
    return true;
  });
}

std::vector<Violation> KallocPages::CheckInvariants(const Interrupt& interrupt) const {
  std::vector<Violation> found;
  InterruptPoll poll(interrupt);
  const std::optional<BrokenWalk> broken = Walk(state_.head, [&](PhysAddr page, PhysAddr) {
    if (!IsPage(page)) found.push_back({"X1", page.raw(), NoPage(page)});
    return found.size() < kViolationsMax && !poll.Step();
  });
  if (broken) found.push_back({"X2", broken->address, broken->what});
  return found;
}

absl::StatusOr<std::unique_ptr<PageGuard>> MakeKalloc(PhysicalMemory& memory, const KallocOptions& options) {
  const std::uint64_t first = (std::uint64_t{options.kernel_end} + (kPageBytes - 1)) & ~std::uint64_t{kPageBytes - 1};
  if (first == 0) return absl::InvalidArgumentError("kernel_end 0x0: expected an address above 0, which is no page's");
  const absl::StatusOr<Arena> arena = PlaceArena(memory, options.kernel_end, first, options.arena_pages);
  if (!arena.ok()) return arena.status();
  return std::make_unique<PageGuard>(std::make_unique<KallocPages>(memory, *arena),
                                     options.guarded ? PageGuard::Mode::kGuarded : PageGuard::Mode::kUnguarded);
}

PageAllocatorInfo KallocInfo() {
  return {.name = "xv6-kalloc",
          .title = "xv6 kalloc",
          .description =
              "A stack of single pages linked in the free pages themselves; frees fill with 0x01 and put the page on top.",
          .source = "xv6 (MIT), kalloc.c of 2020",
          .declaration = &kDeclaration,
          .parameters = {QuantityParameter("pages.kernel_end",
                                           "address where the kernel ends; the arena starts there or at the next page border",
                                           "a physical address above 0", kPageBytes),
                         ArenaPagesParameter()},
          .make = [](PhysicalMemory& memory, bool guarded, const ParameterValues& values) {
            return MakeKalloc(memory, {.guarded = guarded,
                                       .kernel_end = NumberValue(values, "pages.kernel_end"),
                                       .arena_pages = NumberValue(values, "pages.arena_pages")});
          }};
}

}  // namespace alloclab

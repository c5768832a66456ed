#include "allocators/pages/runs/page_runs.h"

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/pages/runs/indexed_page_runs.h"
#include "allocators/pages/runs/literal_page_runs.h"
#include "allocators/pages/runs/run_list.h"

namespace alloclab {
namespace {

constexpr std::uint64_t kUnguardedBytesEnd = 1ull << 31;  // the original's lengths are signed

absl::StatusOr<Arena> ArenaIn(const PhysicalMemory& memory, const PageRunsOptions& options) {
  const std::uint64_t first = (std::uint64_t{options.kernel_end} + kPageBytes) & ~std::uint64_t{kPageBytes - 1};
  const std::uint64_t ram = memory.size_bytes();
  if (first >= ram) {
    return absl::InvalidArgumentError(
        absl::StrFormat("kernel_end 0x%x: the arena would start at 0x%x, expected an address inside the RAM of %d bytes",
                        options.kernel_end, first, ram));
  }
  const std::uint64_t bytes = options.arena_pages == 0 ? ram - first : std::uint64_t{options.arena_pages} * kPageBytes;
  if (bytes > ram - first) {
    return absl::InvalidArgumentError(
        absl::StrFormat("arena_pages %d: expected at most the %d pages from 0x%x to the end of RAM", options.arena_pages,
                        (ram - first) / kPageBytes, first));
  }
  return Arena{PhysAddr(static_cast<std::uint32_t>(first)), static_cast<std::uint32_t>(bytes)};
}

}  // namespace

absl::StatusOr<std::unique_ptr<PageGuard>> MakePageRuns(PhysicalMemory& memory, const PageRunsOptions& options) {
  const absl::StatusOr<Arena> arena = ArenaIn(memory, options);
  if (!arena.ok()) return arena.status();
  if (!options.guarded && options.engine != Engine::kLiteral) {
    return absl::InvalidArgumentError("engine indexed: unguarded page runs need the engine literal");
  }
  if (!options.guarded && arena->bytes >= kUnguardedBytesEnd) {
    return absl::InvalidArgumentError(
        absl::StrFormat("arena_pages: an unguarded arena has signed lengths, expected less than %d pages, not %d",
                        kUnguardedBytesEnd / kPageBytes, arena->bytes / kPageBytes));
  }
  if (options.engine == Engine::kIndexed) {
    ALLOCLAB_CHECK(options.fit == RunFit::kFirst);
    return std::make_unique<PageGuard>(std::make_unique<IndexedPageRuns>(memory, *arena), PageGuard::Mode::kTrusted);
  }
  return std::make_unique<PageGuard>(std::make_unique<LiteralPageRuns>(memory, *arena, options.guarded, options.fit),
                                     options.guarded ? PageGuard::Mode::kGuarded : PageGuard::Mode::kUnguarded);
}

PageAllocatorInfo PageRunsInfo() {
  return {
      .name = "page-runs",
      .title = "Page runs",
      .description =
          "First fit over an address-sorted list of free blocks kept in the free pages; requests are carved from a block's "
          "tail, frees fill with 0x01 and merge with both neighbours.",
      .source = "xv6 (MIT), kalloc.c of 2006",
      .declaration = &kPageRunsDeclaration,
      .parameters = {EngineParameter("pages.engine"),
                     QuantityParameter("pages.kernel_end",
                                       "address where the kernel ends; the arena starts at the next page border above it",
                                       "a physical address", 0),
                     QuantityParameter("pages.arena_pages", "pages of the arena; 0 takes all of RAM from its start",
                                       "a number of 4096-byte pages that fits RAM", 0, PhysicalMemory::kBytesMax / kPageBytes)},
      .make = [](PhysicalMemory& memory, bool guarded, const ParameterValues& values) {
        return MakePageRuns(memory, {.engine = EngineValue(values, "pages.engine"),
                                     .guarded = guarded,
                                     .kernel_end = NumberValue(values, "pages.kernel_end"),
                                     .arena_pages = NumberValue(values, "pages.arena_pages")});
      }};
}

}  // namespace alloclab

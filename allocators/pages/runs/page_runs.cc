#include "allocators/pages/runs/page_runs.h"

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/pages/arena_placement.h"
#include "allocators/pages/runs/indexed_page_runs.h"
#include "allocators/pages/runs/literal_page_runs.h"
#include "allocators/pages/runs/run_list.h"

namespace alloclab {
namespace {

constexpr std::uint64_t kUnguardedBytesEnd = 1ull << 31;  // the original's lengths are signed

}  // namespace

absl::StatusOr<std::unique_ptr<PageGuard>> MakePageRuns(PhysicalMemory& memory, const PageRunsOptions& options) {
  const std::uint64_t first = (std::uint64_t{options.kernel_end} + kPageBytes) & ~std::uint64_t{kPageBytes - 1};
  const absl::StatusOr<Arena> arena = PlaceArena(memory, options.kernel_end, first, options.arena_pages);
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
  return {.name = "page-runs",
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
                         ArenaPagesParameter()},
          .make = [](PhysicalMemory& memory, bool guarded, const ParameterValues& values) {
            return MakePageRuns(memory, {.engine = EngineValue(values, "pages.engine"),
                                         .guarded = guarded,
                                         .kernel_end = NumberValue(values, "pages.kernel_end"),
                                         .arena_pages = NumberValue(values, "pages.arena_pages")});
          }};
}

}  // namespace alloclab

// Where a page allocator's arena lies in RAM: behind the kernel, and behind what the allocator keeps apart from its pages.
#ifndef ALLOCLAB_ALLOCATORS_PAGES_ARENA_PLACEMENT_H_
#define ALLOCLAB_ALLOCATORS_PAGES_ARENA_PLACEMENT_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "allocators/common/parameter.h"
#include "allocators/machine/physical_memory.h"
#include "allocators/pages/page_allocator.h"

namespace alloclab {

// From `first`, the address of a page, to the end of RAM, or `arena_pages` pages long where that is not 0. INVALID_ARGUMENT,
// naming `kernel_end`, from which `first` comes, or `arena_pages`, if that is not in RAM.
absl::StatusOr<Arena> PlaceArena(const PhysicalMemory& memory, std::uint32_t kernel_end, std::uint64_t first,
                                 std::uint32_t arena_pages);

// "pages.arena_pages", a number for PlaceArena.
ParameterInfo ArenaPagesParameter();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_ARENA_PLACEMENT_H_

// Implicit heap: the kernel heap of LunaixOS (2022, kernel/mm/kalloc.c and dmm.c). Boundary tags, first fit from the start over
// all chunks, immediate coalescing (Knuth, The Art of Computer Programming, vol. 1, 2.5; the layout with a previous-free bit is
// that of Bryant and O'Hallaron, Computer Systems, 9.9).
//
//   | 4|1 | size|flags ...payload... | size|flags ...free... size|flags | ... | 0|1 |
//   ^start: prologue                  header            footer                 ^brk: epilogue
//
//   header   size of the chunk in bytes, header included, multiple of 4; bit 0: allocated; bit 1: the previous chunk is FREE
//   footer   the header again, in the last word of a free chunk; an allocated chunk has none
//
// Invariants (CheckInvariants):
//   H1 the chunks tile [start, brk) exactly, from the prologue 4|1 to the epilogue 0|1 at brk
//   H2 the footer of every free chunk equals its header's size
//   H3 bit 1 of every header, the epilogue's included, says whether the chunk before is free
//   H4 no two neighbours are free
//   H5 the index (if any) and the counters agree with the words in RAM
#ifndef ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_HEAP_H_
#define ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_HEAP_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "allocators/common/engine.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/machine/address_space.h"

namespace alloclab {

struct ImplicitHeapOptions {
  Engine engine = Engine::kIndexed;
  // Guarded: every invalid use is a distinct outcome and changes nothing. Unguarded: RAM changes as the original changes it.
  bool guarded = true;
  // Unguarded only: the original's debug build checks pointers in free (assert_msg); its release build does not.
  bool assertions = true;
  VirtAddr start{0xC0400000};
  std::uint32_t limit_bytes = 256u << 20;  // the address range reserved for the heap; a multiple of 4 MiB
  std::uint32_t initial_bytes = 4096;      // HEAP_INIT_SIZE
};

// Takes the page tables of the whole range from `space`, touches the first pages, and grows by initial_bytes; the costs of that
// are not counted. INVALID_ARGUMENT: bad options, or the indexed engine unguarded. RESOURCE_EXHAUSTED: RAM too small.
absl::StatusOr<std::unique_ptr<HeapAllocator>> MakeImplicitHeap(AddressSpace& space, const ImplicitHeapOptions& options);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_HEAP_H_

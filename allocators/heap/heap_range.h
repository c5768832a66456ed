// Where heaps lie on the simulated machine: a range of addresses from 0xC0400000 up whose page tables exist before the heap
// does, and the two parameters that say how large it is.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_HEAP_RANGE_H_
#define ALLOCLAB_ALLOCATORS_HEAP_HEAP_RANGE_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "allocators/common/parameter.h"
#include "allocators/heap/heap_allocator_info.h"
#include "allocators/machine/address_space.h"

namespace alloclab {

inline constexpr VirtAddr kHeapStart{0xC0400000};
inline constexpr std::uint32_t kHeapRangeMax = 0xFFC00000 - kHeapStart.raw();  // the last 4 MiB stay free: ends never wrap

// "heap.limit_bytes": how far the break of a heap that grows may go.
ParameterInfo LimitParameter(std::uint32_t default_bytes = 256u << 20);
// "heap.arena_bytes": the memory of a heap that does not grow.
ParameterInfo ArenaParameter(std::uint32_t default_bytes);

// Takes the page tables of the first `bytes` bytes of the range. INVALID_ARGUMENT naming the parameter: 0 or above
// kHeapRangeMax. RESOURCE_EXHAUSTED: no frames for the tables.
absl::Status ReserveHeapRange(AddressSpace& space, const char* parameter, std::uint32_t bytes);
// The same of "heap.arena_bytes", at least `least`, and `behind` bytes more, for a heap that writes to its first and its last
// page when it is made: RESOURCE_EXHAUSTED also if there are no frames for these.
absl::Status ReserveArena(AddressSpace& space, std::uint32_t bytes, std::uint32_t least, std::uint32_t behind = 0);

// Makes, for HeapAllocatorInfo::make, a heap that grows up to "heap.limit_bytes": Heap(space, limit_bytes) inside its guard.
template <class Heap>
absl::StatusOr<std::unique_ptr<HeapGuard>> MakeGrowingHeap(const HeapServices& machine, bool guarded,
                                                           const ParameterValues& values) {
  const std::uint32_t limit = NumberValue(values, "heap.limit_bytes");
  if (absl::Status status = ReserveHeapRange(machine.space, "heap.limit_bytes", limit); !status.ok()) return status;
  return std::make_unique<HeapGuard>(std::make_unique<Heap>(machine.space, limit),
                                     guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_HEAP_RANGE_H_

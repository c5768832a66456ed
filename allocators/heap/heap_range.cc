#include "allocators/heap/heap_range.h"

#include "absl/strings/str_format.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kTableSpan = 4u << 20;  // what one page table maps

}  // namespace

ParameterInfo LimitParameter(std::uint32_t default_bytes) {
  return QuantityParameter("heap.limit_bytes", "address range reserved for the heap, from 0xC0400000 up",
                           "bytes, at most 1016Mi", default_bytes, kHeapRangeMax);
}

ParameterInfo ArenaParameter(std::uint32_t default_bytes) {
  return QuantityParameter("heap.arena_bytes", "memory that the heap has, from 0xC0400000 up", "bytes, at most 1016Mi",
                           default_bytes, kHeapRangeMax);
}

absl::Status ReserveHeapRange(AddressSpace& space, const char* parameter, std::uint32_t bytes) {
  if (bytes == 0 || bytes > kHeapRangeMax) {
    return absl::InvalidArgumentError(absl::StrFormat("%s: %d; expected from 1 to %d bytes", parameter, bytes, kHeapRangeMax));
  }
  return space.AddPageTables(kHeapStart, (bytes - 1) / kTableSpan + 1);
}

absl::Status ReserveArena(AddressSpace& space, std::uint32_t bytes, std::uint32_t least, std::uint32_t behind) {
  if (bytes < least || bytes > kHeapRangeMax - behind) {
    return absl::InvalidArgumentError(absl::StrFormat("heap.arena_bytes: %d; expected at least %d bytes and at most %d", bytes,
                                                      least, kHeapRangeMax - behind));
  }
  if (absl::Status status = ReserveHeapRange(space, "heap.arena_bytes", bytes + behind); !status.ok()) return status;
  const VirtAddr last = kHeapStart + (bytes + behind - 1);
  if (!space.CanBringPages(last.page() == kHeapStart.page() ? 1 : 2)) {
    return absl::ResourceExhaustedError("no page frames left for the heap's first and last page: give the machine more RAM");
  }
  return absl::OkStatus();
}

}  // namespace alloclab

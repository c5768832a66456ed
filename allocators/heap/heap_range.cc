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

}  // namespace alloclab

#include "allocators/pages/arena_placement.h"

#include "absl/strings/str_format.h"

namespace alloclab {

absl::StatusOr<Arena> PlaceArena(const PhysicalMemory& memory, std::uint32_t kernel_end, std::uint64_t first,
                                 std::uint32_t arena_pages) {
  const std::uint64_t ram = memory.size_bytes();
  if (first >= ram) {
    return absl::InvalidArgumentError(
        absl::StrFormat("kernel_end 0x%x: the arena would start at 0x%x, expected an address inside the RAM of %d bytes",
                        kernel_end, first, ram));
  }
  const std::uint64_t bytes = arena_pages == 0 ? ram - first : std::uint64_t{arena_pages} * kPageBytes;
  if (bytes > ram - first) {
    return absl::InvalidArgumentError(
        absl::StrFormat("arena_pages %d: expected at most the %d pages from 0x%x to the end of RAM", arena_pages,
                        (ram - first) / kPageBytes, first));
  }
  return Arena{PhysAddr(static_cast<std::uint32_t>(first)), static_cast<std::uint32_t>(bytes)};
}

ParameterInfo ArenaPagesParameter() {
  return QuantityParameter("pages.arena_pages", "pages of the arena; 0 takes all of RAM from its start",
                           "a number of 4096-byte pages that fits RAM", 0, PhysicalMemory::kBytesMax / kPageBytes);
}

}  // namespace alloclab

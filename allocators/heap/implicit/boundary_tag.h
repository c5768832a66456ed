// The word in front of a chunk, and at the end of a free one: the chunk's size in bytes and two flags.
//
//   31 ........................ 2 | 1 previous chunk is free | 0 this chunk is allocated
//   size, a multiple of 4, header included
#ifndef ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_BOUNDARY_TAG_H_
#define ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_BOUNDARY_TAG_H_

#include <cstdint>

#include "allocators/machine/address.h"

namespace alloclab::tag {

inline constexpr std::uint32_t kAllocated = 1u << 0;
inline constexpr std::uint32_t kPreviousFree = 1u << 1;
inline constexpr std::uint32_t kSizeMask = ~3u;

constexpr std::uint32_t Pack(std::uint32_t bytes, std::uint32_t flags) { return (bytes & kSizeMask) | flags; }
constexpr std::uint32_t Size(std::uint32_t word) { return word & kSizeMask; }
constexpr bool Allocated(std::uint32_t word) { return (word & kAllocated) != 0; }
constexpr bool PreviousFree(std::uint32_t word) { return (word & kPreviousFree) != 0; }

// Wraps to 0 for the last three values, as the kernel's ROUNDUP does.
constexpr std::uint32_t RoundUpToWord(std::uint32_t bytes) { return (bytes + (kWordBytes - 1)) & kSizeMask; }

}  // namespace alloclab::tag

#endif  // ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_BOUNDARY_TAG_H_

// Robson's program: what fragments an allocator that never moves a block as badly as can be.
//
// With M units live at most, in blocks of 1, 2, 4, ..., n units, it makes any such allocator use at least
// M (log2(n) / 2 + 1) - n + 1 units (Robson 1974), and first fit about M log2(n) (Robson 1977). A program that does this has to
// know where its blocks lie; this one is made against an ideal first fit, whose blocks have no headers.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_ROBSON_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_ROBSON_H_

#include <cstdint>

#include "allocators/workload/trace.h"

namespace alloclab {

struct RobsonProgram {
  std::uint32_t live_units = 1 << 16;      // M; a power of two
  std::uint32_t largest_log2 = 10;         // of n units
  std::uint32_t unit_bytes = 16;           // of heap, with what an allocator adds to a block:
  std::uint32_t block_overhead_bytes = 4;  // a request is that much smaller; 4 are those of implicit-heap
};

// The operations, with a note that has the bounds.
Trace MakeRobson(const RobsonProgram& program);

// Robson's lower bound for every allocator, and how far the ideal first fit came; units.
std::uint64_t RobsonBound(const RobsonProgram& program);
std::uint64_t RobsonExtent(const RobsonProgram& program);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_ROBSON_H_

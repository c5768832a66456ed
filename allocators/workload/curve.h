// The course of a run: its exact figures at evenly spaced operations.
//
// Where the points lie depends on the operations alone, so that runs of one trace on different allocators and engines can be
// laid one over the other. A point may take a walk over the heap, so there are fewer of them where the program holds many
// blocks: all points together look at about kLooksPerOperation blocks per operation, or at kLooksMin.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_CURVE_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_CURVE_H_

#include <cstdint>
#include <span>

#include "allocators/workload/driver.h"
#include "allocators/workload/operation.h"

namespace alloclab {

inline constexpr std::uint64_t kCurvePointsMax = 1000, kCurvePointsMin = 16;
inline constexpr std::uint64_t kLooksPerOperation = 4, kLooksMin = 1'000'000;

// Everything after `operation` operations. Of a machine without a heap what concerns one is 0, and so is what an allocator that
// does not show its blocks cannot tell.
struct CurvePoint {
  std::uint64_t operation = 0;
  std::uint64_t live_bytes = 0;          // asked for and live in the heap
  std::uint64_t live_blocks = 0;         // of the program
  std::uint64_t heap_bytes = 0;          // from the heap's start to the break
  std::uint64_t free_bytes = 0;          // in the heap
  std::uint64_t free_blocks = 0;         // in the heap
  std::uint64_t largest_free_bytes = 0;  // in the heap
  std::uint64_t page_live_bytes = 0;     // asked for and live as pages
  // Since the beginning.
  std::uint64_t failed_operations = 0;  // outcomes other than ok and zero_size
  std::uint64_t search_steps = 0;       // of both allocators
  std::uint64_t cycles_386 = 0;

  friend bool operator==(const CurvePoint&, const CurvePoint&) = default;
};

CurvePoint TakeCurvePoint(const Driver& driver);

// A point is taken whenever so many operations are done. At least 1.
std::uint64_t CurveStep(std::span<const Operation> operations);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_CURVE_H_

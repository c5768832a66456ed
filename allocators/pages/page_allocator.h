// Allocators of physical page frames. Metadata lives in simulated RAM where the original keeps it there.
//
// Lengths are 32-bit byte counts as in the kernels' C code, so that every misuse can be asked for: 0, negative (sign bit set),
// not a multiple of the page.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_PAGES_PAGE_ALLOCATOR_H_
#define ALLOCLAB_ALLOCATORS_PAGES_PAGE_ALLOCATOR_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "allocators/common/costs.h"
#include "allocators/common/outcome.h"
#include "allocators/common/violation.h"
#include "allocators/machine/frame_source.h"

namespace alloclab {

struct PageResult {
  Outcome outcome = Outcome::kOk;
  PhysAddr address;  // what the call returned; kMachineFault: the address touched; kMachineHang: a run on the circle
};

// A maximal range of free page frames.
struct FreeRun {
  PhysAddr first;
  std::uint32_t bytes = 0;
};

// Free memory as it is now.
struct PageShape {
  PhysAddr arena_first;
  std::uint64_t arena_bytes = 0;
  std::uint64_t free_bytes = 0;
  std::uint32_t runs = 0;
  std::uint64_t largest_run_bytes = 0;
};

class PageAllocator : public FrameSource {
 public:
  virtual PageResult Allocate(std::uint32_t bytes) = 0;
  // A part of a block may be freed: the allocator keeps no record of owners.
  virtual PageResult Free(PhysAddr first, std::uint32_t bytes) = 0;

  virtual PageShape Shape() const = 0;
  // The free runs in list order from the first at or above `from`, until `visit` returns false.
  virtual void VisitRuns(PhysAddr from, const std::function<bool(const FreeRun&)>& visit) const = 0;
  virtual std::vector<Violation> CheckInvariants() const = 0;
  // Host bytes held beside simulated RAM (an index).
  virtual std::uint64_t host_bytes() const = 0;

  const PageCosts& costs() const { return costs_; }
  void ResetCosts() { costs_ = {}; }

 protected:
  PageCosts costs_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_PAGE_ALLOCATOR_H_

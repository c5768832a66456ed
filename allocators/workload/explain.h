// Why one operation of a run ended as it did: why it got its address, or why it was refused and what would have let it pass.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_EXPLAIN_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_EXPLAIN_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/common/costs.h"
#include "allocators/common/interrupt.h"
#include "allocators/workload/operation.h"
#include "allocators/workload/timeline.h"

namespace alloclab {

// A live block that keeps free ones apart.
struct Separator {
  std::uint32_t address = 0;  // of the block, metadata included
  std::uint64_t bytes = 0;
  std::uint64_t allocated_by = 0;  // an operation, counted from 1; 0: of none that the trace shows
  std::string called_by = {};      // its call site, as ShortSiteName() has it; empty: not known
  friend bool operator==(const Separator&, const Separator&) = default;
};

// Adjoining blocks that would be large enough together, if the live ones among them were free.
struct Gap {
  std::uint32_t address = 0;
  std::uint64_t bytes = 0;
  std::uint64_t live_bytes = 0;  // of `between`
  std::vector<Separator> between;
  friend bool operator==(const Gap&, const Gap&) = default;
};

// The free blocks that an allocation found. Blocks are whole ones, with their metadata.
struct Found {
  std::uint64_t free_bytes = 0, free_blocks = 0, largest_free_bytes = 0;
  std::uint64_t large_enough = 0;           // that could have served it
  std::uint64_t smallest_enough_bytes = 0;  // the tightest fit among those; 0: there is none
  std::uint64_t too_small_below = 0;        // at lower addresses than the one that was taken, and too small
  std::uint64_t passed_over_below = 0;      // likewise, and large enough
  friend bool operator==(const Found&, const Found&) = default;
};

// A free block that became a part of a larger one.
struct MergedBlock {
  std::uint32_t address = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const MergedBlock&, const MergedBlock&) = default;
};

struct Explanation {
  std::uint64_t operation = 0;  // counted from 1
  Operation what;
  OpResult result;
  // Of the operation alone.
  std::uint64_t search_steps = 0, page_faults = 0, cycles_386 = 0;
  std::uint64_t needed_bytes = 0;            // by the block, metadata and rounding included; 0 where nothing is asked for
  std::optional<Found> found;                // by an allocation, where the allocator shows its blocks
  std::optional<std::uint64_t> taken_bytes;  // the free block that the new one came out of; absent: none did
  std::uint32_t taken_address = 0;           // of that; 0: none
  std::uint64_t block_bytes = 0;             // the block that it got, or gave back
  std::uint64_t grown_bytes = 0;             // how far the heap's break moved up
  std::uint64_t allocated_by = 0;            // of a free or realloc: which operation made the block; 0: none
  // Call sites, as ShortSiteName() has them, of the operation itself and of the one that made the block; empty: not known.
  std::string called_by, allocation_called_by;
  std::optional<Refusal> refusal;  // of a request that was not served
  std::optional<Gap> gap;          // of one for which enough was free: the fewest live bytes that stood in its way
  // Of one for which memory was missing: so much more, at least, would have let it pass, of RAM or of where the heap ends.
  std::optional<std::uint64_t> missing_bytes;
  bool missing_ram = false;         // of RAM
  std::optional<SearchPath> path;   // of a heap operation, where the allocator shows its blocks
  std::vector<MergedBlock> merged;  // what was given back became one with these
  // The same in words: the first says what happened, the others why.
  std::vector<std::string> sentences;
};

// Is told how much host memory an explanation takes for as long as it is made, before it does; an error ends it.
using AdmitExplanation = std::function<absl::Status(std::uint64_t host_bytes)>;

// Goes to the operation (counted from 1) and does it: the timeline is then behind it. OUT_OF_RANGE: the run has no such
// operation; CANCELLED: interrupted; errors of `admit`, the timeline is then in front of it.
absl::StatusOr<Explanation> Explain(Timeline& timeline, std::uint64_t operation, const Interrupt& interrupt = {},
                                    const AdmitExplanation& admit = {});

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_EXPLAIN_H_

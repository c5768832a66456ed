// What fragmentation cost over a whole run, and which blocks, sizes and moments made it.
//
// A hole is a free block of the heap. A live block separates two holes if it adjoins one below and one above: freed, it would
// make them one. At one moment a separating block costs the bytes of its two holes; over a run it costs the sum of that over
// the operations, in bytes times operations. A hole between two separating blocks counts for both.
//
// The heap is looked at after every `every()`-th operation, and after the last one; each look stands for the operations since
// the look before. If `every()` is 1 the costs are exact, otherwise what came and went between two looks is not seen. There are
// as many looks as the run's curve has points, fewer where the trace uses many handles: all looks together walk over about
// kLooksPerOperation blocks an operation (curve.h), and over kHandleLooksMax handles.
//
// A trace that tells its call sites has their share too (site_costs.h).
//
// Memory: 4 bytes for each handle of the trace, and at most kBlocksMax blocks; if more separate holes, those are forgotten that
// cost least by then, and what they cost is in separated_cost alone. Sizes likewise.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_HOLES_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_HOLES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "allocators/common/interrupt.h"
#include "allocators/workload/driver.h"
#include "allocators/workload/site_costs.h"
#include "allocators/workload/trace.h"

namespace alloclab {

// A live block, by the operation that made it: a handle that is used again makes another one.
struct SeparatingBlock {
  std::uint64_t allocated_by = 0;   // counted from 1; 0: of none that the trace shows, and then the address tells which
  std::uint64_t request_bytes = 0;  // of that operation
  std::uint32_t address = 0;        // metadata included
  std::uint64_t bytes = 0;
  std::uint64_t cost = 0;                       // bytes times operations
  std::uint64_t operations = 0;                 // for which it separated holes
  std::uint64_t first_seen = 0, last_seen = 0;  // looks that saw it separate holes, by operation
  std::uint32_t site = 0;                       // that called for it; 0: not known
  std::string called_by = {};                   // ShortSiteName() of that
  friend bool operator==(const SeparatingBlock&, const SeparatingBlock&) = default;
};

// All separating blocks of one size.
struct SeparatingSize {
  std::uint64_t bytes = 0;
  std::uint64_t cost = 0;
  std::uint64_t operations = 0;  // added up over the blocks
  friend bool operator==(const SeparatingSize&, const SeparatingSize&) = default;
};

// External fragmentation grew from one look to the next.
struct FragmentationRise {
  std::uint64_t from_operation = 0, to_operation = 0;
  double from = 0, to = 0;  // 1 - largest free block / free bytes; 0 where nothing is free
  friend bool operator==(const FragmentationRise&, const FragmentationRise&) = default;
};

struct HoleReport {
  std::uint64_t operations = 0;  // of the run
  std::uint64_t looked_at = 0;   // up to this one
  std::uint64_t every = 0;       // from look to look
  std::uint64_t looks = 0;
  std::uint64_t broken_looks = 0;  // the chain of blocks was broken: counted up to there
  std::uint64_t hole_cost = 0;     // free bytes times operations
  std::uint64_t separated_cost = 0;
  // The first of each, at most kShown; equal ones by operation, address or size.
  std::vector<SeparatingBlock> blocks;   // that cost most
  std::vector<SeparatingSize> sizes;     // that cost most
  std::vector<FragmentationRise> rises;  // by how much it grew
  std::vector<SiteCost> sites;           // kShown that cost most, and kShown that hold most; none where they are not told
  std::vector<std::string> sentences;    // the same in words
};

class HoleSurvey {
 public:
  static constexpr std::size_t kShown = 10;
  static constexpr std::size_t kBlocksMax = 1 << 18, kSizesMax = 1 << 16;
  static constexpr std::uint64_t kHandleLooksMax = 1 << 26;

  // Host memory that one takes before its first look.
  static std::uint64_t HostNeed(const Trace& trace);

  explicit HoleSurvey(std::shared_ptr<const Trace> trace);
  // With so many operations from look to look. REQUIRES: every > 0.
  HoleSurvey(std::shared_ptr<const Trace> trace, std::uint64_t every);

  std::uint64_t every() const { return every_; }
  bool done() const { return looked_at_ == trace_->operations.size(); }
  // The moment of the next look: after so many operations. REQUIRES: not done.
  std::uint64_t next() const;
  // Looks at it. FAILED_PRECONDITION: no heap, or one that does not show its blocks; CANCELLED: interrupted, the look is yet
  // to be made. REQUIRES: the driver is at that moment of a replay of the trace.
  absl::Status Look(const Driver& driver, const Interrupt& interrupt = {});

  // Of all looks so far.
  HoleReport Report() const;
  std::uint64_t host_bytes() const;

 private:
  // A separating block as one look sees it.
  struct Seen {
    std::uint32_t payload = 0, address = 0;
    std::uint64_t bytes = 0, hole_bytes = 0;
  };
  // One walk over the heap.
  struct Walk {
    std::vector<Seen> seen;
    std::uint64_t free_bytes = 0, largest_free_bytes = 0, separated_bytes = 0;
    bool broken = false;
  };
  struct Tally {
    std::uint64_t cost = 0, operations = 0;
  };

  absl::Status WalkHeap(const HeapAllocator& heap, const Interrupt& interrupt, Walk& walk) const;
  void FollowHandles(std::uint64_t until);
  void Charge(const Driver& driver, const Walk& walk, std::uint64_t operations);
  void ChargeBlock(const Seen& seen, std::uint64_t allocated_by, std::uint64_t operations);
  void CompareFragmentation(const Walk& walk);

  const std::shared_ptr<const Trace> trace_;
  const std::uint64_t every_;
  std::uint64_t looked_at_ = 0, looks_ = 0, broken_looks_ = 0, hole_cost_ = 0, separated_cost_ = 0;
  std::uint64_t followed_ = 0;          // operations that are in made_by_ and site_costs_
  std::vector<std::uint32_t> made_by_;  // by handle: the operation that last allocated for it, counted from 1
  absl::flat_hash_map<std::uint64_t, SeparatingBlock> blocks_;  // by operation, or by address with kNoOperation
  absl::flat_hash_map<std::uint64_t, Tally> sizes_;
  SiteCosts site_costs_;
  std::vector<FragmentationRise> rises_;  // the largest
  double fragmentation_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_HOLES_H_

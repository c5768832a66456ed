// What is in a trace, found in one pass: how many operations of which kind, sizes, lifetimes, what is live when, and what a
// machine will not like. Memory is that of the blocks that live together, and bounded tables.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_SUMMARY_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_SUMMARY_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "allocators/common/pow2_histogram.h"
#include "allocators/workload/operation.h"
#include "allocators/workload/site_ledger.h"

namespace alloclab {

// Something that happened a number of times; operations are counted from 1.
struct Occurrences {
  std::uint64_t count = 0, first = 0;
  void Add(std::uint64_t operation) {
    if (count++ == 0) first = operation;
  }
};

struct BlockLife {
  std::uint64_t lifetime = 0;  // operations from its allocation to its free, or to the end
  std::uint64_t born = 0;      // the operation that allocated it
  std::uint64_t size = 0;      // bytes, as of the last realloc
  bool freed = false;
};

struct LivePoint {
  std::uint64_t operation = 0, bytes = 0;  // the most that were live from the point before to here
};

struct TraceSummary {
  std::uint64_t operations = 0;
  std::array<std::uint64_t, kOpKinds> kinds{};
  std::uint64_t requested_bytes = 0;  // of the heap
  Pow2Histogram sizes;                // of heap requests
  Pow2Histogram lifetimes;            // of heap blocks that were freed, in operations
  std::uint64_t peak_bytes = 0, peak_operation = 0, peak_blocks = 0;
  std::uint64_t page_peak_bytes = 0, page_peak_operation = 0;
  std::uint64_t peak_both_bytes = 0;                               // of heap and pages together
  std::vector<LivePoint> course;                                   // of the heap's live bytes, at most kCoursePointsMax
  std::vector<std::pair<std::uint64_t, std::uint64_t>> hot_sizes;  // size and requests, the most frequent first
  std::uint64_t distinct_sizes = 0;                                // of those that were counted, at most kSizesMax
  std::vector<std::uint64_t> threads;                              // operations of each; empty where they are not told
  std::uint64_t leaked_blocks = 0, leaked_bytes = 0;               // live at the end
  std::vector<BlockLife> longest;                                  // the longest lived first
  std::uint64_t largest_request = 0, largest_operation = 0;
  std::vector<SiteUse> sites;  // that hold the most at the peak first; empty where they are not told
  // Misuse.
  Occurrences double_frees;   // of a block that was freed before
  Occurrences wild_frees;     // of a block that was never allocated
  Occurrences dead_reallocs;  // of a block that is not live
  Occurrences overwritten;    // an allocation over a handle whose block is live, which leaks
  Occurrences too_large;      // a size that 32 bits cannot hold
  Occurrences zero_sizes;
};

class TraceSummarizer {
 public:
  static constexpr std::size_t kCoursePointsMax = 1024, kSizesMax = 65'536, kLongestMax = 10, kHotMax = 12;

  // `threads` and `sites` are empty or have one for each operation.
  void Add(std::span<const Operation> operations, std::span<const std::uint32_t> threads,
           std::span<const std::uint32_t> sites = {});
  // Closes the course, the leaks and the lists. Nothing may be added after it.
  TraceSummary Finish();

 private:
  struct Block {
    std::uint64_t born = 0;
    std::uint32_t size = 0;
    std::uint64_t bytes = 0;
    bool live = false, used = false;
    std::uint32_t site = 0;
  };

  void Apply(const Operation& op);
  void Allocate(const Operation& op, std::uint64_t bytes);
  void Free(std::uint32_t handle);
  void Request(std::uint64_t bytes);
  void Record();
  void AddLife(const BlockLife& life);
  Block& HeapBlock(std::uint32_t handle);

  TraceSummary summary_;
  std::vector<Block> heap_;
  std::vector<std::uint64_t> pages_;  // bytes of each live block of pages, by handle
  std::uint64_t bytes_ = 0, blocks_ = 0, page_bytes_ = 0;
  std::uint64_t point_bytes_ = 0, step_ = 1;  // of the course
  absl::flat_hash_map<std::uint64_t, std::uint64_t> size_counts_;
  SiteLedger sites_;        // knows none if none are told
  std::uint32_t site_ = 0;  // of the operation
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_SUMMARY_H_

// What a reader of one trace format is given, and what may be asked of all of them.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_READING_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_READING_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "allocators/workload/trace.h"
#include "allocators/workload/trace_bytes.h"

namespace alloclab {

// What to do with what a log does not say, or says in a way that cannot be. What was done is in the notes of the trace.
struct ImportOptions {
  enum class UnknownFree {
    kDrop,        // a free of a block that the log does not know is left out, a realloc of one is an allocation
    kError,       // INVALID_ARGUMENT with its line
    kSynthesise,  // a block for each is allocated before everything else
  };

  std::string from;  // a format's name; empty: by content
  UnknownFree unknown_free = UnknownFree::kDrop;
  std::uint32_t synthesised_bytes = 64;  // of those blocks: no log says their sizes
  bool balance = false;                  // what is live at the end is freed
  // An allocation at the address of a live block: its free is put before it, and the free that comes late in a log of several
  // threads is left out. Otherwise the old block leaks.
  bool repair_inversions = true;
  bool keep_failed = false;   // an allocation that failed is asked for, and given back at once; otherwise it is left out
  bool refuse_large = false;  // INVALID_ARGUMENT for sizes that 32 bits cannot hold
  // heaptrack's interpreted files do not say which of several equal blocks is freed: the newest, or else the oldest.
  bool newest_first = false;
  // heaptrack writes a realloc as a free and an allocation behind it: every such pair is a realloc.
  bool fuse_reallocs = false;
  // Of the kernel's events: kmalloc and caches as operations of the heap, pages as operations on pages.
  bool kernel_heap = true, kernel_pages = true;
};

// Takes operations off the reader, which forgets them. `threads` has the thread of each, counted from 0, `sites` the call site,
// or 0; each is empty where the file does not tell.
using TraceDrain = std::function<absl::Status(std::span<const Operation> operations, std::span<const std::uint32_t> threads,
                                              std::span<const std::uint32_t> sites)>;

struct TraceReading {
  TraceBytes& bytes;
  std::string_view name;
  const TraceLimits& limits;
  const ImportOptions& options;
  TraceDrain drain = nullptr;  // null: the operations stay in the trace
  // Of kSynthesise: how many blocks to make, or where to count them, in a reading that gives no operations.
  std::uint64_t premade = 0;
  std::uint64_t* count_unknown = nullptr;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_READING_H_

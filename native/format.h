// What the server and alloclab-native say to each other: nothing but memory that both map. The server writes the operations and
// starts the program once for each replay,
//
//     alloclab-native PASS SLOTS PEAK LIBRARY
//
// with LIBRARY in LD_PRELOAD, and reads the result when the process has ended.
#ifndef ALLOCLAB_NATIVE_FORMAT_H_
#define ALLOCLAB_NATIVE_FORMAT_H_

#include <cstdint>
#include <string_view>

namespace alloclab::native {

// Descriptors that the program inherits: an array of Operation (allocators/workload/operation.h), one Result, and in the
// latency pass an array with as many std::uint32_t as there are operations.
inline constexpr int kOperationsFd = 3, kResultFd = 4, kTimesFd = 5;

// PASS. `time` replays all at once; `latency` reads the clock around each operation and lowers its element of the times to what
// it took, in nanoseconds; `memory` reads from time to time, and after operation PEAK, how much memory the process holds.
inline constexpr std::string_view kPassTime = "time", kPassLatency = "latency", kPassMemory = "memory";

// SLOTS: pointers to keep; all handles of the operations are below. Slot 0 is always null, for what has no block.
inline constexpr std::uint32_t kNullSlot = 0;

// LIBRARY for the allocator of the C library, which needs no LD_PRELOAD.
inline constexpr std::string_view kLibc = "libc";

// How the program ends when it cannot measure. What it prints says why.
inline constexpr int kExitUsage = 2, kExitWrongAllocator = 3;

inline constexpr std::uint64_t kComplete = 0x656e'6f64'2e61'6c6e;
inline constexpr std::size_t kLibraryBytes = 512;

struct Result {
  std::uint64_t done = 0;  // operations so far, in the latency and memory passes about
  std::uint64_t refused = 0;
  std::uint64_t ns = 0;  // of the whole replay, in the time pass of the processor alone
  std::uint64_t page_faults = 0;
  std::uint64_t instructions = 0, cache_misses = 0;
  std::uint32_t has_instructions = 0, has_cache_misses = 0;
  std::uint64_t clock_ns = 0;        // latency pass: between two readings of the clock
  std::uint64_t peak_rss_bytes = 0;  // memory pass: anonymous memory, what there was before the first operation taken off
  std::uint32_t cpu = 0, padding = 0;
  char library[kLibraryBytes] = {};  // where malloc comes from; ends with 0
  std::uint64_t complete = 0;        // kComplete, written last
};

}  // namespace alloclab::native

#endif  // ALLOCLAB_NATIVE_FORMAT_H_

// What one process can read of itself: time, memory, events that the processor counts. None of it allocates.
#ifndef ALLOCLAB_NATIVE_PROBES_H_
#define ALLOCLAB_NATIVE_PROBES_H_

#include <cstdint>

namespace alloclab::native {

std::uint64_t NowNs();
// That the thread had a processor, in user mode and in the kernel: what else runs on the host does not count. (The same clock
// of the process may stand still for milliseconds.)
std::uint64_t CpuNs();
// The median of many intervals in which nothing is done.
std::uint64_t ClockNs();

// Minor and major ones of the process.
std::uint64_t PageFaults();

// Binds the process to the last processor that it may run on, and returns its number.
std::uint32_t Pin();

// Anonymous memory that the process holds: what it wrote to, not what it maps of files or shares. From smaps_rollup, which
// counts exactly, else from statm, which is off by some dozen pages.
class AnonymousMemory {
 public:
  AnonymousMemory();
  std::uint64_t Bytes() const;

 private:
  int rollup_, statm_;
};

// Events in user mode, where kernel and processor count them.
class EventCounter {
 public:
  explicit EventCounter(std::uint64_t hardware_event);  // PERF_COUNT_HW_...
  bool counts() const { return file_ >= 0; }
  void Start() const;
  void Stop() const;
  std::uint64_t Read() const;  // 0 if it does not count

 private:
  int file_;
};

}  // namespace alloclab::native

#endif  // ALLOCLAB_NATIVE_PROBES_H_

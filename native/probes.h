// What one process can read of itself: time, memory, events that the processor counts. None of it allocates.
#ifndef ALLOCLAB_NATIVE_PROBES_H_
#define ALLOCLAB_NATIVE_PROBES_H_

#include <cstdint>
#include <optional>

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
  // PERF_TYPE_HARDWARE and PERF_COUNT_HW_..., or likewise.
  EventCounter(std::uint32_t type, std::uint64_t event);
  ~EventCounter();
  EventCounter(const EventCounter&) = delete;
  EventCounter& operator=(const EventCounter&) = delete;

  void Start() const;
  void Stop() const;
  // Nothing where the kernel does not give it, or where others had the processor's counters for a part of the time.
  std::optional<std::uint64_t> Read() const;

 private:
  int file_;
};

}  // namespace alloclab::native

#endif  // ALLOCLAB_NATIVE_PROBES_H_

#include "native/probes.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace alloclab::native {
namespace {

constexpr std::size_t kTextMax = 4096;

// The file from its beginning, as text; "" if it cannot be read.
void ReadText(int file, char (&text)[kTextMax]) {
  const ssize_t length = pread(file, text, kTextMax - 1, 0);
  text[length > 0 ? length : 0] = '\0';
}

std::uint64_t Read(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

std::uint64_t NowNs() { return Read(CLOCK_MONOTONIC); }

std::uint64_t CpuNs() { return Read(CLOCK_THREAD_CPUTIME_ID); }

std::uint64_t ClockNs() {
  constexpr int kTimes = 1001;
  std::uint64_t intervals[kTimes];
  for (std::uint64_t& interval : intervals) {
    const std::uint64_t start = NowNs();
    interval = NowNs() - start;
  }
  std::nth_element(intervals, intervals + kTimes / 2, intervals + kTimes);
  return intervals[kTimes / 2];
}

std::uint64_t PageFaults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_minflt) + static_cast<std::uint64_t>(usage.ru_majflt);
}

std::uint32_t Pin() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return 0;
  int last = CPU_SETSIZE - 1;
  while (last > 0 && !CPU_ISSET(static_cast<std::size_t>(last), &allowed)) --last;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(last), &one);
  sched_setaffinity(0, sizeof(one), &one);
  return static_cast<std::uint32_t>(last);
}

AnonymousMemory::AnonymousMemory()
    : rollup_(open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC)), statm_(open("/proc/self/statm", O_RDONLY | O_CLOEXEC)) {}

std::uint64_t AnonymousMemory::Bytes() const {
  char text[kTextMax];
  ReadText(rollup_, text);
  constexpr char kLine[] = "\nAnonymous:";
  if (const char* const found = std::strstr(text, kLine)) return std::strtoull(found + sizeof(kLine) - 1, nullptr, 10) * 1024;
  ReadText(statm_, text);
  char* at = text;
  std::strtoull(at, &at, 10);  // size
  const std::uint64_t resident = std::strtoull(at, &at, 10), shared = std::strtoull(at, &at, 10);
  return (resident - std::min(resident, shared)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

EventCounter::EventCounter(std::uint32_t type, std::uint64_t event) {
  perf_event_attr counter{};
  counter.type = type;
  counter.size = sizeof(counter);
  counter.config = event;
  counter.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  counter.disabled = 1;
  counter.exclude_kernel = 1;
  counter.exclude_hv = 1;
  file_ = static_cast<int>(syscall(SYS_perf_event_open, &counter, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

EventCounter::~EventCounter() {
  if (file_ >= 0) close(file_);
}

void EventCounter::Start() const {
  if (file_ >= 0) ioctl(file_, PERF_EVENT_IOC_ENABLE, 0);
}

void EventCounter::Stop() const {
  if (file_ >= 0) ioctl(file_, PERF_EVENT_IOC_DISABLE, 0);
}

std::optional<std::uint64_t> EventCounter::Read() const {
  struct {
    std::uint64_t value, enabled_ns, running_ns;
  } reading{};
  if (file_ < 0 || read(file_, &reading, sizeof(reading)) != sizeof(reading)) return std::nullopt;
  return reading.running_ns == reading.enabled_ns ? std::optional(reading.value) : std::nullopt;
}

}  // namespace alloclab::native

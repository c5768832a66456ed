// alloclab-native: replays a workload through the malloc of this process, which LD_PRELOAD may have replaced, and measures it.
// Started by alloclabd, once for each replay (format.h). It allocates nothing of its own: its tables are mapped before anything
// is measured.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

#include "native/format.h"
#include "native/probes.h"
#include "native/replay.h"

namespace alloclab::native {
namespace {

constexpr std::uint64_t kMemorySamples = 500;  // evenly over the operations

[[noreturn]] void Fail(int code, const char* what, const char* detail) {
  dprintf(STDERR_FILENO, "alloclab-native: %s: %s\n", what, detail);
  _exit(code);
}

void* Map(std::size_t bytes, int protection, int flags, int file, const char* what) {
  void* const memory = mmap(nullptr, std::max<std::size_t>(bytes, 1), protection, flags | MAP_POPULATE, file, 0);
  if (memory == MAP_FAILED) Fail(kExitUsage, what, std::strerror(errno));
  return memory;
}

std::size_t SizeOf(int file, const char* what) {
  struct stat info {};
  if (fstat(file, &info) != 0) Fail(kExitUsage, what, std::strerror(errno));
  return static_cast<std::size_t>(info.st_size);
}

// The object that a function of the C library comes from.
Dl_info OriginOf(const char* function) {
  Dl_info info{};
  void* const address = dlsym(RTLD_DEFAULT, function);
  if (address == nullptr || dladdr(address, &info) == 0) Fail(kExitWrongAllocator, function, "not found in this process");
  return info;
}

bool SameFile(const char* a, const char* b) {
  struct stat of_a {
  }, of_b{};
  return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

// All four come from the library, and nothing else was put before them.
void CheckAllocator(const char* library, Result& result) {
  const bool libc = library == kLibc;
  const Dl_info expected = libc ? OriginOf("gnu_get_libc_version") : OriginOf("malloc");
  if (!libc && !SameFile(expected.dli_fname, library)) {
    dprintf(STDERR_FILENO, "alloclab-native: malloc is that of %s, not of %s\n", expected.dli_fname, library);
    _exit(kExitWrongAllocator);
  }
  for (const char* function : {"malloc", "calloc", "realloc", "free"}) {
    const Dl_info origin = OriginOf(function);
    if (origin.dli_fbase != expected.dli_fbase) Fail(kExitWrongAllocator, function, origin.dli_fname);
  }
  std::strncpy(result.library, libc ? expected.dli_fname : library, kLibraryBytes - 1);
}

void MeasureTime(std::span<const Operation> operations, void** slots, Result& result) {
  const EventCounter instructions(PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS);
  const EventCounter misses(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES);
  const std::uint64_t faults = PageFaults();
  instructions.Start();
  misses.Start();
  const std::uint64_t start = CpuNs();
  const std::uint64_t refused = Replay(operations, slots);
  result.ns = CpuNs() - start;
  misses.Stop();
  instructions.Stop();
  result.page_faults = PageFaults() - faults;
  result.refused = refused;
  result.has_instructions = instructions.Read().has_value();
  result.has_cache_misses = misses.Read().has_value();
  result.instructions = instructions.Read().value_or(0);
  result.cache_misses = misses.Read().value_or(0);
}

void MeasureLatency(std::span<const Operation> operations, void** slots, Result& result) {
  const std::size_t bytes = operations.size() * sizeof(std::uint32_t);
  if (SizeOf(kTimesFd, "times") < bytes) Fail(kExitUsage, "times", "fewer than operations");
  auto* const times = static_cast<std::uint32_t*>(Map(bytes, PROT_READ | PROT_WRITE, MAP_SHARED, kTimesFd, "times"));
  result.clock_ns = ClockNs();
  const std::uint64_t begin = NowNs();
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const std::uint64_t start = NowNs();
    result.refused += Apply(operations[i], slots);
    const std::uint64_t took = NowNs() - start;
    times[i] = static_cast<std::uint32_t>(std::min<std::uint64_t>(times[i], took));
    result.done = i + 1;
  }
  result.ns = NowNs() - begin;
}

void MeasureMemory(std::span<const Operation> operations, void** slots, std::uint64_t peak, Result& result) {
  const AnonymousMemory memory;
  const std::uint64_t before = memory.Bytes();
  const std::uint64_t step = std::max<std::uint64_t>(operations.size() / kMemorySamples, 1);
  const std::uint64_t begin = NowNs();
  for (std::uint64_t i = 0; i < operations.size(); ++i) {
    result.refused += Apply(operations[i], slots);
    result.done = i + 1;
    if (result.done % step != 0 && result.done != operations.size() && i != peak) continue;
    const std::uint64_t now = memory.Bytes();
    result.peak_rss_bytes = std::max(result.peak_rss_bytes, now - std::min(now, before));
  }
  result.ns = NowNs() - begin;
}

int Main(int argc, char** argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // whoever started it reads the result, or nobody does
  if (argc != 5) Fail(kExitUsage, "usage", "alloclab-native PASS SLOTS PEAK LIBRARY, started by alloclabd");
  const std::string_view pass = argv[1];
  const std::uint64_t slot_count = std::strtoull(argv[2], nullptr, 10), peak = std::strtoull(argv[3], nullptr, 10);
  if (SizeOf(kResultFd, "result") < sizeof(Result)) Fail(kExitUsage, "result", "too small");
  auto& result = *static_cast<Result*>(Map(sizeof(Result), PROT_READ | PROT_WRITE, MAP_SHARED, kResultFd, "result"));
  const std::size_t bytes = SizeOf(kOperationsFd, "operations");
  const std::span<const Operation> operations(
      static_cast<const Operation*>(Map(bytes, PROT_READ, MAP_SHARED, kOperationsFd, "operations")), bytes / sizeof(Operation));
  auto** const slots =
      static_cast<void**>(Map(slot_count * sizeof(void*), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, "slots"));
  CheckAllocator(argv[4], result);
  result.cpu = Pin();
  if (pass == kPassTime) {
    MeasureTime(operations, slots, result);
  } else if (pass == kPassLatency) {
    MeasureLatency(operations, slots, result);
  } else if (pass == kPassMemory) {
    MeasureMemory(operations, slots, peak, result);
  } else {
    Fail(kExitUsage, "unknown pass", argv[1]);
  }
  result.done = operations.size();
  result.complete = kComplete;
  _exit(0);  // what a library does at its end is not measured
}

}  // namespace
}  // namespace alloclab::native

int main(int argc, char** argv) { return alloclab::native::Main(argc, argv); }

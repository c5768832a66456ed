// What can be read of the process is what the process did. Instructions are counted by few virtual machines; page faults, which
// the kernel counts, come the same way.
#include "native/probes.h"

#include <gtest/gtest.h>
#include <linux/perf_event.h>
#include <sys/mman.h>

#include <cstddef>

namespace alloclab::native {
namespace {

constexpr std::size_t kPageBytes = 4096;
#ifdef _GLIBCXX_TSAN               // cmake/AlloclabTargets.cmake
constexpr bool kHasShadow = true;  // ThreadSanitizer keeps one of each page, which counts as well
#else
constexpr bool kHasShadow = false;
#endif

// So many fresh pages, each written to once.
void TakePages(std::size_t pages) {
  auto* const memory = static_cast<volatile char*>(
      mmap(nullptr, pages * kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  ASSERT_EQ(madvise(const_cast<char*>(memory), pages * kPageBytes, MADV_NOHUGEPAGE), 0);
  for (std::size_t page = 0; page < pages; ++page) memory[page * kPageBytes] = 1;
}

// Work that no compiler leaves out.
void CountTo(int end) {
  volatile int i = 0;
  while (i < end) i = i + 1;
}

TEST(EventCounter, CountsFromStartToStop) {
  const EventCounter faults(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS);
  if (!faults.Read()) GTEST_SKIP() << "the kernel counts nothing for this process (perf_event_paranoid, seccomp)";
  TakePages(50);
  EXPECT_EQ(faults.Read(), 0u) << "not started";
  faults.Start();
  TakePages(100);
  faults.Stop();
  const std::uint64_t counted = faults.Read().value_or(0);
  EXPECT_GE(counted, 100u);
  if (!kHasShadow) {
    EXPECT_LT(counted, 150u);
  }
  TakePages(50);
  EXPECT_EQ(faults.Read(), counted) << "stopped";
}

TEST(EventCounter, OfWhatThereIsNotReadsNothing) {
  const EventCounter counter(PERF_TYPE_HARDWARE, 0xFFFF);
  counter.Start();
  counter.Stop();
  EXPECT_EQ(counter.Read(), std::nullopt);
}

TEST(EventCounter, InstructionsAreThoseOfTheProgramWhereTheyAreCounted) {
  const EventCounter instructions(PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS);
  if (!instructions.Read()) GTEST_SKIP() << "this kernel or processor does not count instructions";
  instructions.Start();
  CountTo(100'000);
  instructions.Stop();
  const std::optional<std::uint64_t> counted = instructions.Read();
  if (!counted) GTEST_SKIP() << "others had the processor's counters meanwhile";
  EXPECT_GE(*counted, 300'000u);
}

TEST(PageFaults, CountsEveryFreshPage) {
  const std::uint64_t before = PageFaults();
  TakePages(100);
  EXPECT_GE(PageFaults() - before, 100u);
}

TEST(AnonymousMemory, GrowsByWhatWasWrittenTo) {
  constexpr std::uint64_t kTaken = 1000 * kPageBytes, kSlack = 64 * kPageBytes;
  const AnonymousMemory memory;
  const std::uint64_t before = memory.Bytes();
  TakePages(1000);
  const std::uint64_t grown = memory.Bytes() - before;
  EXPECT_GE(grown, kTaken - kSlack);
  if (!kHasShadow) {
    EXPECT_LE(grown, kTaken + kSlack);
  }
}

TEST(Clocks, GoForwardAndTheProcessorsTimeIsNoMoreThanAll) {
  const std::uint64_t now = NowNs(), cpu = CpuNs();
  CountTo(1'000'000);
  const std::uint64_t worked = CpuNs() - cpu;
  EXPECT_GT(worked, 0u);
  EXPECT_GE(NowNs() - now, worked);
  EXPECT_LT(ClockNs(), 1'000'000u);
}

}  // namespace
}  // namespace alloclab::native

// What the tests of page runs have in common: a small machine, and pictures of its arena.
#ifndef ALLOCLAB_ALLOCATORS_PAGES_PAGE_RUNS_TESTING_H_
#define ALLOCLAB_ALLOCATORS_PAGES_PAGE_RUNS_TESTING_H_

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "allocators/pages/page_runs.h"
#include "gtest/gtest.h"

namespace alloclab {

inline void PrintTo(Outcome outcome, std::ostream* os) { *os << OutcomeName(outcome); }
inline void PrintTo(PhysAddr address, std::ostream* os) { *os << "0x" << std::hex << address.raw() << std::dec; }
inline void PrintTo(const PageResult& result, std::ostream* os) {
  PrintTo(result.outcome, os);
  *os << " ";
  PrintTo(result.address, os);
}
inline bool operator==(const PageResult& a, const PageResult& b) { return a.outcome == b.outcome && a.address == b.address; }
inline bool operator==(const FreeRun& a, const FreeRun& b) { return a.first == b.first && a.bytes == b.bytes; }
inline void PrintTo(const FreeRun& run, std::ostream* os) {
  PrintTo(run.first, os);
  *os << "+" << run.bytes;
}

inline void PrintTo(const Violation& violation, std::ostream* os) {
  *os << violation.invariant << " 0x" << std::hex << violation.address << std::dec << ": " << violation.what;
}

inline const auto kBothEngines = ::testing::Values(Engine::kLiteral, Engine::kIndexed);
inline std::string EngineName(const ::testing::TestParamInfo<Engine>& engine) {
  return engine.param == Engine::kLiteral ? "literal" : "indexed";
}

inline std::unique_ptr<PageAllocator> MakeOrDie(PhysicalMemory& memory, const PageRunsOptions& options) {
  auto pages = MakePageRuns(memory, options);
  EXPECT_TRUE(pages.ok()) << pages.status();
  return pages.ok() ? *std::move(pages) : nullptr;
}

inline std::vector<FreeRun> RunsOf(const PageAllocator& pages) {
  std::vector<FreeRun> runs;
  pages.VisitRuns(PhysAddr(), [&](const FreeRun& run) {
    runs.push_back(run);
    return true;
  });
  return runs;
}

// One character per page of the arena, '.' free and '#' taken.
inline std::string Draw(const PageAllocator& pages) {
  const PageShape shape = pages.Shape();
  std::string picture(shape.arena_bytes / kPageBytes, '#');
  for (const FreeRun& run : RunsOf(pages)) {
    picture.replace((run.first - shape.arena_first) / kPageBytes, run.bytes / kPageBytes, run.bytes / kPageBytes, '.');
  }
  return picture;
}

inline std::vector<std::uint8_t> Dump(const PhysicalMemory& memory, PhysAddr first, std::uint64_t bytes) {
  std::vector<std::uint8_t> dump(bytes);
  EXPECT_TRUE(memory.Read(first, dump));
  return dump;
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_PAGE_RUNS_TESTING_H_

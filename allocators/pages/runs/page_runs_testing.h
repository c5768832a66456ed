// What the tests of page runs have in common: a small machine, and pictures of its arena.
#ifndef ALLOCLAB_ALLOCATORS_PAGES_RUNS_PAGE_RUNS_TESTING_H_
#define ALLOCLAB_ALLOCATORS_PAGES_RUNS_PAGE_RUNS_TESTING_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocators/pages/runs/page_runs.h"
#include "allocators/pages/runs/run_list.h"
#include "gtest/gtest.h"

namespace alloclab {

inline void PrintTo(Outcome outcome, std::ostream* os) { *os << OutcomeName(outcome); }
inline void PrintTo(PhysAddr address, std::ostream* os) { *os << "0x" << std::hex << address.raw() << std::dec; }
inline void PrintTo(const PageResult& result, std::ostream* os) {
  PrintTo(result.outcome, os);
  *os << " ";
  PrintTo(result.address, os);
}
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

// Page runs as a test uses them: the guard's calls, and what the allocator shows.
class TestedPages {
 public:
  explicit TestedPages(std::unique_ptr<PageGuard> guard) : guard_(std::move(guard)) {}

  PageResult Allocate(std::uint32_t bytes) { return guard_->Allocate(bytes); }
  PageResult Free(PhysAddr first, std::uint32_t bytes) { return guard_->Free(first, bytes); }
  std::optional<PageFrame> TakeFrame() { return guard_->TakeFrame(); }
  bool CanTakeFrames(std::uint32_t count) const { return guard_->CanTakeFrames(count); }
  void ResetCosts() { guard_->ResetCosts(); }

  PageGuard& guard() { return *guard_; }
  const PageAllocator& allocator() const { return guard_->allocator(); }
  const PageCosts& costs() const { return allocator().costs(); }
  std::vector<Count> Counts() const { return allocator().Counts(); }
  std::uint64_t Counter(std::string_view name, std::string_view label = {}) const { return CountOf(Counts(), name, label); }
  PageShape Shape() const { return allocator().Shape(); }
  std::uint64_t host_bytes() const { return guard_->host_bytes(); }
  std::vector<Violation> CheckInvariants() const { return allocator().CheckInvariants(); }

 private:
  const std::unique_ptr<PageGuard> guard_;
};

inline std::unique_ptr<TestedPages> MakeOrDie(PhysicalMemory& memory, const PageRunsOptions& options) {
  auto pages = MakePageRuns(memory, options);
  EXPECT_TRUE(pages.ok()) << pages.status();
  return pages.ok() ? std::make_unique<TestedPages>(*std::move(pages)) : nullptr;
}

inline std::vector<FreeRun> RunsOf(const TestedPages& pages) {
  std::vector<FreeRun> runs;
  pages.allocator().VisitBlocks({}, [&](const Block& block) {
    runs.push_back({PhysAddr(block.address), static_cast<std::uint32_t>(block.bytes)});
    return true;
  });
  return runs;
}

// One character per page of the arena, '.' free and '#' taken.
inline std::string Draw(const TestedPages& pages) {
  const Arena& arena = pages.allocator().arena();
  std::string picture(arena.bytes / kPageBytes, '#');
  for (const FreeRun& run : RunsOf(pages)) {
    picture.replace((run.first - arena.first) / kPageBytes, run.bytes / kPageBytes, run.bytes / kPageBytes, '.');
  }
  return picture;
}

inline std::vector<std::uint8_t> Dump(const PhysicalMemory& memory, PhysAddr first, std::uint64_t bytes) {
  std::vector<std::uint8_t> dump(bytes);
  EXPECT_TRUE(memory.Read(first, dump));
  return dump;
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_RUNS_PAGE_RUNS_TESTING_H_

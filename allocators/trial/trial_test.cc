// Trials of programs whose ELF files are in allocators/guest/testdata/programs: what they find, and the exact counts, which
// must be the same whatever computer and compiler the lab runs on and is built by.
#include "allocators/trial/trial.h"

#include <fstream>
#include <iterator>

#include "allocators/trial/profile.h"
#include "allocators/workload/builtins.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const ElfProgram> Program(const std::string& name) {
  std::ifstream file(ALLOCLAB_SOURCE_DIR "/allocators/guest/testdata/programs/" + name + ".elf", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  return std::make_shared<const ElfProgram>(*ElfProgram::Parse(bytes));
}

Trace Operations(std::vector<Operation> operations) {
  Trace trace;
  trace.operations = std::move(operations);
  trace.heap_handles = 16;
  return trace;
}
Operation Malloc(std::uint32_t block, std::uint32_t bytes) { return {.kind = OpKind::kMalloc, .block = block, .size = bytes}; }

Trace OnPages(std::vector<Operation> operations) {
  Trace trace;
  trace.operations = std::move(operations);
  trace.page_handles = 16;
  return trace;
}
Operation Allocate(std::uint32_t block, std::uint32_t pages) {
  return {.kind = OpKind::kAllocatePages, .block = block, .size = pages * kPageBytes};
}
Operation Free(std::uint32_t block) { return {.kind = OpKind::kFreePages, .block = block}; }

constexpr std::uint64_t kKallocInstructions = 9;  // of one that gives a page

TEST(Trial, ProgramsThatAreRight) {
  const Trace trace = *MakeBuiltin("sqlite", 0, 2000);
  for (const char* name : {"implicit", "kr", "segregated"}) {
    SCOPED_TRACE(name);
    const auto result = RunTrial(Program(name), trace, {});
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_FALSE(result->violation) << result->violation->what;
    EXPECT_EQ(result->operations, 2000u);
    EXPECT_EQ(result->total().operations, 2000u);
    EXPECT_GT(result->utilisation_ppm(), 300'000u);
    EXPECT_LE(result->utilisation_ppm(), 1'000'000u);
  }
}

TEST(Trial, CountsExactly) {
  const auto result = RunTrial(Program("implicit"), Operations({Malloc(0, 100), {.kind = OpKind::kFree, .block = 0}}), {});
  ASSERT_TRUE(result.ok());
  const TrialCosts& malloc = result->costs[static_cast<std::size_t>(OpKind::kMalloc)];
  EXPECT_EQ(malloc.instructions, 52u);
  EXPECT_EQ(malloc.loads, 10u);
  EXPECT_EQ(malloc.stores, 8u);
  EXPECT_EQ(malloc.Cycles(), 10 * 4 + 8 * 2 + (52 - 18) * 2u);
  EXPECT_EQ(result->live_peak_bytes, 100u);
  EXPECT_EQ(result->heap_peak_bytes, 4096u + 16);
  EXPECT_EQ(result->costliest_operation, 0u);
}

TEST(Trial, AProfileHasAllThatATrialCounts) {
  const Trace trace = *MakeBuiltin("sqlite", 0, 500);
  const auto trial = RunTrial(Program("segregated"), trace, {});
  const auto profile = MakeProfile(Program("segregated"), trace, {});
  ASSERT_TRUE(trial.ok() && profile.ok());
  InstructionCosts sum;
  for (const auto& [address, costs] : profile->by_address) sum.Add(costs);
  EXPECT_EQ(sum.instructions, trial->total().instructions);
  EXPECT_EQ(sum.loads, trial->total().loads);
  EXPECT_EQ(sum.stores, trial->total().stores);
  EXPECT_EQ(profile->result.total().Cycles(), trial->total().Cycles());
}

TEST(Trial, TheFirstThingThatIsWrongEndsIt) {
  const struct {
    std::uint32_t bytes;
    const char* what;
  } kWrong[] = {{1, "a null pointer"},
                {7, "abort()"},
                {9, "expected a multiple of 8"},
                {10, "overlap the live block"},
                {14, "malloc of 14 bytes was refused"}};
  for (const auto& wrong : kWrong) {
    const auto result = RunTrial(Program("misbehaves"), Operations({Malloc(0, 100), Malloc(1, wrong.bytes), Malloc(2, 8)}), {});
    ASSERT_TRUE(result.ok());
    ASSERT_TRUE(result->violation);
    EXPECT_EQ(result->violation->operation, 1u);
    EXPECT_EQ(result->operations, 1u);
    EXPECT_THAT(result->violation->what, HasSubstr(wrong.what));
  }
}

TEST(Trial, RefusesWhatCannotBeRun) {
  Trace pages = Operations({});
  pages.page_handles = 1;
  EXPECT_THAT(RunTrial(Program("kr"), pages, {}).status().message(), HasSubstr("operations on pages"));
  TrialOptions options;
  options.check = "no_such";
  EXPECT_THAT(RunTrial(Program("kr"), Operations({}), options).status().message(), HasSubstr("no function 'no_such'"));
  EXPECT_THAT(RunTrial(Program("kalloc"), OnPages({}), options).status().message(), HasSubstr("no function 'no_such'"));
  options = {};
  options.interface = "tlsf";
  EXPECT_THAT(RunTrial(Program("kr"), Operations({}), options).status().message(),
              HasSubstr("expected tlsf_malloc and tlsf_free"));
  options.interface = "palloc";
  EXPECT_THAT(RunTrial(Program("kalloc"), OnPages({}), options).status().message(), HasSubstr("expected kalloc"));
  EXPECT_THAT(RunTrial(Program("kr"), OnPages({}), options).status().message(), HasSubstr("exports no page allocator"));
}

TEST(PagesTrial, CountsExactly) {
  const auto result = RunTrial(Program("kalloc"), OnPages({Allocate(0, 1), Allocate(1, 1), Free(0), Allocate(0, 1)}), {});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_FALSE(result->violation);
  EXPECT_EQ(result->operations, 4u);
  const TrialCosts& allocate = result->costs[static_cast<std::size_t>(OpKind::kAllocatePages)];
  EXPECT_EQ(allocate.operations, 3u);
  EXPECT_EQ(allocate.instructions, 3 * kKallocInstructions);
  EXPECT_EQ(result->live_peak_bytes, 2 * kPageBytes);
  EXPECT_EQ(result->heap_peak_bytes, 2 * kPageBytes);
  EXPECT_EQ(result->costliest_operation, 2u) << "the free, which fills a page";
}

// A power of two of pages is more than was asked for; the lowest page to the end of the highest is what it took.
TEST(PagesTrial, UtilisationIsOfThePagesFromTheLowestToTheHighest) {
  const auto result = RunTrial(Program("buddy_pages"), OnPages({Allocate(0, 3), Allocate(1, 1)}), {});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_FALSE(result->violation);
  EXPECT_EQ(result->live_peak_bytes, 4 * kPageBytes);
  EXPECT_EQ(result->heap_peak_bytes % kPageBytes, 0u);
  EXPECT_GE(result->heap_peak_bytes, 5 * kPageBytes);
}

TEST(PagesTrial, TheFirstThingThatIsWrongEndsIt) {
  const struct {
    std::uint32_t pages;
    const char* what;
  } kWrong[] = {{2, "a null pointer"},
                {3, "expected a multiple of 4096"},
                {4, "not in the arena"},
                {5, "is in use"},
                {6, "not back after 20000000 steps"},
                {7, "a page that it has given, which is in use"},
                {8, "it may not be written"},
                {10, "allocate_pages of 40960 bytes was refused, with 33550336 of 33554432 bytes not in use"}};
  for (const auto& wrong : kWrong) {
    SCOPED_TRACE(wrong.pages);
    const auto result =
        RunTrial(Program("pages_misbehave"), OnPages({Allocate(0, 1), Allocate(1, wrong.pages), Allocate(2, 1)}), {});
    ASSERT_TRUE(result.ok()) << result.status();
    ASSERT_TRUE(result->violation);
    EXPECT_EQ(result->violation->operation, 1u);
    EXPECT_EQ(result->operations, 1u);
    EXPECT_THAT(result->violation->what, HasSubstr(wrong.what));
  }
}

TEST(PagesTrial, AWorkloadMustFit) {
  const auto refused = [](const std::string& program, const Trace& trace) {
    return std::string(RunTrial(Program(program), trace, {}).status().message());
  };
  EXPECT_THAT(refused("kalloc", Operations({Malloc(0, 8)})), HasSubstr("operations on a heap"));
  EXPECT_THAT(refused("kalloc", OnPages({Allocate(0, 1), Allocate(1, 2)})),
              HasSubstr("operation 1 asks for 8192 bytes; interface kalloc gives single pages"));
  const Operation part{.kind = OpKind::kFreePagesPart, .block = 0, .size = kPageBytes};
  EXPECT_THAT(refused("buddy_pages", OnPages({Allocate(0, 2), part})), HasSubstr("interface free_pages frees whole ones"));
  EXPECT_EQ(refused("kalloc", OnPages({Allocate(0, 1), part})), "");
}

// What a PageGuard refuses no program is asked for.
TEST(PagesTrial, MisuseIsNotPassedOn) {
  const Operation odd{.kind = OpKind::kAllocatePages, .block = 1, .size = 100},
      part{.kind = OpKind::kFreePagesPart, .block = 0, .size = kPageBytes, .extra = kPageBytes};
  const auto result = RunTrial(Program("kalloc"), OnPages({Allocate(0, 1), odd, Free(1), Free(2), part, Free(0), Free(0)}), {});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_FALSE(result->violation) << result->violation->what;
  EXPECT_EQ(result->operations, 7u);
}

TEST(PagesTrial, AProfileHasAllThatATrialCounts) {
  const Trace trace = *MakeBuiltin("kernel-pages", 0, 500);
  const auto trial = RunTrial(Program("buddy_pages"), trace, {});
  const auto profile = MakeProfile(Program("buddy_pages"), trace, {});
  ASSERT_TRUE(trial.ok() && profile.ok()) << trial.status() << profile.status();
  EXPECT_FALSE(trial->violation) << trial->violation->what;
  InstructionCosts sum;
  for (const auto& [address, costs] : profile->by_address) sum.Add(costs);
  EXPECT_GT(sum.instructions, 0u);
  EXPECT_EQ(sum.instructions, trial->total().instructions);
  EXPECT_EQ(sum.loads, trial->total().loads);
  EXPECT_EQ(sum.stores, trial->total().stores);
}

}  // namespace
}  // namespace alloclab

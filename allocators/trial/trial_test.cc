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
  EXPECT_THAT(RunTrial(Program("kr"), Operations({}), {.heap = {}, .fresh_byte = 0, .check = "no_such", .check_every = 1})
                  .status()
                  .message(),
              HasSubstr("no function 'no_such'"));
  EXPECT_THAT(
      RunTrial(Program("kr"), Operations({}), {.heap = {.interface = "tlsf"}, .fresh_byte = 0, .check = "", .check_every = 1})
          .status()
          .message(),
      HasSubstr("expected tlsf_malloc and tlsf_free"));
}

}  // namespace
}  // namespace alloclab

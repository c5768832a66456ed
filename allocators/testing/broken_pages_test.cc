// The suite can fail for pages too: an allocator with one fault is found, and said to be what it is.
#include <ostream>
#include <string>

#include "allocators/testing/configurations.h"
#include "allocators/testing/instructions.h"
#include "allocators/testing/look.h"
#include "allocators/testing/tiny_pages_testing.h"
#include "allocators/testing/world.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::HasSubstr;

struct Case {
  std::string name;
  TinyPagesFault fault;
  Instructions instructions;
  std::string message;
  friend void PrintTo(const Case& broken, std::ostream* out) { *out << broken.name; }
};

std::unique_ptr<World> MakeWorld(TinyPagesFault fault, const Mix& mix = WildMixes().front()) {
  const PageAllocatorInfo pages = TinyPagesInfo(fault);
  const Configuration configuration{
      .name = "tiny", .pages = &pages, .heap = *FindHeapAllocator("none"), .guarded = true, .parameters = {}};
  return std::make_unique<World>(configuration.MakeInstance(mix), World::Expects::kContract);
}

class BrokenPagesTest : public testing::TestWithParam<Case> {};

TEST_P(BrokenPagesTest, AreFoundAndSaidToBeWhatTheyAre) {
  const auto& [name, fault, instructions, message] = GetParam();
  EXPECT_EQ(MakeWorld(TinyPagesFault::kNone)->ApplyAll(instructions), "");
  EXPECT_THAT(MakeWorld(fault)->ApplyAll(instructions), HasSubstr(message));
}

TEST_P(BrokenPagesTest, AreFoundByRandomPrograms) {
  int found = 0;
  for (const Mix& mix : WildMixes()) {
    found += !MakeWorld(GetParam().fault, mix)->ApplyAll(RandomInstructions(1, mix, 300)).empty();
  }
  EXPECT_GE(found, 1);
}

INSTANTIATE_TEST_SUITE_P(
    Faults, BrokenPagesTest,
    testing::Values(Case{"GivesLivePages",
                         TinyPagesFault::kGivesLivePages,
                         {AllocatePages{.pages = 2}},
                         "gives 8192 bytes, but only 4096 less are free"},
                    Case{"ForgetsAPage",
                         TinyPagesFault::kForgetsAPage,
                         {AllocatePages{.pages = 2}, FreePages{}},
                         "gives back 4096 bytes of the 8192 that the block took"},
                    Case{"IgnoresCursor",
                         TinyPagesFault::kIgnoresCursor,
                         {AllocatePages{.pages = 1}, AllocatePages{.pages = 1}, FreePages{}},
                         "a walk that goes on exactly at 0x3000 shows 2 blocks, not the last 1 of 2"},
                    Case{"Miscounts", TinyPagesFault::kMiscounts, {AllocatePages{.pages = 1}}, "has a shape of"},
                    Case{"TakesOnRefusal",
                         TinyPagesFault::kTakesOnRefusal,
                         {AllocateLength{.bytes = 1u << 30}},
                         "ends with out_of_memory, but changes free bytes of pages"}),
    [](const auto& broken) { return broken.param.name; });

TEST(BrokenPages, ThatAreNotRestoredAreSeen) {
  const auto world = MakeWorld(TinyPagesFault::kForgetsOnRestore);
  const auto saved = world->Save();
  ASSERT_EQ(world->Apply(AllocatePages{.pages = 1}), "");
  world->Restore(*saved);
  EXPECT_THAT(FindDifference(world->look(), LookAt(world->instance()), Compared::kEverything),
              HasSubstr("free bytes of pages"));
}

}  // namespace
}  // namespace alloclab

// The suite can fail: a heap with one fault is found, and said to be what it is.
#include <ostream>
#include <string>

#include "allocators/testing/configurations.h"
#include "allocators/testing/instructions.h"
#include "allocators/testing/tiny_heap_testing.h"
#include "allocators/testing/world.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::HasSubstr;

struct Case {
  std::string name;
  TinyFault fault;
  Instructions instructions;
  std::string message;
  friend void PrintTo(const Case& broken, std::ostream* out) { *out << broken.name; }
};

std::string WhatIsWrong(TinyFault fault, const Instructions& instructions, const Mix& mix = WildMixes().front()) {
  const HeapAllocatorInfo heap = TinyHeapInfo(fault);
  const Configuration configuration{
      .name = "tiny", .pages = &PageAllocators().front(), .heap = &heap, .guarded = true, .parameters = {}};
  return World(configuration.MakeInstance(mix), World::Expects::kContract).ApplyAll(instructions);
}

class BrokenHeapTest : public testing::TestWithParam<Case> {};

TEST_P(BrokenHeapTest, IsFoundAndSaidToBeWhatItIs) {
  const auto& [name, fault, instructions, message] = GetParam();
  EXPECT_EQ(WhatIsWrong(TinyFault::kNone, instructions), "");
  EXPECT_THAT(WhatIsWrong(fault, instructions), HasSubstr(message));
}

TEST_P(BrokenHeapTest, IsFoundByRandomPrograms) {
  int found = 0;
  for (const Mix& mix : WildMixes()) found += !WhatIsWrong(GetParam().fault, RandomInstructions(1, mix, 300), mix).empty();
  EXPECT_GE(found, 1);
}

TEST(TinyHeapTest, IsWellWithoutAFault) {
  for (const Mix& mix : WildMixes()) {
    EXPECT_EQ(WhatIsWrong(TinyFault::kNone, RandomInstructions(1, mix, 300), mix), "") << mix.name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Faults, BrokenHeapTest,
    testing::Values(
        Case{"GivesLiveBlocks",
             TinyFault::kGivesLiveBlocks,
             {Malloc{.bytes = 24}, Malloc{.bytes = 24}},
             "overlaps the live block at"},
        Case{"Misaligns", TinyFault::kMisaligns, {Malloc{.bytes = 24}}, "gives 0xc040000c, no multiple of 8"},
        Case{"HidesFreeBlocks",
             TinyFault::kHidesFreeBlocks,
             {Malloc{.bytes = 24}, Malloc{.bytes = 24}, Free{}},
             "shows a block at 0xc0400028, but the one before ends at 0xc0400000"},
        Case{"CountsRefusals",
             TinyFault::kCountsRefusals,
             {Malloc{.bytes = 100'000}},
             "ends with heap_limit, but changes counter refusals of the heap: 0, then 1"},
        Case{"CallocIsMalloc",
             TinyFault::kCallocIsMalloc,
             {Malloc{.bytes = 24}, Free{}, Calloc{.count = 3, .bytes = 8}},
             "the 24 bytes at 0xc0400008 are not all zero"},
        Case{"SmashesNeighbour",
             TinyFault::kSmashesNeighbour,
             {Malloc{.bytes = 24}, Malloc{.bytes = 24}, Free{}},
             "byte 0 of the block at 0xc0400030 is 0, but 79 was written"},
        Case{"ReallocForgets",
             TinyFault::kReallocForgets,
             {Malloc{.bytes = 24}, Realloc{.bytes = 48}},
             "byte 0 of the block at 0xc0400030 is 1, but 168 was written"},
        Case{"CounterFalls",
             TinyFault::kCounterFalls,
             {Malloc{.bytes = 24}, Free{}},
             "counter mallocs of the heap: 1, then only 0"},
        Case{"IgnoresCursor",
             TinyFault::kIgnoresCursor,
             {Malloc{.bytes = 24}, Malloc{.bytes = 24}, Malloc{.bytes = 24}, Free{.block = 2}},
             "a walk that goes on exactly at 0xc0400028 shows"},
        Case{"Miscounts",
             TinyFault::kMiscounts,
             {Malloc{.bytes = 24}, Free{}},
             "has 0 live, 41 free and 0 metadata bytes: 41 of a heap of 40"},
        Case{"ZeroIsDoubleFree", TinyFault::kZeroIsDoubleFree, {Malloc{}}, "Malloc{}: ends with double_free, not zero_size"}),
    [](const auto& broken) { return broken.param.name; });

}  // namespace
}  // namespace alloclab

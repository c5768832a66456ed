#include "allocators/testing/instructions.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <sstream>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

TEST(InstructionsTest, PrintThemselvesAsCode) {
  const Instructions instructions = {Malloc{.bytes = 24}, FreeNear{.block = 3, .offset = -4},
                                     FreeAddress{.address = 0xC0400008}, GiveFrames{}, Free{}};
  EXPECT_EQ(
      Print(instructions),
      "{Malloc{.bytes = 24},\n FreeNear{.block = 3, .offset = -4},\n FreeAddress{.address = 0xc0400008},\n GiveFrames{},\n "
      "Free{}}");
  EXPECT_EQ(Print({}), "{}");
}

TEST(InstructionsTest, EachKindComesFromSomeBytes) {
  std::set<std::size_t> kinds;
  for (const Mix& mix : WildMixes()) {
    for (const Instruction& instruction : RandomInstructions(7, mix, 2000)) kinds.insert(instruction.index());
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<Instruction>);
}

TEST(InstructionsTest, ASeedGivesTheSameAgain) {
  const Mix& mix = WildMixes().front();
  EXPECT_EQ(RandomInstructions(1, mix, 500).size(), 500u);
  EXPECT_EQ(Print(RandomInstructions(1, mix, 500)), Print(RandomInstructions(1, mix, 500)));
  EXPECT_NE(Print(RandomInstructions(1, mix, 500)), Print(RandomInstructions(2, mix, 500)));
}

TEST(InstructionsTest, BytesThatEndInTheMiddleAreAnInstructionToo) {
  const std::array<std::uint8_t, 3> bytes = {0, 0, 2};
  EXPECT_EQ(Print(Decode(bytes, CorrectMixes().front(), 10)), "{Malloc{.bytes = 1}}");
  EXPECT_TRUE(Decode({}, CorrectMixes().front(), 10).empty());
}

TEST(InstructionsTest, CorrectProgramsOnlyDoWhatIsRight) {
  for (const Mix& mix : CorrectMixes()) {
    for (const Instruction& instruction : RandomInstructions(3, mix, 2000)) {
      if (const auto* malloc = std::get_if<Malloc>(&instruction)) {
        ASSERT_TRUE(malloc->bytes >= 1 && malloc->bytes <= mix.bytes_max) << instruction;
      }
      ASSERT_FALSE(std::holds_alternative<FreeNear>(instruction) || std::holds_alternative<FreeRange>(instruction));
    }
  }
}

TEST(InstructionsTest, ShrinkLeavesWhatFails) {
  Instructions instructions = RandomInstructions(5, CorrectMixes().front(), 100);
  instructions[40] = FreeAddress{.address = 8};
  instructions[70] = FreeAddress{.address = 16};
  const auto wild = [](std::span<const Instruction> part) {
    return std::ranges::count_if(part, [](const Instruction& i) { return std::holds_alternative<FreeAddress>(i); }) == 2;
  };
  EXPECT_EQ(Print(Shrink(instructions, wild)), "{FreeAddress{.address = 8},\n FreeAddress{.address = 16}}");
}

}  // namespace
}  // namespace alloclab

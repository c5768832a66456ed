// The contract, kept by every allocator of the catalogue in every way it can be made: world.h says what it is. A new entry of
// the catalogue is tested without a change here.
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "allocators/catalog/catalog.h"
#include "allocators/testing/configurations.h"
#include "allocators/testing/instructions.h"
#include "allocators/testing/tiny_pages_testing.h"
#include "allocators/testing/world.h"
#include "allocators/workload/xoshiro256.h"
#include "gtest/gtest.h"

namespace alloclab {

void PrintTo(const Configuration& configuration, std::ostream* out) { *out << configuration.name; }
void PrintTo(const Mix& mix, std::ostream* out) { *out << mix.name; }

namespace {

constexpr std::size_t kInstructions = 400;

// Printed; --gtest_random_seed sets it.
std::uint64_t Seed() {
  const auto seed = static_cast<std::uint64_t>(testing::UnitTest::GetInstance()->random_seed());
  std::cout << "--gtest_random_seed=" << seed << '\n';
  return seed;
}

World MakeWorld(const Configuration& configuration, const Mix& mix, World::Expects expects = World::Expects::kContract) {
  return {configuration.MakeInstance(mix), expects};
}

// The instructions on a new machine; of those with which something is wrong a short list that is, to be pasted.
void ExpectWell(const Configuration& configuration, const Mix& mix, const Instructions& instructions,
                World::Expects expects = World::Expects::kContract) {
  const auto wrong = [&](std::span<const Instruction> part) { return MakeWorld(configuration, mix, expects).ApplyAll(part); };
  if (wrong(instructions).empty()) return;
  const Instructions shortest = Shrink(instructions, [&](auto part) { return !wrong(part).empty(); });
  ADD_FAILURE() << wrong(shortest) << "\nafter\n" << Print(shortest);
}

std::vector<Configuration> Select(bool guarded) {
  std::vector<Configuration> selected;
  for (const Configuration& configuration : Configurations()) {
    if (configuration.guarded == guarded) selected.push_back(configuration);
  }
  return selected;
}
std::vector<Configuration> WithHeap(std::vector<Configuration> configurations) {
  std::erase_if(configurations, [](const Configuration& configuration) { return !configuration.has_heap(); });
  return configurations;
}

std::string Name(const Configuration& configuration) { return configuration.name; }
std::string Name(const Mix& mix) { return std::string(mix.name); }
std::string Name(const std::vector<Configuration>& group) { return group.front().name; }
struct Named {
  template <class T>
  std::string operator()(const testing::TestParamInfo<std::tuple<T, Mix>>& info) const {
    return absl::StrCat(Name(std::get<0>(info.param)), "_", Name(std::get<1>(info.param)));
  }
  template <class T>
  std::string operator()(const testing::TestParamInfo<T>& info) const {
    return Name(info.param);
  }
};

using ConfigurationAndMix = std::tuple<Configuration, Mix>;
ConfigurationAndMix Fitting(const ConfigurationAndMix& parameters) {
  const auto& [configuration, mix] = parameters;
  return {configuration, configuration.Fitting(mix)};
}
class CorrectProgramTest : public testing::TestWithParam<ConfigurationAndMix> {};
class WildProgramTest : public testing::TestWithParam<ConfigurationAndMix> {};
class UnguardedWildProgramTest : public testing::TestWithParam<ConfigurationAndMix> {};
class RestoreTest : public testing::TestWithParam<ConfigurationAndMix> {};
class CopyTest : public testing::TestWithParam<ConfigurationAndMix> {};
class UnguardedIsGuardedTest : public testing::TestWithParam<ConfigurationAndMix> {};
class EnginesAgreeTest : public testing::TestWithParam<std::tuple<std::vector<Configuration>, Mix>> {};

TEST_P(CorrectProgramTest, KeepsTheContract) {
  const auto [configuration, mix] = Fitting(GetParam());
  ExpectWell(configuration, mix, RandomInstructions(Seed(), mix, kInstructions));
}

TEST_P(WildProgramTest, KeepsTheContract) {
  const auto [configuration, mix] = Fitting(GetParam());
  ExpectWell(configuration, mix, RandomInstructions(Seed(), mix, kInstructions));
}

TEST_P(UnguardedWildProgramTest, HarmsNobodyAndReturns) {
  const auto [configuration, mix] = Fitting(GetParam());
  const std::uint64_t seed = Seed();
  for (std::uint64_t round = 0; round < 10; ++round) {
    ExpectWell(configuration, mix, RandomInstructions(seed * 10 + round, mix, kInstructions / 10), World::Expects::kNoHarm);
  }
}

// What went on is gone, and what comes next is as it was the first time.
TEST_P(RestoreTest, GoesOnIdentically) {
  const auto [configuration, mix] = Fitting(GetParam());
  const std::uint64_t seed = Seed();
  World world = MakeWorld(configuration, mix);
  for (std::uint64_t round = 0; round < 8; ++round) {
    const Instructions before = RandomInstructions(seed + round, mix, 20), after = RandomInstructions(~seed - round, mix, 20);
    ASSERT_EQ(world.ApplyAll(before), "") << Print(before);
    const auto saved = world.Save();
    std::vector<World::Step> steps;
    for (const Instruction& instruction : after) {
      ASSERT_EQ(world.Apply(instruction), "");
      steps.push_back(world.step());
    }
    const Look end = world.look();
    ASSERT_EQ(world.ApplyAll(RandomInstructions(seed ^ round, mix, round)), "");
    world.Restore(*saved);
    EXPECT_EQ(FindDifference(world.look(), LookAt(world.instance()), Compared::kEverything), "");
    for (std::size_t i = 0; i < after.size(); ++i) {
      ASSERT_EQ(world.Apply(after[i]), "") << "after a restore";
      ASSERT_TRUE(world.step() == steps[i]) << after[i] << " is not what it was: " << OutcomeName(world.step().outcome);
    }
    ASSERT_EQ(FindDifference(end, world.look(), Compared::kEverything), "") << Print(after);
  }
}

// A copy of a machine goes on as the machine does, and neither sees what the other one does.
TEST_P(CopyTest, GoesOnIdenticallyAndAlone) {
  const auto [configuration, mix] = Fitting(GetParam());
  const std::uint64_t seed = Seed();
  World world = MakeWorld(configuration, mix, configuration.guarded ? World::Expects::kContract : World::Expects::kNoHarm);
  const auto differs = [](World& from, const Look& expected) {
    return FindDifference(expected, LookAt(from.instance()), Compared::kEverything);
  };
  for (std::uint64_t round = 0; round < 4; ++round) {
    const Instructions before = RandomInstructions(seed + round, mix, 20), after = RandomInstructions(~seed - round, mix, 20);
    ASSERT_EQ(world.ApplyAll(before), "") << Print(before);
    const std::unique_ptr<World> copy = world.Copy();
    const Look here = LookAt(world.instance());
    ASSERT_EQ(differs(*copy, here), "") << "as it is made";
    std::vector<World::Step> steps;
    for (const Instruction& instruction : after) {
      ASSERT_EQ(copy->Apply(instruction), "") << "on the copy";
      steps.push_back(copy->step());
    }
    ASSERT_EQ(differs(world, here), "") << "by what was done to the copy";
    for (std::size_t i = 0; i < after.size(); ++i) {
      ASSERT_EQ(world.Apply(after[i]), "");
      ASSERT_TRUE(world.step() == steps[i]) << after[i] << " was " << OutcomeName(steps[i].outcome) << " on the copy, and here "
                                            << OutcomeName(world.step().outcome);
    }
    const Look end = LookAt(world.instance());
    ASSERT_EQ(differs(*copy, end), "") << Print(after);
    ASSERT_EQ(world.ApplyAll(before), "");
    ASSERT_EQ(differs(*copy, end), "") << "by what was done to the original";
  }
}

// Several machines that are used alike, the first one is what the others are compared with.
void ExpectAgreement(const std::vector<Configuration>& configurations, const Mix& mix, const Instructions& instructions) {
  std::vector<std::unique_ptr<World>> worlds;
  for (const Configuration& configuration : configurations) {
    worlds.push_back(std::make_unique<World>(configuration.MakeInstance(mix), World::Expects::kContract));
  }
  for (std::size_t i = 0; i < instructions.size(); ++i) {
    for (std::size_t w = 0; w < worlds.size(); ++w) {
      SCOPED_TRACE(configurations[w].name);
      ASSERT_EQ(worlds[w]->Apply(instructions[i]), "");
      ASSERT_EQ(FindDifference(worlds[0]->look(), worlds[w]->look(), Compared::kEverything), "")
          << Print(std::span(instructions).first(i + 1));
      ASSERT_TRUE(worlds[0]->step() == worlds[w]->step())
          << OutcomeName(worlds[0]->step().outcome) << ", then " << OutcomeName(worlds[w]->step().outcome) << '\n'
          << Print(std::span(instructions).first(i + 1));
    }
  }
}

TEST_P(EnginesAgreeTest, InEverything) {
  const auto& [group, any_mix] = GetParam();
  const Mix mix = group.front().Fitting(any_mix);
  ExpectAgreement(group, mix, RandomInstructions(Seed(), mix, kInstructions));
}

TEST_P(UnguardedIsGuardedTest, ForACorrectProgram) {
  const auto [configuration, mix] = Fitting(GetParam());
  Instructions instructions = RandomInstructions(Seed(), mix, kInstructions);
  if (!configuration.pages->declaration->frees_parts) {  // no correct program does it there
    std::erase_if(instructions, [](const Instruction& each) { return std::holds_alternative<FreePagesPart>(each); });
  }
  ExpectAgreement({GuardedTwin(configuration), configuration}, mix, instructions);
}

const auto kEachCorrect = testing::ValuesIn(CorrectMixes().begin(), CorrectMixes().end());
const auto kEachWild = testing::ValuesIn(WildMixes().begin(), WildMixes().end());
INSTANTIATE_TEST_SUITE_P(All, CorrectProgramTest, testing::Combine(testing::ValuesIn(Configurations()), kEachCorrect), Named());
INSTANTIATE_TEST_SUITE_P(All, WildProgramTest, testing::Combine(testing::ValuesIn(Select(true)), kEachWild), Named());
INSTANTIATE_TEST_SUITE_P(All, UnguardedWildProgramTest, testing::Combine(testing::ValuesIn(Select(false)), kEachWild), Named());
INSTANTIATE_TEST_SUITE_P(All, RestoreTest, testing::Combine(testing::ValuesIn(Select(true)), kEachWild), Named());
INSTANTIATE_TEST_SUITE_P(All, CopyTest, testing::Combine(testing::ValuesIn(Configurations()), kEachWild), Named());
INSTANTIATE_TEST_SUITE_P(All, EnginesAgreeTest,
                         testing::Combine(testing::ValuesIn(ConfigurationsThatDifferInEngines()), kEachWild), Named());
INSTANTIATE_TEST_SUITE_P(All, UnguardedIsGuardedTest, testing::Combine(testing::ValuesIn(Select(false)), kEachCorrect),
                         Named());

// Or else the tests above say little.
TEST(WildProgramsTest, MeetEachOutcomeThereIsForThem) {
  std::set<std::string_view> seen;
  for (const Mix& mix : WildMixes()) {
    World world = MakeWorld(WithHeap(Select(true)).front(), mix);
    for (const Instruction& instruction : RandomInstructions(1, mix, 2 * kInstructions)) {
      ASSERT_EQ(world.Apply(instruction), "");
      seen.insert(OutcomeName(world.step().outcome));
    }
  }
  for (const Outcome outcome :
       {Outcome::kOk, Outcome::kZeroSize, Outcome::kOutOfMemory, Outcome::kHeapLimit, Outcome::kFragmented,
        Outcome::kSizeOverflow, Outcome::kDoubleFree, Outcome::kInteriorPointer, Outcome::kForeignPointer,
        Outcome::kMisalignedPointer, Outcome::kZeroLength, Outcome::kNegativeLength, Outcome::kUnalignedLength,
        Outcome::kOutsideArena, Outcome::kOverlapsFree, Outcome::kFrameInUse}) {
    EXPECT_TRUE(seen.contains(OutcomeName(outcome))) << OutcomeName(outcome);
  }
}

// Each misuse once. A World foretells each outcome; this says what they are.
class MisuseTest : public testing::TestWithParam<Configuration> {
 protected:
  MisuseTest() : world_(GetParam().MakeInstance(WildMixes().front()), World::Expects::kContract) {}

  void Expect(const Instruction& instruction, Outcome expected) {
    ASSERT_EQ(world_.Apply(instruction), "");
    ASSERT_EQ(OutcomeName(world_.step().outcome), OutcomeName(expected)) << instruction;
  }
  const Declaration& heap() { return world_.instance().heap()->declaration(); }

  World world_;
};
class HeapMisuseTest : public MisuseTest {};
class PageMisuseTest : public MisuseTest {};

TEST_P(HeapMisuseTest, EachHasItsOutcome) {
  for (int i = 0; i < 4; ++i) Expect(Malloc{.bytes = 64}, Outcome::kOk);
  const auto alignment = static_cast<std::int32_t>(heap().alignment);
  Expect(FreeNear{.offset = 1}, Outcome::kMisalignedPointer);
  Expect(FreeNear{.offset = alignment}, heap().shows_blocks ? Outcome::kInteriorPointer : Outcome::kDoubleFree);
  Expect(FreeAddress{.address = heap().alignment}, Outcome::kForeignPointer);
  Expect(FreeAddress{.address = world_.instance().heap()->brk().raw()}, Outcome::kForeignPointer);
  Expect(FreeAddress{.address = 0}, Outcome::kOk);
  Expect(Realloc{.block = 1, .bytes = 0}, Outcome::kZeroSize);
  Expect(Free{.block = 1}, Outcome::kOk);
  Expect(FreeAgain{}, Outcome::kDoubleFree);
  const std::uint32_t freed = world_.instance().heap()->start().raw();
  Expect(FreeAddress{.address = freed - heap().alignment}, Outcome::kForeignPointer);
  if (heap().request_max != ~0u) Expect(Malloc{.bytes = heap().request_max + 1}, Outcome::kSizeOverflow);
  Expect(Calloc{.count = 1 << 16, .bytes = (1 << 16) + 1}, Outcome::kSizeOverflow);
  Expect(Calloc{.count = ~0u, .bytes = ~0u}, Outcome::kSizeOverflow);
}

TEST_P(PageMisuseTest, EachHasItsOutcome) {
  const PageAllocator& pages = world_.instance().pages();
  const std::uint32_t arena_bytes = pages.arena().bytes;
  Expect(AllocateLength{.bytes = 0}, Outcome::kZeroLength);
  Expect(AllocateLength{.bytes = 1u << 31}, Outcome::kNegativeLength);
  Expect(AllocateLength{.bytes = kPageBytes + 1}, Outcome::kUnalignedLength);
  const bool single = pages.Shape().largest_free_bytes == kPageBytes;  // it gives no more at once
  Expect(AllocatePages{.pages = single ? 1u : 4u}, Outcome::kOk);
  const std::uint32_t block = world_.step().address - pages.arena().first.raw();
  Expect(FreeRange{.offset = block, .bytes = 0}, Outcome::kZeroLength);
  Expect(FreeRange{.offset = block, .bytes = 0u - kPageBytes}, Outcome::kNegativeLength);
  Expect(FreeRange{.offset = block, .bytes = kPageBytes - 1}, Outcome::kUnalignedLength);
  Expect(FreeRange{.offset = block + kWordBytes, .bytes = kPageBytes}, Outcome::kMisalignedPointer);
  Expect(FreeRange{.offset = arena_bytes, .bytes = kPageBytes}, Outcome::kOutsideArena);
  if (single) {
    Expect(FreePages{}, Outcome::kOk);
  } else if (pages.declaration().frees_parts) {
    Expect(FreePagesPart{.from = 2, .pages = 1}, Outcome::kOk);
    Expect(FreeRange{.offset = block + 2 * kPageBytes, .bytes = kPageBytes}, Outcome::kDoubleFree);
    Expect(FreeRange{.offset = block, .bytes = 3 * kPageBytes}, Outcome::kOverlapsFree);
    Expect(FreePages{}, Outcome::kOk);
  } else {
    Expect(FreePagesPart{.from = 2, .pages = 1}, Outcome::kPartialFree);
    Expect(FreePages{}, Outcome::kOk);
  }
  Expect(FreeRange{.offset = block, .bytes = kPageBytes}, Outcome::kDoubleFree);
  if (!GetParam().has_heap()) return Expect(Malloc{.bytes = 1}, Outcome::kUnsupported);
  const std::uint32_t directory = world_.instance().space()->page_directory().raw();
  Expect(FreeRange{.offset = directory - pages.arena().first.raw(), .bytes = kPageBytes}, Outcome::kFrameInUse);
}

// Frames that run out at each moment of an operation: with fewer frames left than it takes it is refused and leaves no trace.
class RunsDryTest : public testing::TestWithParam<Configuration> {};

void ExpectRefusedWhenDry(World& world, const Instruction& instruction) {
  SCOPED_TRACE(testing::Message() << instruction);
  const auto saved = world.Save();
  ASSERT_EQ(world.Apply(instruction), "");
  ASSERT_EQ(world.step().outcome, Outcome::kOk);
  const World::Step step = world.step();
  for (std::int64_t left = 0; left <= step.frames; ++left) {
    world.Restore(*saved);
    ASSERT_EQ(world.Apply(TakeFramesUntil{.left = static_cast<std::uint32_t>(left)}), "");
    ASSERT_EQ(world.Apply(instruction), "") << left << " frames left of " << step.frames;
    ASSERT_EQ(world.step().outcome == Outcome::kOk, left == step.frames)
        << OutcomeName(world.step().outcome) << " with " << left << " frames left of " << step.frames;
    ASSERT_EQ(world.Apply(GiveFrames{}), "");
    if (left == step.frames) continue;
    ASSERT_EQ(world.Apply(instruction), "") << "when frames are there again";
    ASSERT_EQ(world.step().address, step.address);
  }
  world.Restore(*saved);
}

TEST_P(RunsDryTest, AtEachMoment) {
  const Mix mix = GetParam().Fitting(WildMixes().front()), correct = GetParam().Fitting(CorrectMixes().front());
  const auto fitting = [](std::uint32_t bytes) { return std::min(bytes, GetParam().heap->declaration->request_max); };
  const std::uint64_t seed = Seed();
  std::int64_t taken = 0;
  for (std::uint64_t round = 0; round < 4; ++round) {
    World world = MakeWorld(GetParam(), mix);
    ASSERT_EQ(world.ApplyAll(RandomInstructions(seed + round, correct, 15 * round)), "");
    for (const Instruction& instruction :
         {Instruction(Malloc{.bytes = 100}), Instruction(Malloc{.bytes = 4096}), Instruction(Malloc{.bytes = fitting(30'000)}),
          Instruction(Calloc{.count = 3, .bytes = fitting(3 * 7'000) / 3}), Instruction(Realloc{.bytes = fitting(9'000)}),
          Instruction(Realloc{.block = 3, .bytes = fitting(20'000)}), Instruction(Free{.block = 1})}) {
      ASSERT_NO_FATAL_FAILURE(ExpectRefusedWhenDry(world, instruction));
      ASSERT_EQ(world.Apply(instruction), "");
      taken += world.step().frames;
    }
  }
  EXPECT_GT(taken, 0);
}

INSTANTIATE_TEST_SUITE_P(All, HeapMisuseTest, testing::ValuesIn(WithHeap(Select(true))), Named());
INSTANTIATE_TEST_SUITE_P(All, PageMisuseTest, testing::ValuesIn(Select(true)), Named());
INSTANTIATE_TEST_SUITE_P(All, RunsDryTest, testing::ValuesIn(WithHeap(Select(true))), Named());

// The catalogue has no allocator that frees whole blocks only.
std::vector<Configuration> OnWholeBlocks(bool guarded) {
  static const auto& pages = *new PageAllocatorInfo(TinyPagesInfo(TinyPagesFault::kNone));
  return {{"tiny_pages", &pages, *FindHeapAllocator("none"), guarded, {}},
          {"heap_on_tiny_pages", &pages, &HeapAllocators().front(), guarded, {}}};
}
const auto kOnWholeBlocks = testing::ValuesIn(OnWholeBlocks(true));
INSTANTIATE_TEST_SUITE_P(WholeBlocks, CorrectProgramTest, testing::Combine(kOnWholeBlocks, kEachCorrect), Named());
INSTANTIATE_TEST_SUITE_P(WholeBlocks, WildProgramTest, testing::Combine(kOnWholeBlocks, kEachWild), Named());
INSTANTIATE_TEST_SUITE_P(WholeBlocks, UnguardedWildProgramTest,
                         testing::Combine(testing::ValuesIn(OnWholeBlocks(false)), kEachWild), Named());
INSTANTIATE_TEST_SUITE_P(WholeBlocks, RestoreTest, testing::Combine(kOnWholeBlocks, kEachWild), Named());
INSTANTIATE_TEST_SUITE_P(WholeBlocks, PageMisuseTest, kOnWholeBlocks, Named());
INSTANTIATE_TEST_SUITE_P(WholeBlocks, RunsDryTest, testing::ValuesIn(WithHeap(OnWholeBlocks(true))), Named());

}  // namespace
}  // namespace alloclab

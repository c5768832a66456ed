#include "allocators/machine/journal.h"

#include <random>

#include "allocators/machine/machine_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::Optional;

TEST(Journal, RollbackLeavesAMachineThatNeverRanTheOperation) {
  constexpr std::uint32_t kSeed = 20260202;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937 engine(kSeed);
  TestMachine machine, twin;
  for (int round = 0; round < 150 && !testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE(testing::Message() << "round " << round);
    const CountedFrames frames = machine.frames;
    {
      Journal journal(machine.memory, machine.space.get());
      for (int i = static_cast<int>(engine() % 20); i >= 0; --i) machine.ChangeSomething(engine, TestMachine::kFrames);
      if (engine() % 2 == 0) journal.Rollback();
    }
    machine.frames = frames;
    ExpectSame(machine, twin);
    EXPECT_EQ(machine.Cached(), twin.Cached());
    for (int i = static_cast<int>(engine() % 5); i >= 0; --i) {
      std::mt19937 same = engine;
      twin.ChangeSomething(same, TestMachine::kFrames);
      machine.ChangeSomething(engine, TestMachine::kFrames);
    }
    ExpectSame(machine, twin);
    EXPECT_EQ(machine.Cached(), twin.Cached());
  }
}

TEST(Journal, CommitKeepsWhatTheOperationDid) {
  constexpr std::uint32_t kSeed = 20260203;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937 engine(kSeed);
  TestMachine machine, twin;
  for (int round = 0; round < 150 && !testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE(testing::Message() << "round " << round);
    Journal journal(machine.memory, machine.space.get());
    for (int i = static_cast<int>(engine() % 20); i >= 0; --i) {
      std::mt19937 same = engine;
      twin.ChangeSomething(same, TestMachine::kFrames);
      machine.ChangeSomething(engine, TestMachine::kFrames);
    }
    journal.Commit();
    ExpectSame(machine, twin);
  }
}

TEST(Journal, NoPageIsInTheCacheUnderIt) {
  TestMachine machine;
  ASSERT_TRUE(machine.space->AddPageTables(TestMachine::kHeap, 1).ok());
  machine.space->PromisePages(TestMachine::kHeap, 2);
  ASSERT_TRUE(machine.space->StoreU32(TestMachine::kHeap, 1));
  const std::uint32_t* words = machine.space->CachedPage(TestMachine::kHeap.page());
  ASSERT_NE(words, nullptr);
  {
    Journal journal(machine.memory, machine.space.get());
    EXPECT_EQ(machine.space->CachedPage(TestMachine::kHeap.page()), nullptr);
    ASSERT_TRUE(machine.space->StoreU32(TestMachine::kHeap, 2));
    EXPECT_EQ(machine.space->CachedPage(TestMachine::kHeap.page()), nullptr);
    ASSERT_TRUE(machine.space->StoreU32(TestMachine::kHeap + 4096, 2));
    EXPECT_THAT(machine.space->Peek(TestMachine::kHeap), Optional(2u));
  }
  EXPECT_EQ(machine.space->CachedPage(TestMachine::kHeap.page()), words) << "frames stay in place";
  EXPECT_EQ(words[0], 1u);
  EXPECT_TRUE(machine.space->Translate(TestMachine::kHeap + 4096).on_demand) << "the demand frame is gone again";
  EXPECT_EQ(machine.space->costs().demand_faults, 1u);
}

TEST(Journal, AMemoryWithoutAnAddressSpaceHasOneToo) {
  PhysicalMemory memory(1 << 20);
  ASSERT_TRUE(memory.StoreU32(PhysAddr(0x5000), 1));
  {
    Journal journal(memory, nullptr);
    ASSERT_TRUE(memory.StoreU32(PhysAddr(0x5000), 2));
    ASSERT_TRUE(memory.FillFrames(PageFrame{0}, 256, 9));
  }
  EXPECT_THAT(memory.LoadU32(PhysAddr(0x5000)), Optional(1u));
  EXPECT_THAT(memory.LoadU32(PhysAddr(0x5004)), Optional(0u));
}

}  // namespace
}  // namespace alloclab

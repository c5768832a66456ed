#include "allocators/machine/word_view.h"

#include <memory>

#include "allocators/machine/machine_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::Optional;

constexpr VirtAddr kHeap{0xC0400000};

class WordViewTest : public testing::Test {
 protected:
  WordViewTest() {
    EXPECT_TRUE(space_->AddPageTables(kHeap, 1).ok());
    space_->PromisePages(kHeap, 2);
  }

  PhysicalMemory memory_{1 << 20};
  CountedFrames frames_{256, 4};  // directory, table and two pages
  std::unique_ptr<AddressSpace> space_ = *AddressSpace::Create(memory_, frames_);
  AccessCosts costs_;
};

TEST_F(WordViewTest, LoadsWhatWasStoredAndCountsWhenItGoes) {
  {
    WordView words(*space_, costs_);
    words.Store(kHeap + 8, 0x11223344);
    EXPECT_EQ(words.Load(kHeap + 8), 0x11223344u);
    EXPECT_EQ(words.LoadU8(kHeap + 9), 0x33u);
    EXPECT_EQ(words.LoadU16(kHeap + 10), 0x1122u);
    words.StoreU8(kHeap + 8, 0xFF);
    words.StoreU16(kHeap + 10, 0xABCD);
    EXPECT_THAT(words.Peek(kHeap + 8), Optional(0xABCD33FFu));
    EXPECT_EQ(costs_, AccessCosts{});
  }
  EXPECT_EQ(costs_, (AccessCosts{.words_loaded = 3, .words_stored = 3}));
}

TEST_F(WordViewTest, AnyAlignmentAlsoAcrossPages) {
  WordView words(*space_, costs_);
  for (int cached = 0; cached < 2; ++cached) {
    words.Store(kHeap + 4093, 0xAABBCCDD);
    EXPECT_EQ(words.Load(kHeap + 4093), 0xAABBCCDDu);
    words.StoreU16(kHeap + 4095, 0x1234);
    EXPECT_EQ(words.LoadU16(kHeap + 4095), 0x1234u);
    EXPECT_EQ(words.LoadU8(kHeap + 4096), 0x12u);
    words.Store(kHeap + 1, 7);
    EXPECT_EQ(words.Load(kHeap + 1), 7u);
  }
  EXPECT_EQ(words.Peek(kHeap + 8192), std::nullopt);
}

// What `access` throws.
template <class Access>
MachineStop StopOf(Access access) {
  try {
    access();
  } catch (const MachineStop& stop) {
    return stop;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {.outcome = Outcome::kOk};
}

TEST_F(WordViewTest, AFaultIsThrownAndNotCounted) {
  {
    WordView words(*space_, costs_);
    words.Store(kHeap, 5);
    const MachineStop loaded = StopOf([&] { words.Load(kHeap + 8192); });
    EXPECT_EQ(loaded.outcome, Outcome::kMachineFault);
    EXPECT_EQ(loaded.address, 0xC0402000u);
    EXPECT_FALSE(loaded.no_frame);
    EXPECT_EQ(StopOf([&] { words.StoreU8(VirtAddr(3), 1); }).address, 3u);
    ASSERT_TRUE(space_->SetWritable(kHeap, false));
    EXPECT_EQ(words.Load(kHeap), 5u);
    EXPECT_EQ(StopOf([&] { words.Store(kHeap + 4, 1); }).address, 0xC0400004u);
    EXPECT_FALSE(StopOf([&] { words.Store(kHeap + 4, 1); }).no_frame) << "protection";
  }
  EXPECT_EQ(costs_, (AccessCosts{.words_loaded = 1, .words_stored = 1}));
}

TEST_F(WordViewTest, AStoreAcrossPagesIsAllOrNothing) {
  WordView words(*space_, costs_);
  words.Store(kHeap + 8188, 0x01020304);
  EXPECT_EQ(StopOf([&] { words.Store(kHeap + 8190, ~0u); }).address, 0xC0402000u) << "the first byte that is not there";
  EXPECT_EQ(StopOf([&] { words.StoreU16(kHeap + 8191, 0xFFFF); }).address, 0xC0402000u);
  EXPECT_EQ(StopOf([&] { words.Load(kHeap + 8190); }).address, 0xC0402000u);
  EXPECT_EQ(words.Load(kHeap + 8188), 0x01020304u);
}

TEST_F(WordViewTest, NoFrameLeftIsToldFromNotMapped) {
  CountedFrames frames{200, 2};
  const auto space = *AddressSpace::Create(memory_, frames);
  ASSERT_TRUE(space->AddPageTables(kHeap, 1).ok());
  space->PromisePages(kHeap, 1);
  WordView words(*space, costs_);
  const MachineStop stop = StopOf([&] { words.Store(kHeap + 12, 1); });
  EXPECT_EQ(stop.address, 0xC040000Cu);
  EXPECT_TRUE(stop.no_frame);
  EXPECT_TRUE(StopOf([&] { words.Load(kHeap); }).no_frame);
}

TEST(PhysicalWordView, CountsAndFaultsAtTheFirstByteOutside) {
  PhysicalMemory memory(1 << 20);
  AccessCosts costs;
  {
    PhysicalWordView words(memory, costs);
    words.Store(PhysAddr(0xFFFFC), 0x44332211);
    EXPECT_EQ(words.Load(PhysAddr(0xFFFFC)), 0x44332211u);
    EXPECT_EQ(words.LoadU8(PhysAddr(0xFFFFF)), 0x44u);
    words.StoreU8(PhysAddr(0xFFFFE), 0);
    words.StoreU16(PhysAddr(0xFFFFC), 0xEEEE);
    EXPECT_EQ(words.LoadU16(PhysAddr(0xFFFFD)), 0x00EEu);
    EXPECT_THAT(words.Peek(PhysAddr(0xFFFFC)), Optional(0x4400EEEEu));
    EXPECT_EQ(words.Peek(PhysAddr(0xFFFFD)), std::nullopt);
    EXPECT_EQ(StopOf([&] { words.Load(PhysAddr(0xFFFFE)); }).address, 0x100000u);
    EXPECT_EQ(StopOf([&] { words.Store(PhysAddr(0xFFFFD), 1); }).address, 0x100000u);
    EXPECT_EQ(StopOf([&] { words.StoreU16(PhysAddr(0xFFFFF), 1); }).address, 0x100000u);
    EXPECT_EQ(StopOf([&] { words.LoadU8(PhysAddr(0x100000)); }).address, 0x100000u);
    EXPECT_EQ(StopOf([&] { words.Load(PhysAddr(0x12345678)); }).address, 0x12345678u);
  }
  EXPECT_EQ(costs, (AccessCosts{.words_loaded = 3, .words_stored = 3}));
}

}  // namespace
}  // namespace alloclab

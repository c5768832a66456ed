#include "allocators/machine/address_space.h"

#include <vector>

#include "allocators/machine/machine_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::Optional;

constexpr VirtAddr kHeap{0xC0400000};

class AddressSpaceTest : public testing::Test {
 protected:
  explicit AddressSpaceTest(std::uint32_t frames = 100)
      : frames_(256, frames), space_(*AddressSpace::Create(memory_, frames_)) {}

  PhysicalMemory memory_{1 << 20};
  CountedFrames frames_;
  std::unique_ptr<AddressSpace> space_;
};

TEST_F(AddressSpaceTest, NothingIsMappedAtFirst) {
  EXPECT_EQ(space_->LoadU32(kHeap), std::nullopt);
  ASSERT_TRUE(space_->last_fault());
  EXPECT_EQ(space_->last_fault()->kind, PageFault::Kind::kNotMapped);
  EXPECT_EQ(space_->last_fault()->address, kHeap);
  EXPECT_EQ(space_->last_fault()->error_code, 0u);
  EXPECT_FALSE(space_->StoreU32(kHeap + 8, 1));
  EXPECT_EQ(space_->last_fault()->error_code, 2u) << "a write";
  EXPECT_EQ(space_->costs().not_mapped_faults, 2u);
}

TEST_F(AddressSpaceTest, TablesHaveTheProcessorsLayoutInRam) {
  ASSERT_TRUE(space_->AddPageTables(kHeap, 2).ok());
  EXPECT_EQ(space_->costs().page_table_frames, 3u);
  // Directory in the first frame taken (255), tables in 254 and 253; entry 0xC0400000 >> 22 = 769.
  EXPECT_EQ(space_->page_directory(), PhysAddr(255 << 12));
  EXPECT_THAT(memory_.LoadU32(PhysAddr((255 << 12) + 769 * 4)), Optional((254u << 12) | 3));
  EXPECT_THAT(memory_.LoadU32(PhysAddr((255 << 12) + 770 * 4)), Optional((253u << 12) | 3));
  space_->PromisePages(kHeap + 4096, 1);
  EXPECT_THAT(memory_.LoadU32(PhysAddr((254 << 12) + 4)), Optional(2u)) << "writable, not present";
  ASSERT_TRUE(space_->StoreU32(kHeap + 4096 + 12, 77));
  EXPECT_THAT(memory_.LoadU32(PhysAddr((254 << 12) + 4)), Optional((252u << 12) | 0x63))
      << "present, writable, accessed, dirty";
  EXPECT_THAT(memory_.LoadU32(PhysAddr((252 << 12) + 12)), Optional(77u));
}

TEST_F(AddressSpaceTest, AReadSetsAccessedAWriteSetsDirty) {
  ASSERT_TRUE(space_->AddPageTables(kHeap, 1).ok());
  space_->PromisePages(kHeap, 1);
  ASSERT_TRUE(space_->LoadU32(kHeap));
  EXPECT_EQ(space_->Translate(kHeap).pte & 0xFFF, pte::kPresent | pte::kWritable | pte::kAccessed);
  EXPECT_EQ(space_->CachedPage(kHeap.page()), nullptr) << "not dirty yet";
  ASSERT_TRUE(space_->StoreU32(kHeap, 1));
  EXPECT_EQ(space_->Translate(kHeap).pte & 0xFFF, 0x63u);
  ASSERT_NE(space_->CachedPage(kHeap.page()), nullptr);
  EXPECT_EQ(space_->CachedPage(kHeap.page())[0], 1u);
  EXPECT_EQ(space_->costs().demand_faults, 1u);
  EXPECT_EQ(space_->costs().mapped_frames, 1u);
}

TEST_F(AddressSpaceTest, AFrameComesAsItIs) {
  ASSERT_TRUE(memory_.FillFrames(PageFrame{0}, 200, 0x01));
  ASSERT_TRUE(memory_.FillFrames(PageFrame{253}, 1, 0x01));
  ASSERT_TRUE(space_->AddPageTables(kHeap, 1).ok());
  space_->PromisePages(kHeap, 1);
  EXPECT_THAT(space_->LoadU32(kHeap + 100), Optional(0x01010101u)) << "the fault handler does not clear";
}

TEST_F(AddressSpaceTest, ProtectionFaultNamesAddressAndCode) {
  ASSERT_TRUE(space_->AddPageTables(kHeap, 1).ok());
  space_->PromisePages(kHeap, 1);
  EXPECT_FALSE(space_->SetWritable(kHeap, false)) << "not present yet";
  ASSERT_TRUE(space_->StoreU32(kHeap, 5));
  ASSERT_TRUE(space_->SetWritable(kHeap, false));
  EXPECT_FALSE(space_->StoreU32(kHeap + 4, 6));
  EXPECT_EQ(space_->last_fault()->kind, PageFault::Kind::kProtection);
  EXPECT_EQ(space_->last_fault()->error_code, 3u) << "present, write";
  EXPECT_EQ(space_->last_fault()->address, kHeap + 4);
  EXPECT_THAT(space_->LoadU32(kHeap), Optional(5u));
  ASSERT_TRUE(space_->SetWritable(kHeap, true));
  EXPECT_TRUE(space_->StoreU32(kHeap + 4, 6));
  EXPECT_EQ(space_->costs().protection_faults, 1u);
}

TEST_F(AddressSpaceTest, WordsAndRangesCrossPages) {
  ASSERT_TRUE(space_->AddPageTables(kHeap, 1).ok());
  space_->PromisePages(kHeap, 4);
  ASSERT_TRUE(space_->StoreU32(kHeap + 4094, 0xAABBCCDD));
  EXPECT_THAT(space_->LoadU32(kHeap + 4094), Optional(0xAABBCCDDu));
  EXPECT_THAT(space_->Peek(kHeap + 4094), Optional(0xAABBCCDDu));
  std::vector<std::uint8_t> bytes(6000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 7);
  ASSERT_TRUE(space_->Write(kHeap + 1001, bytes));
  ASSERT_TRUE(space_->Copy(kHeap + 8003, kHeap + 1001, 6000));
  std::vector<std::uint8_t> copied(6000);
  ASSERT_TRUE(space_->Read(kHeap + 8003, copied));
  EXPECT_EQ(copied, bytes);
  ASSERT_TRUE(space_->Fill(kHeap + 8003, 6000, 0));
  EXPECT_THAT(space_->Peek(kHeap + 10000), Optional(0u));
}

TEST_F(AddressSpaceTest, ASplitWordThatFaultsChangesNothing) {
  ASSERT_TRUE(space_->AddPageTables(kHeap, 1).ok());
  space_->PromisePages(kHeap, 1);
  ASSERT_TRUE(space_->StoreU32(kHeap + 4092, 0x11223344));
  EXPECT_FALSE(space_->StoreU32(kHeap + 4094, 0xFFFFFFFF));
  EXPECT_EQ(space_->last_fault()->address.page(), (kHeap + 4096).page());
  EXPECT_THAT(space_->LoadU32(kHeap + 4092), Optional(0x11223344u));
}

TEST_F(AddressSpaceTest, LookingTouchesNothing) {
  ASSERT_TRUE(space_->AddPageTables(kHeap, 1).ok());
  space_->PromisePages(kHeap, 2);
  EXPECT_EQ(space_->Peek(kHeap), std::nullopt);
  const Translation translation = space_->Translate(kHeap + 4096 + 5);
  EXPECT_EQ(translation.directory_index, 769u);
  EXPECT_EQ(translation.table_index, 1u);
  EXPECT_TRUE(translation.on_demand);
  EXPECT_EQ(translation.phys, std::nullopt);
  EXPECT_EQ(space_->AbsentPages(kHeap, kHeap + 8191), 2u);
  ASSERT_TRUE(space_->StoreU32(kHeap, 1));
  EXPECT_EQ(space_->AbsentPages(kHeap, kHeap + 8191), 1u);
  EXPECT_EQ(space_->Translate(kHeap + 5).phys, PhysAddr((253 << 12) + 5));
  EXPECT_EQ(space_->costs().not_mapped_faults, 0u);
}

TEST_F(AddressSpaceTest, AMappedPageIsItsFrame) {
  ASSERT_TRUE(memory_.StoreU32(PhysAddr(0x5004), 77));
  ASSERT_TRUE(space_->Map(kHeap + 4096, PageFrame{5}, /*writable=*/true));
  EXPECT_EQ(space_->costs().page_table_frames, 2u) << "the page table came by itself";
  EXPECT_EQ(space_->costs().mapped_frames, 1u);
  EXPECT_TRUE(memory_.AnyPinned(PageFrame{5}, 1));
  EXPECT_THAT(space_->LoadU32(kHeap + 4096 + 4), Optional(77u));
  ASSERT_TRUE(space_->StoreU32(kHeap + 4096 + 8, 78));
  EXPECT_NE(space_->CachedPage(kHeap.page() + 1), nullptr);
  EXPECT_THAT(memory_.LoadU32(PhysAddr(0x5008)), Optional(78u));
  ASSERT_TRUE(space_->Map(kHeap, PageFrame{6}, /*writable=*/false));
  EXPECT_FALSE(space_->StoreU32(kHeap, 1));
  EXPECT_EQ(space_->last_fault()->kind, PageFault::Kind::kProtection);
}

// A page that is known, and a second one whose frame is the page table of both.
class PageTableInReachTest : public AddressSpaceTest {
 protected:
  PageTableInReachTest() {
    EXPECT_TRUE(space_->Map(kHeap, PageFrame{5}, /*writable=*/true));
    table_ = FrameOf(space_->Translate(kHeap).pte_address);
    EXPECT_TRUE(space_->Map(kTablePage, table_, /*writable=*/true));
    EXPECT_TRUE(memory_.StoreU32(PageFrame{6}.base(), 66));
    EXPECT_TRUE(space_->StoreU32(kTablePage + 4092, 0) && space_->StoreU32(kHeap, 55));
    EXPECT_NE(space_->CachedPage(kHeap.page()), nullptr);
  }
  static constexpr VirtAddr kTablePage = kHeap + kPageBytes;
  static constexpr std::uint32_t kEntry = 6 * kPageBytes | pte::kPresent | pte::kWritable;  // frame 6
  PageFrame table_;
};

TEST_F(PageTableInReachTest, IsNeverKnownForWriting) { EXPECT_EQ(space_->CachedPage(kTablePage.page()), nullptr); }

TEST_F(PageTableInReachTest, WhatTheProgramWritesCountsAtOnce) {
  ASSERT_TRUE(space_->StoreU32(kTablePage, kEntry));
  EXPECT_THAT(space_->LoadU32(kHeap), Optional(66u));
}

TEST_F(PageTableInReachTest, WhatIsWrittenAtItsPhysicalAddressCountsAtOnce) {
  ASSERT_TRUE(memory_.StoreU32(table_.base(), kEntry));
  EXPECT_THAT(space_->LoadU32(kHeap), Optional(66u));
  const std::uint8_t frame_5 = 5 * kPageBytes >> 8;
  ASSERT_TRUE(memory_.Write(table_.base() + 1, std::span(&frame_5, 1)));
  EXPECT_THAT(space_->LoadU32(kHeap), Optional(55u));
}

TEST_F(PageTableInReachTest, AFillCountsAtOnce) {
  ASSERT_TRUE(memory_.FillFrames(table_, 1, 0));
  EXPECT_EQ(space_->LoadU32(kHeap), std::nullopt);
  EXPECT_FALSE(space_->StoreU32(kHeap, 1));
}

TEST_F(PageTableInReachTest, AWriteToTheDirectoryCountsAtOnce) {
  ASSERT_TRUE(memory_.StoreU32(space_->Translate(kHeap).pde_address, 0));
  EXPECT_EQ(space_->LoadU32(kHeap), std::nullopt);
}

TEST_F(AddressSpaceTest, UnmapGivesTheFrameBackAndForgetsThePage) {
  ASSERT_TRUE(space_->Map(kHeap, PageFrame{5}, /*writable=*/true));
  ASSERT_TRUE(space_->StoreU32(kHeap, 1));
  ASSERT_NE(space_->CachedPage(kHeap.page()), nullptr);
  EXPECT_EQ(space_->Unmap(kHeap), PageFrame{5});
  EXPECT_EQ(space_->CachedPage(kHeap.page()), nullptr);
  EXPECT_FALSE(memory_.AnyPinned(PageFrame{5}, 1));
  EXPECT_EQ(space_->costs().mapped_frames, 0u);
  EXPECT_EQ(space_->LoadU32(kHeap), std::nullopt);
  EXPECT_EQ(space_->last_fault()->kind, PageFault::Kind::kNotMapped);
  EXPECT_EQ(space_->Unmap(kHeap), std::nullopt);
  EXPECT_EQ(space_->Unmap(VirtAddr(0x1000)), std::nullopt) << "not even a page table";
}

TEST_F(AddressSpaceTest, MappingAgainReplaces) {
  ASSERT_TRUE(space_->Map(kHeap, PageFrame{5}, /*writable=*/true));
  ASSERT_TRUE(space_->StoreU32(kHeap, 1));
  ASSERT_TRUE(space_->Map(kHeap, PageFrame{6}, /*writable=*/true));
  EXPECT_THAT(space_->LoadU32(kHeap), Optional(0u));
  EXPECT_FALSE(memory_.AnyPinned(PageFrame{5}, 1));
  EXPECT_EQ(space_->costs().mapped_frames, 1u);
}

TEST_F(AddressSpaceTest, ADirectMapSeesEveryPhysicalAddressAtOneDistance) {
  EXPECT_EQ(space_->MapBlock(PhysAddr(0x20000), 3, 0xC0000000), VirtAddr(0xC0020000));
  EXPECT_EQ(space_->MapBlock(PhysAddr(0x10000), 1, 0xC0000000), VirtAddr(0xC0010000)) << "downwards too";
  ASSERT_TRUE(space_->StoreU32(VirtAddr(0xC0022FFC), 9));
  EXPECT_THAT(memory_.LoadU32(PhysAddr(0x22FFC)), Optional(9u));
  ASSERT_TRUE(space_->StoreU32(VirtAddr(0xC0010000), 8));
  EXPECT_THAT(memory_.LoadU32(PhysAddr(0x10000)), Optional(8u));
  EXPECT_NE(space_->CachedPage(0xC0010), nullptr);
  EXPECT_NE(space_->CachedPage(0xC0022), nullptr) << "kept while the cache grew downwards";
  space_->UnmapBlock(VirtAddr(0xC0020000), 3);
  EXPECT_EQ(space_->LoadU32(VirtAddr(0xC0021000)), std::nullopt);
  EXPECT_FALSE(memory_.AnyPinned(PageFrame{0x20}, 3));
  EXPECT_THAT(space_->LoadU32(VirtAddr(0xC0010000)), Optional(8u));
}

TEST_F(AddressSpaceTest, AFrameOutsideRamFaultsWhenTouched) {
  ASSERT_TRUE(space_->Map(kHeap, PageFrame{0x12345}, /*writable=*/true));
  EXPECT_EQ(space_->LoadU32(kHeap + 4), std::nullopt);
  ASSERT_TRUE(space_->last_fault());
  EXPECT_EQ(space_->last_fault()->address, kHeap + 4);
  EXPECT_FALSE(space_->StoreU32(kHeap, 1));
  EXPECT_EQ(space_->Unmap(kHeap), PageFrame{0x12345});
}

class ShortOfFramesTest : public AddressSpaceTest {
 protected:
  ShortOfFramesTest() : AddressSpaceTest(3) {}
};

TEST_F(ShortOfFramesTest, TheHandlerRefusesWhenNoFrameIsLeft) {
  ASSERT_TRUE(space_->AddPageTables(kHeap, 1).ok());
  space_->PromisePages(kHeap, 2);
  EXPECT_TRUE(space_->CanBringPages(1));
  EXPECT_FALSE(space_->CanBringPages(2));
  ASSERT_TRUE(space_->StoreU32(kHeap, 1));
  EXPECT_FALSE(space_->StoreU32(kHeap + 4096, 1));
  EXPECT_EQ(space_->last_fault()->kind, PageFault::Kind::kNoFrame);
  EXPECT_EQ(space_->costs().refused_faults, 1u);
  EXPECT_TRUE(space_->Translate(kHeap + 4096).on_demand) << "the promise stands";
}

TEST_F(ShortOfFramesTest, AMapWithoutAFrameForItsTableChangesNothing) {
  ASSERT_TRUE(space_->Map(kHeap, PageFrame{5}, true));
  ASSERT_TRUE(space_->Map(VirtAddr(0x1000), PageFrame{6}, true));
  EXPECT_FALSE(space_->Map(VirtAddr(0x80000000), PageFrame{7}, true));
  EXPECT_FALSE(memory_.AnyPinned(PageFrame{7}, 1));
  EXPECT_EQ(space_->costs().mapped_frames, 2u);
}

TEST_F(ShortOfFramesTest, TooFewFramesForTheTables) {
  EXPECT_EQ(space_->AddPageTables(kHeap, 5).code(), absl::StatusCode::kResourceExhausted);
}

TEST(AddressSpace, NeedsAFrameForItsDirectory) {
  PhysicalMemory memory(1 << 20);
  CountedFrames none(256, 0);
  EXPECT_EQ(AddressSpace::Create(memory, none).status().code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace alloclab

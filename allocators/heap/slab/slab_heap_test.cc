// What is the caches' own, worked out by hand. On 1 MiB of RAM the pages are 0x1000 to 0x100000; page-runs carves from the
// top, so the page directory is 0xFF000, the one page table 0xFE000, and the first slab's page 0xFD000.
#include "allocators/heap/slab/slab_heap.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "allocators/heap/heap_guard.h"
#include "allocators/heap/heap_testing.h"
#include "allocators/pages/bitmap/bitmap_pages.h"
#include "allocators/pages/runs/page_runs.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ParameterValues Complete(const std::vector<ParameterInfo>& parameters, bool guarded, const ParameterValues& given) {
  ParameterValues values = given;
  for (const ParameterInfo& parameter : parameters) values.emplace(parameter.name, parameter.DefaultFor(guarded));
  return values;
}

struct Machine {
  explicit Machine(bool guarded, const ParameterValues& given = {}, std::uint64_t ram_bytes = 1 << 20)
      : memory(ram_bytes),
        pages(*PageRunsInfo().make(memory, guarded, Complete(PageRunsInfo().parameters, guarded, {}))),
        space(*AddressSpace::Create(memory, *pages)),
        heap(*SlabHeapInfo().make({*space, *pages}, guarded, Complete(SlabHeapInfo().parameters, guarded, given))) {}

  PhysicalMemory memory;
  std::unique_ptr<PageGuard> pages;
  std::unique_ptr<AddressSpace> space;
  TestedHeap heap;
};

class SlabTest : public testing::Test {
 protected:
  SlabTest() { On({}); }
  void On(const ParameterValues& given, bool guarded = false) { machine_ = std::make_unique<Machine>(guarded, given); }

  TestedHeap& heap() { return machine_->heap; }
  std::uint32_t Malloc(std::uint32_t bytes) {
    const HeapResult result = heap().Malloc(bytes);
    EXPECT_EQ(result.outcome, Outcome::kOk);
    return result.address.raw();
  }
  Outcome Free(std::uint32_t object) { return heap().Free(VirtAddr(object)).outcome; }
  std::uint32_t Word(std::uint32_t address) { return machine_->space->Peek(VirtAddr(address)).value_or(0xDEADDEAD); }
  void Poke(std::uint32_t address, std::uint32_t word) { ASSERT_TRUE(machine_->space->StoreU32(VirtAddr(address), word)); }
  // Slabs, complete ones, pages of large blocks.
  std::vector<std::uint64_t> Figures() { return heap().allocator().FigureValues(); }
  std::uint64_t FreePages() { return machine_->pages->allocator().Shape().free_bytes / kPageBytes; }
  void ExpectWell() { EXPECT_THAT(heap().CheckInvariants(), IsEmpty()); }

  std::unique_ptr<Machine> machine_;
};

constexpr std::uint32_t kFirst = 0xFD000, kStructure = 0xFDFE0;

TEST_F(SlabTest, ASlabOfSmallObjectsHasItsStructureAtItsEnd) {
  EXPECT_EQ(Malloc(129), kFirst);  // of 192 bytes, 21 to a page
  EXPECT_EQ(Malloc(192), kFirst + 192);
  const std::uint32_t expected[] = {0, 0, kFirst + 2 * 192, 2, kFirst, 0,
                                    8, 21};  // next prev free live base colour cache objects
  for (std::uint32_t i = 0; i < 8; ++i) EXPECT_EQ(Word(kStructure + 4 * i), expected[i]) << i;
  EXPECT_EQ(Word(kFirst + 3 * 192 - 4), kFirst + 3 * 192) << "a free object ends with the address of the next one";
  EXPECT_EQ(Word(kFirst + 21 * 192 - 4), 0u) << "the last one";
  EXPECT_EQ(Figures(), (std::vector<std::uint64_t>{1, 0, 0}));
  EXPECT_EQ(heap().Counter("slabs_made", "size_192"), 1u);
  EXPECT_EQ(heap().Counter("search_steps"), 1u) << "the first request found no slab";
  ExpectWell();
}

TEST_F(SlabTest, TheObjectFreedLastIsTakenFirst) {
  const std::uint32_t a = Malloc(64), b = Malloc(64);
  Free(a);
  Free(b);
  EXPECT_EQ(Malloc(64), b);
  EXPECT_EQ(Malloc(64), a);
  EXPECT_EQ(Malloc(64), kFirst + 128);
}

TEST_F(SlabTest, ColoursGoUpInStepsOfEightAsFarAsTheRestAllows) {
  // 4064 / 192 leaves 32.
  for (const std::uint32_t colour : {0, 8, 16, 24, 32, 0, 8}) {
    const std::uint32_t object = Malloc(192);
    EXPECT_EQ(object % kPageBytes, colour);
    for (int i = 1; i < 21; ++i) Malloc(192);
  }
  EXPECT_EQ(heap().Counter("coloured_slabs"), 5u);
  ExpectWell();
  On({{"heap.colour", "false"}});
  for (int i = 0; i < 22; ++i) Malloc(192);
  EXPECT_EQ(Malloc(192), 0xFC000u + 192);
  EXPECT_EQ(heap().Counter("coloured_slabs"), 0u);
}

TEST_F(SlabTest, SlabsOfLargeObjectsLeaveAtMostAnEighthUnused) {
  // 1536: 2 of a page would leave a quarter, 5 of two pages leave 512 bytes. The structure lies in a slab of its own.
  EXPECT_EQ(Malloc(1025), 0xFC000u);
  EXPECT_EQ(heap().Counter("slabs_made", "size_1536"), 1u);
  EXPECT_EQ(heap().Counter("slabs_made", "slab"), 1u);
  EXPECT_EQ(Word(0xFB000 + 12), 1u) << "live, in the first structure of the page below";
  EXPECT_EQ(Word(0xFB000 + 16), 0xFC000u);
  EXPECT_EQ(Word(0xFB000 + 28), 5u);
  EXPECT_EQ(Malloc(4096), 0xFA000u);
  EXPECT_EQ(Malloc(3000), 0xF7000u) << "three pages";
  EXPECT_EQ(Figures(), (std::vector<std::uint64_t>{4, 0, 0}));
  ExpectWell();
  On({{"heap.slab_pages", "4"}});
  EXPECT_EQ(Malloc(4096), 0xFA000u);
  EXPECT_EQ(Malloc(4096), 0xFB000u);
  EXPECT_EQ(Malloc(8), 0xF8000u) << "small objects have one page";
  ExpectWell();
}

TEST_F(SlabTest, ACacheKeepsOneCompleteSlabAndGivesBackOthers) {
  const std::uint64_t free_pages = FreePages();
  const std::uint32_t a = Malloc(4096), b = Malloc(4096);
  EXPECT_EQ(FreePages(), free_pages - 3) << "two, and one of structures";
  EXPECT_EQ(Free(a), Outcome::kOk);
  EXPECT_EQ(Figures(), (std::vector<std::uint64_t>{3, 1, 0}));
  EXPECT_EQ(Free(b), Outcome::kOk);
  EXPECT_EQ(Figures(), (std::vector<std::uint64_t>{2, 1, 0}));
  EXPECT_EQ(heap().Counter("slabs_returned", "size_4096"), 1u);
  EXPECT_EQ(FreePages(), free_pages - 2);
  EXPECT_EQ(machine_->space->Translate(VirtAddr(b)).phys, std::nullopt) << "not mapped any more";
  EXPECT_EQ(Malloc(4096), a);
  EXPECT_EQ(heap().Counter("pages_peak"), 3u);
  ExpectWell();
  On({{"heap.keep_slabs", "0"}});
  Free(Malloc(4096));
  EXPECT_EQ(Figures(), (std::vector<std::uint64_t>{0, 0, 0})) << "the structure's slab too";
  EXPECT_EQ(FreePages(), free_pages);
  ExpectWell();
}

TEST_F(SlabTest, PartialSlabsAreUsedBeforeCompleteOnes) {
  std::vector<std::uint32_t> objects;
  for (int i = 0; i < 3 * 4; ++i) objects.push_back(Malloc(1024));  // four to a page: three full slabs
  for (int i = 4; i < 8; ++i) Free(objects[i]);                     // the second one is complete
  Free(objects[9]);                                                 // the third one is partial
  EXPECT_EQ(Figures(), (std::vector<std::uint64_t>{4, 1, 0}));
  ExpectWell();
  EXPECT_EQ(Malloc(1024), objects[9]);
  EXPECT_EQ(Malloc(1024), objects[7]);
  ExpectWell();
}

TEST_F(SlabTest, LargeRequestsHavePagesOfTheirOwn) {
  const std::uint64_t free_pages = FreePages();
  EXPECT_EQ(Malloc(8193), 0xFB000u);
  EXPECT_EQ(Figures(), (std::vector<std::uint64_t>{0, 0, 3}));
  EXPECT_EQ(heap().allocator().BlockBytes(8193), 12288u);
  EXPECT_EQ(Free(0xFC000), Outcome::kPanic) << "not its first page";
  EXPECT_EQ(Free(0xFB000), Outcome::kOk);
  EXPECT_EQ(FreePages(), free_pages);
  EXPECT_EQ(heap().Counter("large_blocks"), 1u);
  ExpectWell();
}

TEST_F(SlabTest, WhatItDoesNotKnowIsAPanic) {
  Malloc(8);
  EXPECT_EQ(Free(0), Outcome::kOk);
  EXPECT_EQ(Free(0xFF000), Outcome::kPanic) << "the page directory";
  EXPECT_EQ(Free(0xC0400000), Outcome::kPanic);
  ExpectWell();
}

TEST_F(SlabTest, ADoubleFreeGivesTheObjectForEver) {
  const std::uint32_t object = Malloc(100);
  for (int i = 0; i < 3; ++i) Malloc(100);
  Free(object);
  Free(object);
  EXPECT_THAT(heap().CheckInvariants(), Contains(Field(&Violation::invariant, "S4")));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Malloc(100), object);
}

TEST_F(SlabTest, TwoDoubleFreesGiveBackASlabWithALiveObject) {
  On({{"heap.keep_slabs", "0"}});
  const std::uint32_t object = Malloc(2048);
  const std::uint32_t other = Malloc(2048);
  Free(object);
  EXPECT_EQ(Free(object), Outcome::kOk);
  EXPECT_EQ(heap().Counter("slabs_returned", "size_2048"), 1u);
  EXPECT_FALSE(machine_->space->StoreU32(VirtAddr(other), 1)) << "a page fault";
}

TEST_F(SlabTest, TakesWhatIsInsideAnObject) {
  const std::uint32_t object = Malloc(100);
  Free(object + 4);
  EXPECT_EQ(Malloc(100), object + 4);
}

TEST_F(SlabTest, FollowsWhatWasWrittenBehindAnObject) {
  const std::uint32_t object = Malloc(100);
  Poke(object + 2 * 128 - 4, 0x12345678);  // the link of the next object
  EXPECT_EQ(Malloc(100), object + 128);
  EXPECT_EQ(heap().Malloc(100), (HeapResult{Outcome::kMachineFault, VirtAddr(0x12345678 + 124)}));
}

TEST_F(SlabTest, GuardedItRefusesWithoutATrace) {
  On({}, /*guarded=*/true);
  const std::uint64_t free_pages = FreePages();
  ASSERT_TRUE(machine_->pages->Allocate(static_cast<std::uint32_t>(free_pages - 1) * kPageBytes).outcome == Outcome::kOk);
  EXPECT_EQ(heap().Malloc(4096).outcome, Outcome::kOutOfMemory) << "no page for the slab's structure";
  EXPECT_EQ(heap().Malloc(8192).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(heap().Malloc(SlabHeap::kRequestMax + 1).outcome, Outcome::kSizeOverflow);
  EXPECT_EQ(heap().Malloc(0).outcome, Outcome::kZeroSize);
  EXPECT_EQ(Figures(), (std::vector<std::uint64_t>{0, 0, 0}));
  EXPECT_EQ(FreePages(), 1u);
  const std::uint32_t object = Malloc(384);
  EXPECT_EQ(object, 0x1000u) << "the page that is left";
  EXPECT_EQ(Free(object + 8), Outcome::kInteriorPointer);
  EXPECT_EQ(Free(object), Outcome::kOk);
  EXPECT_EQ(Free(object), Outcome::kDoubleFree);
  ExpectWell();
}

TEST_F(SlabTest, UnguardedItGivesBackASlabWithoutAStructure) {
  const std::uint64_t free_pages = FreePages();
  ASSERT_TRUE(machine_->pages->Allocate(static_cast<std::uint32_t>(free_pages - 1) * kPageBytes).outcome == Outcome::kOk);
  EXPECT_EQ(heap().Malloc(4096).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(FreePages(), 1u);
  ExpectWell();
}

TEST_F(SlabTest, SaysWhatIsBroken) {
  Malloc(192);
  const auto breaks = [&](const char* invariant, std::uint32_t offset, std::uint32_t word) {
    const std::uint32_t before = Word(kStructure + offset);
    Poke(kStructure + offset, word);
    EXPECT_THAT(heap().CheckInvariants(), Contains(Field(&Violation::invariant, invariant))) << offset;
    Poke(kStructure + offset, before);
    ExpectWell();
  };
  breaks("S1", 0, kStructure);  // a circle
  breaks("S1", 0, 0xC0000000);
  breaks("S1", 4, kStructure);
  breaks("S2", 8, 0);  // as if it were full
  breaks("S2", 12, 0);
  breaks("S3", 16, 0xFC000);
  breaks("S3", 20, 4);
  breaks("S3", 24, 9);
  breaks("S3", 28, 20);
  breaks("S4", 8, kFirst + 4);
  breaks("S4", 8, 0xFC000);
  breaks("S4", 12, 2);
  machine_->space->Unmap(VirtAddr(kFirst));
  EXPECT_THAT(heap().CheckInvariants(), Contains(Field(&Violation::invariant, "S5")));
}

TEST(SlabInfoTest, RefusesWhatItCannotHave) {
  const auto made = [](const ParameterValues& given, const ParameterValues& given_pages) {
    PhysicalMemory memory(16 << 10);
    const auto pages = *PageRunsInfo().make(memory, true, Complete(PageRunsInfo().parameters, true, given_pages));
    const auto space = *AddressSpace::Create(memory, *pages);
    return std::string(
        SlabHeapInfo().make({*space, *pages}, true, Complete(SlabHeapInfo().parameters, true, given)).status().message());
  };
  EXPECT_EQ(made({}, {}), "");
  EXPECT_THAT(made({{"heap.slab_pages", "0"}}, {}), HasSubstr("expected 1 to 16"));
  EXPECT_THAT(made({}, {{"pages.kernel_end", "8192"}}), HasSubstr("give the machine more RAM")) << "one page, the directory";
  EXPECT_FALSE(SlabHeapInfo().parameters[0].canonical("17").ok());
}

TEST(SlabRangeTest, TheLastPageOf4GiBIsNotTheHeaps) {
  PhysicalMemory memory(std::uint64_t{1} << 32);
  const PageAllocatorInfo page_info = BitmapPagesInfo();  // gives the lowest pages first
  const auto pages = *page_info.make(memory, true, Complete(page_info.parameters, true, {}));
  const auto space = *AddressSpace::Create(memory, *pages);
  TestedHeap heap(*SlabHeapInfo().make({*space, *pages}, true, Complete(SlabHeapInfo().parameters, true, {})));
  EXPECT_EQ(heap.brk(), VirtAddr(0xFFFFF000));
  const auto free_bytes = [&] { return static_cast<std::uint32_t>(pages->allocator().Shape().free_bytes); };
  while (free_bytes() > kPageBytes) {
    ASSERT_EQ(pages->Allocate(std::min(free_bytes() - kPageBytes, 1u << 30)).outcome, Outcome::kOk);
  }
  EXPECT_EQ(heap.Malloc(100).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(free_bytes(), kPageBytes);
}

}  // namespace
}  // namespace alloclab

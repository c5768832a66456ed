// What is the buckets' own, worked out by hand. On 16 pages, 0x400000 to 0x410000, the first request makes the last page one of
// descriptors and the one below it one of objects.
#include "allocators/heap/linux_bucket/linux_bucket_heap.h"

#include <cstdint>

#include "allocators/heap/heap_guard.h"
#include "allocators/heap/heap_testing.h"
#include "allocators/pages/runs/page_runs.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint32_t kDescriptors = 0x40F000, kObjects = 0x40E000;

HeapMachine::Make MakeBuckets(bool guarded, std::uint32_t pages) {
  return [=](AddressSpace& space) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
    if (absl::Status status = space.AddPageTables(LinuxBucketHeap::kStart, 3); !status.ok()) return status;
    using WithoutPages = LinuxBucketHeap::WithoutPages;
    return std::make_unique<HeapGuard>(
        std::make_unique<LinuxBucketHeap>(space, pages * kPageBytes, guarded ? WithoutPages::kRefuses : WithoutPages::kPanics),
        guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
  };
}

class LinuxBucketTest : public testing::Test {
 protected:
  LinuxBucketTest() : machine_(std::make_unique<HeapMachine>(MakeBuckets(false, 16))) {}
  void OnPages(std::uint32_t pages, bool guarded = false) {
    machine_ = std::make_unique<HeapMachine>(MakeBuckets(guarded, pages));
  }

  TestedHeap& heap() { return machine_->heap(); }
  std::uint32_t Malloc(std::uint32_t bytes) {
    const HeapResult result = heap().Malloc(bytes);
    EXPECT_EQ(result.outcome, Outcome::kOk);
    return result.address.raw();
  }
  Outcome Free(std::uint32_t object) { return heap().Free(VirtAddr(object)).outcome; }
  std::uint32_t Word(std::uint32_t address) { return machine_->Word(VirtAddr(address)); }
  void Poke(std::uint32_t address, std::uint32_t word) { ASSERT_TRUE(machine_->space().StoreU32(VirtAddr(address), word)); }
  // Pages of objects, free descriptors, free pages.
  std::vector<std::uint64_t> Figures() { return heap().allocator().FigureValues(); }
  void ExpectWell() { EXPECT_THAT(heap().CheckInvariants(), IsEmpty()); }

  std::unique_ptr<HeapMachine> machine_;
};

TEST_F(LinuxBucketTest, APageOfObjectsHasADescriptor) {
  EXPECT_EQ(Malloc(100), kObjects);
  EXPECT_EQ(Malloc(128), kObjects + 128);
  EXPECT_EQ(Word(kDescriptors), kObjects);
  EXPECT_EQ(Word(kDescriptors + 4), 0u) << "the last of its chain";
  EXPECT_EQ(Word(kDescriptors + 8), kObjects + 256) << "the first free object";
  EXPECT_EQ(Word(kDescriptors + 12), 2u | 128u << 16);
  EXPECT_EQ(Word(kObjects + 256), kObjects + 384);
  EXPECT_EQ(Word(kObjects + 4096 - 128), 0u);
  EXPECT_EQ(Word(kObjects), kObjects + 128) << "stays when it is handed out";
  EXPECT_EQ(Figures(), (std::vector<std::uint64_t>{1, 255, 14}));
  ExpectWell();
}

TEST_F(LinuxBucketTest, ClassesArePowersOfTwo) {
  EXPECT_EQ(Malloc(0), 0x40E000u);
  EXPECT_EQ(Malloc(16), 0x40E010u);
  EXPECT_EQ(Malloc(17), 0x40D000u);
  EXPECT_EQ(Malloc(2049), 0x40C000u);
  EXPECT_EQ(Malloc(4096), 0x40B000u);
  EXPECT_EQ(heap().Counter("dir_steps"), 1u + 1 + 2 + 9 + 9);
  ExpectWell();
}

TEST_F(LinuxBucketTest, AnEmptyPageGoesBack) {
  const std::uint32_t first = Malloc(2048), second = Malloc(2048), third = Malloc(2048);
  EXPECT_EQ(third, 0x40D000u);
  EXPECT_EQ(heap().Counter("search_steps"), 2u) << "the first page: with room, and full";
  Free(first);
  EXPECT_EQ(Malloc(1), 0x40C000u);
  EXPECT_EQ(Free(second), Outcome::kOk);
  EXPECT_EQ(heap().Counter("pages_returned"), 1u);
  EXPECT_EQ(Malloc(2048), third + 2048);
  EXPECT_EQ(Malloc(2048), first) << "the highest free page";
  EXPECT_EQ(Word(kDescriptors + 4), kDescriptors + 16) << "the newest page is the first of its chain";
  ExpectWell();
}

TEST_F(LinuxBucketTest, AFreeLooksThroughTheClassesInOrder) {
  Malloc(16);
  Malloc(32);
  const std::uint32_t object = Malloc(64);
  EXPECT_EQ(Free(object), Outcome::kOk);
  EXPECT_EQ(heap().Counter("free_dir_steps"), 3u);
  EXPECT_EQ(heap().Counter("place_steps"), 3u);
}

TEST_F(LinuxBucketTest, ShowsObjectsAndPages) {
  Malloc(2048);
  EXPECT_EQ(machine_->Draw(), "[.57344][A2048][.2048]") << "14 free pages, one of objects; that of descriptors is metadata";
}

TEST_F(LinuxBucketTest, PanicsAtWhatItDoesNotKnow) {
  EXPECT_EQ(heap().Malloc(4097), (HeapResult{Outcome::kPanic, VirtAddr{}}));
  EXPECT_EQ(Figures(), (std::vector<std::uint64_t>{0, 0, 16}));
  Malloc(1);
  EXPECT_EQ(Free(0), Outcome::kPanic);
  EXPECT_EQ(Free(kDescriptors), Outcome::kPanic);
  ExpectWell();
}

TEST_F(LinuxBucketTest, WithoutAPageOfObjectsItPanicsAndLosesADescriptor) {
  OnPages(2);
  Malloc(1);
  EXPECT_EQ(heap().Malloc(100).outcome, Outcome::kPanic);
  EXPECT_EQ(Figures(), (std::vector<std::uint64_t>{1, 254, 0}));
  EXPECT_EQ(Malloc(1), 0x400010u) << "the class that has a page goes on";
  ExpectWell();
}

TEST_F(LinuxBucketTest, WithoutAPageOfDescriptorsItPanics) {
  OnPages(257);
  for (int i = 0; i < 256; ++i) Malloc(4096);
  EXPECT_EQ(Figures(), (std::vector<std::uint64_t>{256, 0, 0}));
  EXPECT_EQ(heap().Malloc(4096).outcome, Outcome::kPanic);
  EXPECT_EQ(Figures(), (std::vector<std::uint64_t>{256, 0, 0}));
  ExpectWell();
}

TEST_F(LinuxBucketTest, HoldsSoManyPagesAndNoMore) {
  OnPages(3072);
  for (int i = 0; i < 3060; ++i) Malloc(4096);
  EXPECT_EQ(heap().Counter("desc_pages"), 12u);
  EXPECT_EQ(heap().Malloc(4096).outcome, Outcome::kPanic);
}

TEST_F(LinuxBucketTest, ADoubleFreeGivesTheObjectForEver) {
  const std::uint32_t object = Malloc(1000);
  Malloc(1000);
  Malloc(1000);
  EXPECT_EQ(Free(object), Outcome::kOk);
  EXPECT_EQ(Free(object), Outcome::kOk);
  EXPECT_THAT(heap().CheckInvariants(), Contains(Field(&Violation::invariant, "B2")));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Malloc(1000), object);
}

TEST_F(LinuxBucketTest, ADoubleFreeOfTheLastObjectPanicsUnlessThePageIsUsedAgain) {
  const std::uint32_t object = Malloc(1000);
  EXPECT_EQ(Free(object), Outcome::kOk);
  EXPECT_EQ(Free(object), Outcome::kPanic);
  EXPECT_EQ(Malloc(16), object) << "of another class";
  EXPECT_EQ(Free(object), Outcome::kOk);
}

TEST_F(LinuxBucketTest, APageGoesBackWithALiveObjectInIt) {
  const std::uint32_t object = Malloc(2048);
  Malloc(2048);
  EXPECT_EQ(Free(object), Outcome::kOk);
  EXPECT_EQ(Free(object), Outcome::kOk);
  EXPECT_EQ(heap().Counter("pages_returned"), 1u);
  EXPECT_EQ(Malloc(4096), object) << "over the live one";
}

TEST_F(LinuxBucketTest, TakesWhatIsInsideAnObject) {
  const std::uint32_t object = Malloc(100);
  Malloc(100);
  EXPECT_EQ(Free(object + 4), Outcome::kOk);
  EXPECT_EQ(Malloc(100), object + 4);
}

TEST_F(LinuxBucketTest, FollowsWhatWasWrittenIntoAFreeObject) {
  const std::uint32_t object = Malloc(100);
  Malloc(100);
  Free(object);
  Poke(object, 0x402000);
  EXPECT_EQ(Malloc(100), object);
  EXPECT_EQ(Malloc(100), 0x402000u);
  Poke(0x40F008, 0x12345678);
  EXPECT_EQ(heap().Malloc(100), (HeapResult{Outcome::kMachineFault, VirtAddr(0x12345678)}));
}

TEST_F(LinuxBucketTest, AChainThatIsALoopHangs) {
  Malloc(4096);
  Poke(kDescriptors + 4, kDescriptors);
  EXPECT_EQ(heap().Malloc(4096).outcome, Outcome::kMachineHang);
  EXPECT_THAT(heap().CheckInvariants(), Contains(Field(&Violation::invariant, "B1")));
}

TEST_F(LinuxBucketTest, GuardedItRefusesInstead) {
  OnPages(3, /*guarded=*/true);
  EXPECT_EQ(heap().Malloc(4097).outcome, Outcome::kSizeOverflow);
  EXPECT_EQ(Malloc(4096), 0x401000u);
  EXPECT_EQ(Malloc(100), 0x400000u);
  const std::uint64_t steps = heap().costs().search_steps;
  const std::vector<Count> counts = heap().Counts();
  EXPECT_EQ(heap().Malloc(4096).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(heap().costs().search_steps, steps + 1);
  EXPECT_EQ(Figures(), (std::vector<std::uint64_t>{2, 254, 0})) << "no descriptor is lost";
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const std::string_view name = counts[i].info->name;
    if (name.starts_with("search_") || name == "words_loaded") continue;
    EXPECT_EQ(heap().Counts()[i].value, counts[i].value) << name;
  }
  EXPECT_EQ(Free(0), Outcome::kOk);
  EXPECT_EQ(Free(0x400010), Outcome::kInteriorPointer);
  EXPECT_EQ(Free(0x401000), Outcome::kOk);
  EXPECT_EQ(Free(0x401000), Outcome::kDoubleFree);
  EXPECT_EQ(Malloc(4096), 0x401000u);
  ExpectWell();
}

TEST_F(LinuxBucketTest, SaysWhatIsBroken) {
  Malloc(2048);
  Malloc(4096);  // the second descriptor, of the page below
  const auto breaks = [&](const char* invariant, std::uint32_t address, std::uint32_t word) {
    const std::uint32_t before = Word(address);
    Poke(address, word);
    EXPECT_THAT(heap().CheckInvariants(), Contains(Field(&Violation::invariant, invariant))) << std::hex << address;
    Poke(address, before);
    ExpectWell();
  };
  breaks("B1", kDescriptors, 0x400000);            // a page that is free
  breaks("B1", kDescriptors, 0x40D000);            // the other one's
  breaks("B1", kDescriptors + 12, 1 | 512 << 16);  // of another class
  breaks("B1", kDescriptors + 4, 0xC0000000);      // next
  breaks("B2", kDescriptors + 8, 0x40E804);        // no object
  breaks("B2", kDescriptors + 8, 0x400000);        // in another page
  breaks("B2", kDescriptors + 12, 2 | 2048 << 16);
  breaks("B3", kDescriptors + 12, 0 | 2048 << 16);
  breaks("B4", kDescriptors + 36, kDescriptors);  // the first free descriptor leads to one that is not
  breaks("B4", kDescriptors + 36, 0xC0000000);
}

TEST(LinuxBucketInfoTest, TheArenaIsWholePagesUpTo12MiB) {
  const HeapAllocatorInfo info = LinuxBucketHeapInfo();
  const ParameterInfo& arena = info.parameters.front();
  EXPECT_EQ(*arena.canonical("12Mi"), arena.default_value);
  EXPECT_FALSE(arena.canonical("12583000").ok());

  PhysicalMemory memory(16 << 20);
  const PageAllocatorInfo page_info = PageRunsInfo();
  ParameterValues values;
  for (const ParameterInfo& parameter : page_info.parameters) values[parameter.name] = parameter.DefaultFor(true);
  const auto pages = *page_info.make(memory, true, values);
  const auto space = *AddressSpace::Create(memory, *pages);
  for (const char* bytes : {"0", "4097"}) {
    const auto made = info.make({*space, *pages}, true, {{arena.name, bytes}});
    EXPECT_THAT(made.status().message(), HasSubstr("expected a multiple of 4096 bytes")) << bytes;
  }
  EXPECT_TRUE(info.make({*space, *pages}, true, {{arena.name, "4096"}}).ok());
}

}  // namespace
}  // namespace alloclab

#include "allocators/machine/memory_image.h"

#include <memory>
#include <random>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "allocators/machine/journal.h"
#include "allocators/machine/machine_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::Optional;

constexpr std::uint64_t kMiB = 1 << 20;

std::uint64_t HostBytes(const std::vector<std::shared_ptr<const MemoryImage>>& images) {
  absl::flat_hash_set<const void*> counted;
  std::uint64_t bytes = 0;
  for (const auto& image : images) bytes += image->HostBytes(counted);
  return bytes;
}

TEST(MemoryImage, AMemoryGoesBackToIt) {
  PhysicalMemory memory(4 * kMiB);
  ASSERT_TRUE(memory.StoreU32(PhysAddr(0x5000), 1));
  const auto one = memory.TakeSnapshot();
  ASSERT_TRUE(memory.StoreU32(PhysAddr(0x5000), 2));
  ASSERT_TRUE(memory.StoreU32(PhysAddr(0x6008), 2));
  ASSERT_TRUE(memory.Pin(PageFrame{9}));
  const auto two = memory.TakeSnapshot();
  ASSERT_TRUE(memory.FillFrames(PageFrame{0}, 1024, 7));
  memory.Restore(*one);
  EXPECT_THAT(memory.LoadU32(PhysAddr(0x5000)), Optional(1u));
  EXPECT_THAT(memory.LoadU32(PhysAddr(0x6008)), Optional(0u));
  EXPECT_THAT(memory.LoadU32(PhysAddr(0x300000)), Optional(0u));
  EXPECT_FALSE(memory.AnyPinned(PageFrame{0}, 1024));
  memory.Restore(*two);
  EXPECT_THAT(memory.LoadU32(PhysAddr(0x5000)), Optional(2u));
  EXPECT_THAT(memory.LoadU32(PhysAddr(0x6008)), Optional(2u));
  EXPECT_TRUE(memory.AnyPinned(PageFrame{9}, 1));
}

TEST(MemoryImage, NothingChangedIsTheSameImage) {
  PhysicalMemory memory(4 * kMiB);
  ASSERT_TRUE(memory.StoreU32(PhysAddr(0x5000), 1));
  const auto one = memory.TakeSnapshot();
  EXPECT_EQ(memory.TakeSnapshot(), one);
  ASSERT_TRUE(memory.StoreU32(PhysAddr(0x5000), 1));
  const auto two = memory.TakeSnapshot();
  EXPECT_NE(two, one) << "a write, even of what was there";
  memory.Restore(*one);
  EXPECT_EQ(memory.TakeSnapshot(), one);
}

TEST(MemoryImage, UnchangedFramesAreHeldOnce) {
  PhysicalMemory memory(16 * kMiB);
  for (std::uint32_t frame = 0; frame < 1000; ++frame) ASSERT_TRUE(memory.StoreU32(PageFrame{frame}.base() + 100, frame));
  std::vector<std::shared_ptr<const MemoryImage>> images = {memory.TakeSnapshot()};
  const std::uint64_t first = HostBytes(images);
  EXPECT_GT(first, 1000u * kPageBytes);
  for (std::uint32_t i = 0; i < 10; ++i) {
    ASSERT_TRUE(memory.StoreU32(PageFrame{i}.base() + 100, 77));
    images.push_back(memory.TakeSnapshot());
  }
  EXPECT_LT(HostBytes(images), first + 10 * (32u << 10)) << "one frame and one leaf each";
}

TEST(MemoryImage, ItOutlivesTheMemoryAndMakesANewOne) {
  std::shared_ptr<const MemoryImage> image;
  {
    PhysicalMemory memory(kMiB);
    ASSERT_TRUE(memory.FillFrames(PageFrame{0}, 256, 3));
    ASSERT_TRUE(memory.StoreU32(PhysAddr(0x5010), 1));
    ASSERT_TRUE(memory.Pin(PageFrame{7}));
    image = memory.TakeSnapshot();
  }
  PhysicalMemory memory(*image);
  EXPECT_EQ(memory.size_bytes(), kMiB);
  EXPECT_THAT(memory.LoadU32(PhysAddr(0x5010)), Optional(1u));
  EXPECT_THAT(memory.LoadU32(PhysAddr(0x5014)), Optional(0x03030303u));
  EXPECT_THAT(memory.LoadU32(PhysAddr(0xFF000)), Optional(0x03030303u));
  EXPECT_TRUE(memory.AnyPinned(PageFrame{7}, 1));
}

TEST(MemoryImage, WordsStayInPlaceAndWritesThroughTheCacheAreNoticed) {
  TestMachine machine;
  ASSERT_TRUE(machine.space->AddPageTables(TestMachine::kHeap, 1).ok());
  machine.space->PromisePages(TestMachine::kHeap, 1);
  ASSERT_TRUE(machine.space->StoreU32(TestMachine::kHeap, 1));
  const std::uint32_t* words = machine.space->CachedPage(TestMachine::kHeap.page());
  const auto one = machine.memory.TakeSnapshot();
  const AddressSpace::State state = machine.space->Save();
  EXPECT_EQ(machine.space->CachedPage(TestMachine::kHeap.page()), nullptr);
  ASSERT_TRUE(machine.space->StoreU32(TestMachine::kHeap, 2));
  EXPECT_EQ(machine.space->CachedPage(TestMachine::kHeap.page()), words);
  machine.memory.Restore(*one);
  machine.space->Restore(state);
  EXPECT_THAT(machine.space->Peek(TestMachine::kHeap), Optional(1u));
  EXPECT_EQ(words[0], 1u);
}

TEST(MemoryImage, PagesStayReadableAtASnapshotAndUnderAJournal) {
  TestMachine machine;
  const VirtAddr heap = TestMachine::kHeap;
  ASSERT_TRUE(machine.space->AddPageTables(heap, 1).ok());
  machine.space->PromisePages(heap, 2);
  ASSERT_TRUE(machine.space->StoreU32(heap, 1));
  const std::uint32_t* words = machine.space->CachedPage(heap.page());
  const auto image = machine.memory.TakeSnapshot();
  EXPECT_EQ(machine.space->ReadablePage(heap.page()), words);
  EXPECT_EQ(machine.space->ReadablePage(heap.page() + 1), nullptr);
  {
    Journal journal(machine.memory, machine.space.get());
    EXPECT_EQ(machine.space->ReadablePage(heap.page()), words);
    ASSERT_TRUE(machine.space->LoadU32(heap + 4096));
    EXPECT_NE(machine.space->ReadablePage(heap.page() + 1), nullptr);
  }
  EXPECT_EQ(machine.space->ReadablePage(heap.page() + 1), nullptr) << "its frame was given back";
  EXPECT_EQ(machine.memory.TakeSnapshot()->size_bytes(), image->size_bytes());
  machine.memory.Restore(*image);
  EXPECT_EQ(machine.space->ReadablePage(heap.page()), nullptr) << "page tables may differ";
  ASSERT_TRUE(machine.space->Unmap(heap));
  EXPECT_EQ(machine.space->LoadU32(heap), std::nullopt);
}

// A machine at some moment, as an image and as plain copies.
struct Moment {
  explicit Moment(TestMachine& machine)
      : image(machine.memory.TakeSnapshot()), state(machine.space->Save()), frames(machine.frames), pinned(machine.Pinned()) {
    ram.resize(machine.memory.size_bytes());
    EXPECT_TRUE(machine.memory.Read(PhysAddr(), ram));
  }
  void ExpectIn(const TestMachine& machine) const {
    for (std::uint32_t frame = 0; frame < TestMachine::kFrames; ++frame) {
      std::array<std::uint8_t, kPageBytes> bytes;
      ASSERT_TRUE(machine.memory.Read(PageFrame{frame}.base(), bytes));
      ASSERT_TRUE(std::equal(bytes.begin(), bytes.end(), ram.begin() + frame * kPageBytes)) << "frame " << frame;
    }
    ASSERT_EQ(machine.Pinned(), pinned);
    ASSERT_EQ(machine.space->costs(), state.costs);
  }

  std::shared_ptr<const MemoryImage> image;
  AddressSpace::State state;
  CountedFrames frames;
  std::vector<bool> pinned;
  std::vector<std::uint8_t> ram;
};

TEST(MemoryImage, AsPlainCopiesUnderRandomChanges) {
  constexpr std::uint32_t kSeed = 20260204;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937 engine(kSeed);
  TestMachine machine;
  std::vector<Moment> moments = {Moment(machine)};
  for (int step = 0; step < 600 && !testing::Test::HasFailure(); ++step) {
    SCOPED_TRACE(testing::Message() << "step " << step);
    for (std::uint32_t i = static_cast<std::uint32_t>(engine()) % 12; i > 0; --i) {
      machine.ChangeSomething(engine, TestMachine::kFrames);
    }
    Moment& moment = moments[engine() % moments.size()];
    switch (engine() % 3) {
      case 0:
        if (moments.size() < 8) {
          moments.emplace_back(machine);
        } else {
          moment = Moment(machine);
        }
        break;
      case 1: {
        machine.memory.Restore(*moment.image);
        machine.space->Restore(moment.state);
        machine.frames = moment.frames;
        moment.ExpectIn(machine);
        break;
      }
      default:
        break;
    }
  }
}

TEST(MemoryImage, AMachineMadeFromItGoesOnAlike) {
  constexpr std::uint32_t kSeed = 20260205;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937 engine(kSeed);
  TestMachine machine;
  for (int round = 0; round < 100 && !testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE(testing::Message() << "round " << round);
    for (int i = 0; i < 40; ++i) machine.ChangeSomething(engine, TestMachine::kFrames);
    const auto image = machine.memory.TakeSnapshot();
    TestMachine other(*image, machine);
    ExpectSame(machine, other);
    for (int i = 0; i < 40; ++i) {
      std::mt19937 same = engine;
      other.ChangeSomething(same, TestMachine::kFrames);
      machine.ChangeSomething(engine, TestMachine::kFrames);
    }
    ExpectSame(machine, other);
  }
}

}  // namespace
}  // namespace alloclab

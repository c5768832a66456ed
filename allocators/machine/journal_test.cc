#include "allocators/machine/journal.h"

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <vector>

#include "allocators/machine/machine_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::Optional;

constexpr VirtAddr kHeap{0xC0400000};
constexpr std::uint32_t kFrames = 3 * 512 / 2;  // one and a half leaf of the memory
constexpr std::uint32_t kPages = 2048;          // of the address range that is used

struct Machine {
  PhysicalMemory memory{kFrames * kPageBytes};
  CountedFrames frames{kFrames, 300};
  std::unique_ptr<AddressSpace> space = *AddressSpace::Create(memory, frames);

  std::vector<bool> Pinned() const {
    std::vector<bool> pinned;
    for (std::uint32_t frame = 0; frame < kFrames; ++frame) pinned.push_back(memory.AnyPinned(PageFrame{frame}, 1));
    return pinned;
  }
  std::vector<bool> Cached() const {
    std::vector<bool> cached;
    for (std::uint32_t page = 0; page < kPages; ++page) cached.push_back(space->CachedPage(kHeap.page() + page) != nullptr);
    return cached;
  }
};

void ExpectSame(const Machine& a, const Machine& b) {
  for (std::uint32_t frame = 0; frame < kFrames; ++frame) {
    std::array<std::uint8_t, kPageBytes> bytes_a, bytes_b;
    ASSERT_TRUE(a.memory.Read(PageFrame{frame}.base(), bytes_a) && b.memory.Read(PageFrame{frame}.base(), bytes_b));
    ASSERT_TRUE(bytes_a == bytes_b) << "frame " << frame;
  }
  ASSERT_EQ(a.Pinned(), b.Pinned());
  ASSERT_EQ(a.space->costs(), b.space->costs());
  ASSERT_EQ(a.space->last_fault().has_value(), b.space->last_fault().has_value());
  if (a.space->last_fault()) {
    ASSERT_EQ(a.space->last_fault()->address, b.space->last_fault()->address);
  }
}

// Some change of a machine, the same for the same state of the engine. Changes of RAM from outside the address space stay below
// `end_frame`.
void ChangeSomething(Machine& machine, std::mt19937& engine, std::uint32_t end_frame) {
  const auto random = [&engine](std::uint32_t below) { return static_cast<std::uint32_t>(engine()) % below; };
  const PageFrame frame{random(end_frame)};
  const PhysAddr phys = frame.base() + random(kPageBytes - 4);
  const VirtAddr page = kHeap + random(kPages) * kPageBytes;
  const VirtAddr virt = kHeap + random(64 * kPageBytes);
  const std::uint32_t value = static_cast<std::uint32_t>(engine());
  std::vector<std::uint8_t> bytes(random(3 * kPageBytes), static_cast<std::uint8_t>(value));
  PhysicalMemory& memory = machine.memory;
  AddressSpace& space = *machine.space;
  switch (random(19)) {
    case 0:
      EXPECT_TRUE(memory.StoreU32(frame.base() + random(3) * 4, value));
      break;
    case 1:
      EXPECT_TRUE(memory.StoreU32(phys, value));
      break;
    case 2:
      (void)memory.Write(phys, std::span(bytes).first(std::min<std::size_t>(bytes.size(), 100)));
      break;
    case 3:
      (void)memory.FillFrames(frame, std::min(end_frame - frame.number, random(10) == 0 ? 600 : random(3)),
                              static_cast<std::uint8_t>(value));
      break;
    case 4:
      (*memory.WordsToWrite(frame, 0, kPageBytes))[random(1024)] = value;
      break;
    case 5:
      (void)memory.Pin(frame);
      break;
    case 6:
      (void)memory.Unpin(frame);
      break;
    case 7:
      (void)space.AddPageTables(page, 1);
      break;
    case 8:
      space.PromisePages(page, random(3));
      break;
    case 9:
      space.PromisePages(virt, random(3));
      break;
    case 10:
      (void)space.SetWritable(virt, random(2) == 0);
      break;
    case 11:
      (void)space.Map(random(2) == 0 ? page : virt, frame, random(4) != 0);
      break;
    case 12:
      (void)space.Unmap(virt);
      break;
    case 13:
      (void)space.MapBlock(frame.base(), std::min(end_frame - frame.number, random(4)), kHeap.raw());
      break;
    case 14:
      (void)space.Write(virt, bytes);
      break;
    case 15:
      (void)space.Fill(virt, random(9000), static_cast<std::uint8_t>(value));
      break;
    case 16:
      (void)space.Copy(virt, kHeap + random(64 * kPageBytes), random(9000));
      break;
    case 17:
      if (std::uint32_t* words = space.TouchPage(virt); words != nullptr) words[random(1024)] = value;
      break;
    default:
      for (int i = 0; i < 10; ++i) {
        (void)space.StoreU32(kHeap + random(64 * 1024) * 4, value);
        (void)space.LoadU32(virt + random(8));
      }
  }
}

TEST(Journal, RollbackLeavesAMachineThatNeverRanTheOperation) {
  constexpr std::uint32_t kSeed = 20260202;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937 engine(kSeed);
  Machine machine, twin;
  for (int round = 0; round < 150 && !testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE(testing::Message() << "round " << round);
    const CountedFrames frames = machine.frames;
    {
      Journal journal(machine.memory, machine.space.get());
      for (int i = static_cast<int>(engine() % 20); i >= 0; --i) ChangeSomething(machine, engine, kFrames);
      if (engine() % 2 == 0) journal.Rollback();
    }
    machine.frames = frames;
    ExpectSame(machine, twin);
    EXPECT_EQ(machine.Cached(), twin.Cached());
    for (int i = static_cast<int>(engine() % 5); i >= 0; --i) {
      std::mt19937 same = engine;
      ChangeSomething(twin, same, kFrames);
      ChangeSomething(machine, engine, kFrames);
    }
    ExpectSame(machine, twin);
    EXPECT_EQ(machine.Cached(), twin.Cached());
  }
}

TEST(Journal, CommitKeepsWhatTheOperationDid) {
  constexpr std::uint32_t kSeed = 20260203;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937 engine(kSeed);
  Machine machine, twin;
  for (int round = 0; round < 150 && !testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE(testing::Message() << "round " << round);
    Journal journal(machine.memory, machine.space.get());
    for (int i = static_cast<int>(engine() % 20); i >= 0; --i) {
      std::mt19937 same = engine;
      ChangeSomething(twin, same, kFrames - 300);
      ChangeSomething(machine, engine, kFrames - 300);
    }
    journal.Commit();
    ExpectSame(machine, twin);
  }
}

TEST(Journal, NoPageIsInTheCacheUnderIt) {
  Machine machine;
  ASSERT_TRUE(machine.space->AddPageTables(kHeap, 1).ok());
  machine.space->PromisePages(kHeap, 2);
  ASSERT_TRUE(machine.space->StoreU32(kHeap, 1));
  const std::uint32_t* words = machine.space->CachedPage(kHeap.page());
  ASSERT_NE(words, nullptr);
  {
    Journal journal(machine.memory, machine.space.get());
    EXPECT_EQ(machine.space->CachedPage(kHeap.page()), nullptr);
    ASSERT_TRUE(machine.space->StoreU32(kHeap, 2));
    EXPECT_EQ(machine.space->CachedPage(kHeap.page()), nullptr);
    ASSERT_TRUE(machine.space->StoreU32(kHeap + 4096, 2));
    EXPECT_THAT(machine.space->Peek(kHeap), Optional(2u));
  }
  EXPECT_EQ(machine.space->CachedPage(kHeap.page()), words) << "frames stay in place";
  EXPECT_EQ(words[0], 1u);
  EXPECT_TRUE(machine.space->Translate(kHeap + 4096).on_demand) << "the demand frame is gone again";
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

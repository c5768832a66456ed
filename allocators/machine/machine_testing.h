// What the tests of the machine share.
#ifndef ALLOCLAB_ALLOCATORS_MACHINE_MACHINE_TESTING_H_
#define ALLOCLAB_ALLOCATORS_MACHINE_MACHINE_TESTING_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "allocators/machine/address_space.h"
#include "allocators/machine/frame_source.h"
#include "allocators/machine/physical_memory.h"
#include "gtest/gtest.h"

namespace alloclab {

// Frames from the one before `next` downwards, `left` of them. A copy is a saved source.
class CountedFrames : public FrameSource {
 public:
  CountedFrames(std::uint32_t next, std::uint32_t left) : next_(next), left_(left) {}
  std::optional<PageFrame> TakeFrame() override {
    if (left_ == 0) return std::nullopt;
    --left_;
    return PageFrame{--next_};
  }
  bool CanTakeFrames(std::uint32_t count) const override { return count <= left_; }
  std::unique_ptr<const AllocatorState> Save() const override { return SaveState(*this); }
  void Restore(const AllocatorState& saved) override { RestoreState(saved, *this); }

 private:
  std::uint32_t next_, left_;
};

// A machine with an address space, and random changes to it.
struct TestMachine {
  static constexpr VirtAddr kHeap{0xC0400000};
  static constexpr std::uint32_t kFrames = 768;  // one and a half leaf of the memory
  static constexpr std::uint32_t kPages = 2048;  // of the address range that is used

  TestMachine() : memory(kFrames * kPageBytes), frames(kFrames, 300), space(*AddressSpace::Create(memory, frames)) {}
  // As `other` is, of which the image was just taken.
  TestMachine(const MemoryImage& image, const TestMachine& other)
      : memory(image), frames(other.frames), space(AddressSpace::CreateOver(memory, frames, other.space->Save())) {}

  PhysicalMemory memory;
  CountedFrames frames;
  std::unique_ptr<AddressSpace> space;

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

  // Some change, the same for the same state of the engine. Changes of RAM from outside the address space stay below
  // `end_frame`.
  void ChangeSomething(std::mt19937& engine, std::uint32_t end_frame);
};

inline void ExpectSame(const TestMachine& a, const TestMachine& b) {
  for (std::uint32_t frame = 0; frame < TestMachine::kFrames; ++frame) {
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

inline void TestMachine::ChangeSomething(std::mt19937& engine, std::uint32_t end_frame) {
  const auto random = [&engine](std::uint32_t below) { return static_cast<std::uint32_t>(engine()) % below; };
  const PageFrame frame{random(end_frame)};
  const PhysAddr phys = frame.base() + random(kPageBytes - 4);
  const VirtAddr page = kHeap + random(kPages) * kPageBytes;
  const VirtAddr virt = kHeap + random(64 * kPageBytes);
  const std::uint32_t value = static_cast<std::uint32_t>(engine());
  std::vector<std::uint8_t> bytes(random(3 * kPageBytes), static_cast<std::uint8_t>(value));
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
      (void)space->AddPageTables(page, 1);
      break;
    case 8:
      space->PromisePages(page, random(3));
      break;
    case 9:
      space->PromisePages(virt, random(3));
      break;
    case 10:
      (void)space->SetWritable(virt, random(2) == 0);
      break;
    case 11:
      (void)space->Map(random(2) == 0 ? page : virt, frame, random(4) != 0);
      break;
    case 12:
      (void)space->Unmap(virt);
      break;
    case 13:
      (void)space->MapBlock(frame.base(), std::min(end_frame - frame.number, random(4)), kHeap.raw());
      break;
    case 14:
      (void)space->Write(virt, bytes);
      break;
    case 15:
      (void)space->Fill(virt, random(9000), static_cast<std::uint8_t>(value));
      break;
    case 16:
      (void)space->Copy(virt, kHeap + random(64 * kPageBytes), random(9000));
      break;
    case 17: {
      (void)space->LoadU32(virt);  // brings its page, which may be one that what was written above made a table
      const std::optional<PhysAddr> there = space->Translate(virt).phys;
      if (!there || memory.IsTable(FrameOf(*there))) break;
      if (std::uint32_t* words = space->TouchPage(virt); words != nullptr) words[random(1024)] = value;
      break;
    }
    default:
      for (int i = 0; i < 10; ++i) {
        (void)space->StoreU32(kHeap + random(64 * 1024) * 4, value);
        (void)space->LoadU32(virt + random(8));
      }
  }
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_MACHINE_MACHINE_TESTING_H_

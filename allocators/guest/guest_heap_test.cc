// Programs as heaps. Their sources are in testdata/programs.
#include "allocators/guest/guest_heap.h"

#include <fstream>
#include <iterator>
#include <map>
#include <random>

#include "allocators/guest/guest_patience.h"
#include "allocators/heap/heap_range.h"
#include "allocators/heap/heap_testing.h"
#include "allocators/heap/knr/knr_heap.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

std::string File(const std::string& name) {
  std::ifstream file(ALLOCLAB_SOURCE_DIR "/allocators/guest/testdata/programs/" + name + ".elf", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
std::shared_ptr<const ElfProgram> Program(const std::string& name) {
  return std::make_shared<const ElfProgram>(*ElfProgram::Parse(File(name)));
}

HeapMachine::Make MakeGuest(const std::string& name, const GuestHeapOptions& options = {},
                            HeapGuard::Mode mode = HeapGuard::Mode::kUnguarded) {
  return [=](AddressSpace& space) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
    auto heap = GuestHeap::Create(space, Program(name), options);
    if (!heap.ok()) return heap.status();
    return std::make_unique<HeapGuard>(*std::move(heap), mode);
  };
}

std::string WhyNot(const std::string& name, const GuestHeapOptions& options = {}) {
  PhysicalMemory memory(64 << 20);
  BudgetedFrames frames(memory.frame_count());
  return std::string(MakeGuest(name, options)(**AddressSpace::Create(memory, frames)).status().message());
}

TEST(GuestHeap, RunsAnImplicitList) {
  HeapMachine machine(MakeGuest("implicit"));
  TestedHeap& heap = machine.heap();
  const VirtAddr start = heap.allocator().start();
  EXPECT_EQ(heap.Malloc(100), (HeapResult{Outcome::kOk, start + 16}));
  EXPECT_EQ(heap.Malloc(24), (HeapResult{Outcome::kOk, start + 16 + 112}));
  EXPECT_EQ(heap.Malloc(0).outcome, Outcome::kZeroSize);
  EXPECT_EQ(heap.Free(start + 16).outcome, Outcome::kOk);
  EXPECT_EQ(heap.Malloc(40), (HeapResult{Outcome::kOk, start + 16}));
  ASSERT_TRUE(machine.space().StoreU32(start + 16, 0xFEEDBEEF));
  const HeapResult moved = heap.Realloc(start + 16, 5000);  // grows the heap
  ASSERT_EQ(moved.outcome, Outcome::kOk);
  EXPECT_EQ(machine.Word(moved.address), 0xFEEDBEEFu);
  const HeapResult cleared = heap.Calloc(30, 4);
  ASSERT_EQ(cleared.outcome, Outcome::kOk);
  EXPECT_EQ(machine.Word(cleared.address), 0u);
  EXPECT_EQ(heap.CheckInvariants().size(), 0u);
  EXPECT_GT(heap.brk() - start, 4096u + 5000u);
}

// Of the program alone, so the same on every computer.
TEST(GuestHeap, CountsExactly) {
  HeapMachine machine(MakeGuest("implicit"));
  const HeapCosts before = machine.heap().costs();
  EXPECT_EQ(before, HeapCosts{});
  (void)machine.heap().Malloc(100);
  EXPECT_EQ(machine.heap().Counter("instructions"), 52u);
  EXPECT_EQ(machine.heap().costs().words_loaded, 10u);
  EXPECT_EQ(machine.heap().costs().words_stored, 8u);
}

// The program of the book against the lab's twin of it: the same blocks at the same places.
TEST(GuestHeap, DoesWhatItsTwinDoes) {
  HeapMachine guest(MakeGuest("kr"));
  HeapMachine twin([](AddressSpace& space) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
    constexpr std::uint32_t kLimit = 64u << 20;
    if (absl::Status status = ReserveHeapRange(space, "", kLimit); !status.ok()) return status;
    return std::make_unique<HeapGuard>(std::make_unique<KnrHeap>(space, kLimit), HeapGuard::Mode::kUnguarded);
  });
  const std::uint32_t apart = twin.heap().allocator().start() - guest.heap().allocator().start();
  std::mt19937 engine(7);
  const auto below = [&engine](std::uint32_t end) { return static_cast<std::uint32_t>(engine()) % end; };
  std::vector<VirtAddr> live;
  for (int i = 0; i < 5000; ++i) {
    if (live.empty() || below(5) < 3) {
      const std::uint32_t bytes = below(8) == 0 ? below(40'000) : below(300);
      const HeapResult result = guest.heap().Malloc(bytes);
      ASSERT_EQ(result.outcome, Outcome::kOk);
      ASSERT_EQ(twin.heap().Malloc(bytes).address, result.address + apart) << "operation " << i;
      live.push_back(result.address);
    } else {
      std::swap(live[engine() % live.size()], live.back());
      ASSERT_EQ(guest.heap().Free(live.back()).outcome, Outcome::kOk);
      ASSERT_EQ(twin.heap().Free(live.back() + apart).outcome, Outcome::kOk);
      live.pop_back();
    }
  }
  EXPECT_EQ(guest.heap().brk() + apart, twin.heap().brk());
}

TEST(GuestHeap, SaysWhatAProgramDiedOf) {
  const struct {
    std::uint32_t bytes;
    Outcome outcome;
    const char* what;
  } kDeaths[] = {
      {1, Outcome::kMachineFault, "read at 0x00000004: a null pointer"},
      {2, Outcome::kMachineFault, "it may not be written"},
      {3, Outcome::kMachineFault, "the stack is full"},
      {4, Outcome::kPanic, "divide error"},
      {5, Outcome::kPanic, "breakpoint"},
      {6, Outcome::kMachineHang, "not back after 100000 steps"},
      {7, Outcome::kAssertionFailed, "abort()"},
      {8, Outcome::kPanic, "exit(3)"},
      {9, Outcome::kAssertionFailed, "expected a multiple of 8"},
      {10, Outcome::kAssertionFailed, "overlap the live block of 100 bytes"},
      {11, Outcome::kAssertionFailed, "neither in the heap"},
      {12, Outcome::kPanic, "privileged instruction"},
      {13, Outcome::kPanic, "invalid opcode"},
      {16, Outcome::kAssertionFailed, "that is in the live block of 100 bytes"},
      {15, Outcome::kMachineFault, "fetch of code at 0x12345678: nothing is there"},
  };
  for (const auto& death : kDeaths) {
    for (const auto mode : {HeapGuard::Mode::kUnguarded, HeapGuard::Mode::kGuarded}) {
      HeapMachine machine(MakeGuest("misbehaves", {.stack_bytes = 64 << 10, .steps_max = 100'000}, mode));
      ASSERT_EQ(machine.heap().Malloc(100).outcome, Outcome::kOk);
      const HeapResult result = machine.heap().Malloc(death.bytes);
      EXPECT_EQ(result.outcome, death.outcome) << death.bytes;
      EXPECT_THAT(machine.heap().CheckInvariants(), ElementsAre(Field(&Violation::what, HasSubstr(death.what))));
      EXPECT_THAT(machine.heap().CheckInvariants(), ElementsAre(Field(&Violation::what, HasSubstr("malloc"))));
      EXPECT_EQ(machine.heap().Malloc(200), result);  // dead
    }
  }
}

TEST(GuestHeap, IsAliveAgainWhenItIsRestored) {
  HeapMachine machine(MakeGuest("misbehaves"));
  const VirtAddr first = machine.heap().Malloc(100).address;
  const auto image = machine.space().memory().TakeSnapshot();
  const AddressSpace::State space = machine.space().Save();
  const auto saved = machine.heap().guard().Save();
  const VirtAddr second = machine.heap().Malloc(100).address;
  EXPECT_EQ(machine.heap().Malloc(1).outcome, Outcome::kMachineFault);
  EXPECT_EQ(machine.heap().CheckInvariants().size(), 1u);
  machine.space().memory().Restore(*image);
  machine.space().Restore(space);
  machine.heap().guard().Restore(*saved);
  EXPECT_EQ(machine.heap().CheckInvariants().size(), 0u);
  EXPECT_EQ(machine.heap().Malloc(100).address, second);
  EXPECT_NE(first, second);
}

TEST(GuestHeap, KeepsTheBeginningOfWhatIsPrinted) {
  HeapMachine machine(MakeGuest("misbehaves"));
  const auto& program = static_cast<const GuestHeap&>(machine.heap().allocator());
  EXPECT_EQ(machine.heap().Malloc(17).outcome, Outcome::kOk);
  EXPECT_EQ(program.printed(), "hello\n");
  const auto saved = machine.heap().guard().Save();
  EXPECT_EQ(machine.heap().Malloc(18).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(machine.heap().Malloc(17).outcome, Outcome::kOk);
  EXPECT_EQ(program.printed(), "hello\nhello\n");
  machine.heap().guard().Restore(*saved);
  EXPECT_EQ(program.printed(), "hello\n");
  for (int i = 0; i < 3000; ++i) ASSERT_EQ(machine.heap().Malloc(17).outcome, Outcome::kOk);
  EXPECT_EQ(program.printed().size(), GuestText::kPrintedBytesMax);
  EXPECT_TRUE(program.printed().ends_with("hello\nhell"));
}

TEST(GuestHeap, IsLeftWhenNobodyWaitsAnyMore) {
  HeapMachine machine(MakeGuest("misbehaves"));
  int asked = 0;
  const GuestPatience patience([&asked] { return ++asked == 3; });
  EXPECT_EQ(machine.heap().Malloc(6).outcome, Outcome::kMachineHang);
  EXPECT_EQ(machine.heap().Counter("instructions"), 300'000u);
  EXPECT_THAT(machine.heap().CheckInvariants(), ElementsAre(Field(&Violation::what, HasSubstr("nobody waited"))));
}

TEST(GuestHeap, CountsInstructionsByFunction) {
  HeapMachine machine(MakeGuest("implicit"));
  const VirtAddr block = machine.heap().Malloc(100).address;
  const auto of = [&](const char* function) {
    return CountOf(machine.heap().allocator().Counts(), "operation_instructions", function);
  };
  const std::uint64_t of_malloc = of("malloc");
  EXPECT_EQ(of_malloc, 52u);
  EXPECT_EQ(of("free"), 0u);
  EXPECT_EQ(machine.heap().Free(block).outcome, Outcome::kOk);
  EXPECT_GT(of("free"), 0u);
  EXPECT_EQ(of("malloc"), of_malloc);
  EXPECT_EQ(of("malloc") + of("free"), machine.heap().Counter("instructions"));
}

TEST(GuestHeap, GuardedItNeverSeesAnInvalidFree) {
  HeapMachine machine(MakeGuest("implicit", {}, HeapGuard::Mode::kGuarded));
  const VirtAddr block = machine.heap().Malloc(100).address;
  EXPECT_EQ(machine.heap().Free(block + 8).outcome, Outcome::kDoubleFree);  // nobody knows what lies there
  EXPECT_EQ(machine.heap().Free(block + 2).outcome, Outcome::kMisalignedPointer);
  EXPECT_EQ(machine.heap().Free(VirtAddr(0x1000)).outcome, Outcome::kForeignPointer);
  EXPECT_EQ(machine.heap().Free(VirtAddr{}).outcome, Outcome::kOk);
  EXPECT_EQ(machine.heap().Free(block).outcome, Outcome::kOk);
  EXPECT_EQ(machine.heap().Free(block).outcome, Outcome::kDoubleFree);
  EXPECT_EQ(machine.heap().Malloc(1u << 31).outcome, Outcome::kSizeOverflow);
  EXPECT_EQ(machine.heap().CheckInvariants().size(), 0u);
}

// sbrk says no before a frame is missing, and where the heap ends; the program goes on.
TEST(GuestHeap, RunsOutOfMemoryAndLives) {
  for (const auto mode : {HeapGuard::Mode::kUnguarded, HeapGuard::Mode::kGuarded}) {
    for (const bool few_frames : {false, true}) {
      HeapMachine machine(MakeGuest("implicit", {.limit_bytes = few_frames ? 64u << 20 : 200'000u}, mode));
      if (few_frames) machine.frames().set_budget(40);
      std::vector<VirtAddr> live;
      HeapResult result = machine.heap().Malloc(3000);
      for (; result.outcome == Outcome::kOk; result = machine.heap().Malloc(3000)) {
        live.push_back(result.address);
        ASSERT_TRUE(machine.space().Fill(result.address, 3000, 0x55));
        ASSERT_LT(live.size(), 1000u);
      }
      EXPECT_EQ(result.outcome, Outcome::kOutOfMemory);
      EXPECT_GE(live.size(), 30u);
      EXPECT_EQ(machine.heap().CheckInvariants().size(), 0u);
      EXPECT_EQ(machine.heap().Free(live[3]).outcome, Outcome::kOk);
      EXPECT_EQ(machine.heap().Malloc(3000).address, live[3]);
    }
  }
}

TEST(GuestHeap, RefusesWhatCannotBe) {
  EXPECT_THAT(WhyNot("implicit", {.limit_bytes = 0}), HasSubstr("heap.limit_bytes: 0; expected from 1 to 536870912"));
  EXPECT_THAT(WhyNot("implicit", {.limit_bytes = (512u << 20) + 1}), HasSubstr("heap.limit_bytes: 536870913"));
  EXPECT_THAT(WhyNot("implicit", {.stack_bytes = 100}), HasSubstr("heap.stack_bytes: 100; expected from 4096"));
  EXPECT_THAT(WhyNot("implicit", {.steps_max = 0}), HasSubstr("heap.steps_max: 0; expected from 1 to 200000000"));
  EXPECT_THAT(WhyNot("implicit", {.limit_bytes = 64}), HasSubstr("mm_init: gave -1; expected 0"));
  EXPECT_THAT(WhyNot("implicit", {.steps_max = 9}), HasSubstr("mm_init died at"));
  std::string stripped = File("kr");
  std::fill_n(stripped.begin() + 32, 4, '\0');
  PhysicalMemory memory(1 << 20);
  BudgetedFrames frames(memory.frame_count());
  const auto space = *AddressSpace::Create(memory, frames);
  const auto program = std::make_shared<const ElfProgram>(*ElfProgram::Parse(stripped));
  EXPECT_THAT(std::string(GuestHeap::Create(*space, program, {}).status().message()), HasSubstr("exports no allocator"));
}

TEST(GuestHeap, IsSmall) {
  HeapMachine machine(MakeGuest("implicit"));
  (void)machine.heap().Malloc(100);
  EXPECT_LE(machine.heap().host_bytes() + machine.space().host_bytes(), 600u << 10);
}

}  // namespace
}  // namespace alloclab

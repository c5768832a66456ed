#include "allocators/guest/guest_pages.h"

#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "allocators/common/check.h"
#include "allocators/machine/address_space.h"
#include "allocators/machine/journal.h"
#include "allocators/pages/kalloc/kalloc_pages.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kRam = 4 << 20;

std::shared_ptr<const ElfProgram> PagesProgram(const std::string& name) {
  std::ifstream file(ALLOCLAB_SOURCE_DIR "/allocators/guest/testdata/programs/" + name + ".elf", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  return std::make_shared<const ElfProgram>(*ElfProgram::Parse(bytes));
}

class PagesMachine {
 public:
  explicit PagesMachine(const std::string& program, const GuestPagesOptions& options = {}, bool guarded = true,
                        std::uint64_t ram = kRam)
      : memory(ram) {
    auto made = GuestPages::Create(memory, PagesProgram(program), options);
    EXPECT_TRUE(made.ok()) << made.status();
    ALLOCLAB_CHECK(made.ok());
    pages = made->get();
    guard = std::make_unique<PageGuard>(*std::move(made), guarded ? PageGuard::Mode::kGuarded : PageGuard::Mode::kUnguarded);
  }
  PageResult Allocate(std::uint32_t count = 1) { return guard->Allocate(count * kPageBytes); }
  PageResult Free(PhysAddr first, std::uint32_t count = 1) { return guard->Free(first, count * kPageBytes); }
  std::uint32_t FreePages() const { return static_cast<std::uint32_t>(pages->Shape().free_bytes / kPageBytes); }
  // What came of it, and how the program died.
  std::string After(std::uint32_t count) {
    const PageResult result = Allocate(count);
    return std::string(OutcomeName(result.outcome)) + ": " + std::string(pages->died());
  }

  PhysicalMemory memory;
  GuestPages* pages;
  std::unique_ptr<PageGuard> guard;
};

TEST(GuestPages, LiesWhereItIsLinkedAndHasTheRamBehind) {
  const PagesMachine machine("kalloc");
  const Arena& arena = machine.pages->arena();
  EXPECT_EQ(arena.first.raw(), (PagesProgram("kalloc")->end() + kPageBytes - 1) & ~(kPageBytes - 1));
  EXPECT_EQ(arena.end(), kRam);
  EXPECT_EQ(machine.FreePages(), arena.bytes / kPageBytes);
  EXPECT_EQ(machine.pages->interface(), "kalloc");
  EXPECT_EQ(machine.memory.LoadU32(PhysAddr(kRam - kPageBytes)), kRam - 2 * kPageBytes) << "the link to the page below";
  EXPECT_EQ(machine.memory.LoadU32(PhysAddr(kRam - 4)), 0x01010101u);
}

// Every page that it gives is the one that the lab's xv6-kalloc gives, to the last one; and what lies in RAM is the same.
TEST(GuestPages, PlacesEveryPageAsItsTwin) {
  constexpr std::uint32_t kSeed = 20261127;
  PagesMachine machine("kalloc");
  PhysicalMemory memory(kRam);
  const auto twin = *MakeKalloc(memory, {.kernel_end = machine.pages->arena().first.raw()});
  std::mt19937 engine(kSeed);
  std::vector<PhysAddr> live;
  std::uint32_t refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    const bool grow = i / 2'000 % 2 == 0;
    if (live.empty() || engine() % 8 < (grow ? 6u : 2u)) {
      const PageResult mine = machine.Allocate(), other = twin->Allocate(kPageBytes);
      ASSERT_EQ(mine.outcome, other.outcome) << "operation " << i << ", seed " << kSeed;
      ASSERT_EQ(mine.address.raw(), other.address.raw()) << "operation " << i << ", seed " << kSeed;
      if (mine.outcome == Outcome::kOk) live.push_back(mine.address);
      refused += mine.outcome != Outcome::kOk;
    } else {
      const std::size_t at = engine() % live.size();
      ASSERT_EQ(machine.Free(live[at]).outcome, twin->Free(live[at], kPageBytes).outcome);
      live[at] = live.back();
      live.pop_back();
    }
    ASSERT_EQ(machine.FreePages(), twin->allocator().Shape().free_blocks);
  }
  EXPECT_GT(refused, 0u) << "it never came to the end";
  EXPECT_EQ(machine.Allocate(2).outcome, twin->Allocate(2 * kPageBytes).outcome);
  for (std::uint64_t word = machine.pages->arena().first.raw(); word < kRam; word += kWordBytes) {
    const PhysAddr address(static_cast<std::uint32_t>(word));
    ASSERT_EQ(machine.memory.LoadU32(address), memory.LoadU32(address)) << word;
  }
}

TEST(GuestPages, SeveralPagesAreFreedUpwardsAndGivenOneByOne) {
  PagesMachine machine("kalloc");
  for (int i = 0; i < 3; ++i) ASSERT_EQ(machine.Allocate().outcome, Outcome::kOk);
  EXPECT_EQ(machine.Free(PhysAddr(kRam - 3 * kPageBytes), 3).outcome, Outcome::kOk);
  EXPECT_EQ(machine.Allocate().address.raw(), kRam - kPageBytes);
  EXPECT_EQ(machine.Allocate(2).outcome, Outcome::kFragmented);
  EXPECT_EQ(machine.Free(PhysAddr(kRam - 2 * kPageBytes)).outcome, Outcome::kDoubleFree);
  EXPECT_THAT(machine.pages->CheckInvariants({}), IsEmpty());
}

TEST(GuestPages, RunsOfPagesAreWholeAndApart) {
  constexpr std::uint32_t kSeed = 7;
  PagesMachine machine("buddy_pages");
  EXPECT_EQ(machine.pages->interface(), "free_pages");
  const std::uint32_t all = machine.FreePages();
  std::mt19937 engine(kSeed);
  std::vector<std::pair<PhysAddr, std::uint32_t>> live;
  for (int i = 0; i < 5'000; ++i) {
    if (live.empty() || engine() % 2 == 0) {
      const auto count = static_cast<std::uint32_t>(1 + engine() % 20);
      const PageResult result = machine.Allocate(count);
      if (result.outcome != Outcome::kOk) continue;
      live.emplace_back(result.address, count);
    } else {
      const std::size_t at = engine() % live.size();
      ASSERT_EQ(machine.Free(live[at].first, live[at].second).outcome, Outcome::kOk) << machine.pages->died();
      live[at] = live.back();
      live.pop_back();
    }
  }
  ASSERT_FALSE(live.empty());
  if (live[0].second > 1) {
    EXPECT_EQ(machine.Free(live[0].first, live[0].second - 1).outcome, Outcome::kPartialFree);
  }
  for (const auto& [first, count] : live) ASSERT_EQ(machine.Free(first, count).outcome, Outcome::kOk) << machine.pages->died();
  EXPECT_EQ(machine.FreePages(), all) << "pages are taken and given back by powers of two";
  EXPECT_EQ(machine.pages->Shape().free_blocks, 1u);
}

TEST(GuestPages, EachMisuseOfTheMachineIsNamed) {
  const std::pair<std::uint32_t, const char*> kWrong[] = {
      {2, "machine_fault: palloc_get_multiple died at palloc_get_multiple+"},
      {3, "assertion_failed: palloc_get_multiple gave "},
      {3, ": expected a multiple of 4096"},
      {4, ": 4 pages there are not in the arena, 0x"},
      {5, " is in use"},
      {6, "machine_hang: palloc_get_multiple died at "},
      {6, ": not back after 20000000 steps"},
      {7, ": a page that it has given, which is in use"},
      {7, "(pages_misbehave.c:34)"},
      {8, ": it may not be written"},
      {9, "write at 0x00013000: nothing is there"},
  };
  for (const auto& [count, expected] : kWrong) {
    PagesMachine machine("pages_misbehave");
    const PhysAddr first = machine.Allocate().address;
    const std::string said = machine.After(count);
    EXPECT_THAT(said, HasSubstr(expected)) << count;
    EXPECT_EQ(machine.After(1), said) << "dead";
    EXPECT_NE(machine.Free(first).outcome, Outcome::kOk);
    ASSERT_EQ(machine.pages->CheckInvariants({}).size(), 1u);
    EXPECT_FALSE(machine.pages->HoldsPages(1));
  }
  PagesMachine machine("pages_misbehave");
  EXPECT_EQ(machine.Allocate(10).outcome, Outcome::kFragmented);
  EXPECT_THAT(machine.pages->CheckInvariants({}), IsEmpty()) << "to give nothing is no misuse";
}

TEST(GuestPages, APageGivenTwiceIsRefused) {
  PagesMachine machine("pages_misbehave");
  const std::uint32_t all = machine.FreePages();
  for (std::uint32_t i = 0; i < all; ++i) ASSERT_EQ(machine.Allocate().outcome, Outcome::kOk);
  EXPECT_THAT(machine.After(1), HasSubstr("is in use"));
}

TEST(GuestPages, UnguardedADoubleFreeIsWhatTheProgramMakesOfIt) {
  PagesMachine machine("kalloc", {}, false);
  const PhysAddr page = machine.Allocate().address;
  EXPECT_EQ(machine.Free(page).outcome, Outcome::kOk);
  EXPECT_EQ(machine.Free(page).outcome, Outcome::kOk) << "it does not notice";
  EXPECT_EQ(machine.Allocate().address, page);
  EXPECT_THAT(machine.After(1), HasSubstr("is in use"));
  PagesMachine panics("kalloc", {}, false);
  EXPECT_EQ(panics.Free(PhysAddr(4)).outcome, Outcome::kAssertionFailed);
  EXPECT_EQ(panics.pages->text().printed, "panic: kfree\n");
}

// All frames that were promised come, whatever the program does.
TEST(GuestPages, APromiseIsKeptByTheLabWhenTheProgramDoesNot) {
  PagesMachine machine("gives_none");
  ASSERT_TRUE(machine.guard->CanTakeFrames(200));
  std::vector<bool> seen(kRam / kPageBytes);
  for (int i = 0; i < 200; ++i) {
    const std::optional<PageFrame> frame = machine.guard->TakeFrame();
    ASSERT_TRUE(frame) << i;
    ASSERT_FALSE(seen[frame->number]);
    seen[frame->number] = true;
  }
  EXPECT_THAT(std::string(machine.pages->died()), HasSubstr("one of these was promised"));
  EXPECT_FALSE(machine.guard->TakeFrame());
  EXPECT_FALSE(machine.guard->CanTakeFrames(1));
}

// Of one that has tables of its own in the arena the lab does not know how many pages there are; it asks for them.
TEST(GuestPages, NearTheEndAPromiseIsWhatTheProgramHas) {
  PagesMachine machine("buddy_pages");
  std::uint32_t taken = 0;
  while (machine.guard->CanTakeFrames(3)) {
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(machine.guard->TakeFrame()) << taken;
    taken += 3;
  }
  EXPECT_EQ(machine.pages->died(), "");
  const std::uint32_t left = machine.FreePages();
  EXPECT_GE(left, 1u) << "the page with its table";
  EXPECT_LE(left, 3u);
  while (machine.guard->CanTakeFrames(1)) ASSERT_TRUE(machine.guard->TakeFrame());
  EXPECT_EQ(machine.FreePages(), 1u);
  EXPECT_EQ(machine.Allocate().outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(machine.pages->died(), "");
}

TEST(GuestPages, GoesOnFromWhatWasSaved) {
  PagesMachine machine("kalloc");
  const auto space = *AddressSpace::Create(machine.memory, *machine.guard);
  const PhysAddr first = machine.Allocate().address;
  const auto saved = machine.guard->Save();
  Journal journal(machine.memory, space.get());
  const PhysAddr second = machine.Allocate().address, third = machine.Allocate().address;
  ASSERT_EQ(machine.Free(first).outcome, Outcome::kOk);
  ASSERT_EQ(machine.Free(second).outcome, Outcome::kOk);
  journal.Rollback();
  machine.guard->Restore(*saved);
  EXPECT_EQ(machine.Allocate().address, second);
  EXPECT_EQ(machine.Allocate().address, third);
  EXPECT_EQ(machine.Free(second).outcome, Outcome::kOk);
  EXPECT_EQ(machine.Allocate().address, second);
  EXPECT_EQ(machine.pages->died(), "");
}

TEST(GuestPages, CountsWhatTheProgramDoes) {
  PagesMachine machine("kalloc");
  machine.guard->ResetCosts();
  ASSERT_EQ(machine.Allocate().outcome, Outcome::kOk);
  const std::uint64_t instructions = machine.pages->instructions();
  EXPECT_GT(instructions, 3u);
  EXPECT_LT(instructions, 30u);
  EXPECT_GE(machine.pages->costs().words_loaded, 2u) << "the head and the link";
  machine.guard->ResetCosts();
  ASSERT_EQ(machine.Free(PhysAddr(kRam - kPageBytes)).outcome, Outcome::kOk);
  EXPECT_GE(machine.pages->costs().words_stored, kPageBytes / kWordBytes) << "the fill, too";
}

TEST(GuestPages, WhatCannotBeIsRefused) {
  const auto refused = [](const std::string& program, const GuestPagesOptions& options, std::uint64_t ram) {
    PhysicalMemory memory(ram);
    return std::string(GuestPages::Create(memory, PagesProgram(program), options).status().message());
  };
  EXPECT_THAT(refused("kr", {}, kRam), HasSubstr("exports no page allocator; expected kinit"));
  EXPECT_THAT(refused("kalloc", {}, 64 << 10), HasSubstr("and in the RAM of 65536 bytes"));
  EXPECT_THAT(refused("kalloc", {.arena_pages = 5000}, kRam), HasSubstr("pages.arena_pages: 5000; expected at most the "));
  EXPECT_THAT(refused("kalloc", {.steps_max = 0}, kRam), HasSubstr("pages.steps_max: 0; expected from 1"));
  EXPECT_EQ(refused("kalloc", {.arena_pages = 5}, kRam), "");
  const PagesMachine small("kalloc", {.arena_pages = 5});
  EXPECT_EQ(small.FreePages(), 5u);
  const PagesMachine large("gives_none", {.arena_pages = 300'000}, true, 2ull << 30);
  EXPECT_EQ(large.FreePages(), 300'000u) << "tables that have no room below the program are elsewhere";
}

}  // namespace
}  // namespace alloclab

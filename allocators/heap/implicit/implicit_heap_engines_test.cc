// The two engines side by side: the same random operations, and everything compared - outcomes, addresses, costs, the machine's
// faults, shape and the words in RAM. Frames run out at random moments; what is refused must leave no trace.
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "allocators/heap/heap_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::IsEmpty;

// What the operations are like.
struct Pattern {
  std::string name;
  std::uint32_t operations;
  std::uint32_t live_blocks;            // about as many are held
  std::uint32_t size_min, size_max;     // of most requests, with smaller ones more likely
  std::uint32_t huge_per_mille = 0;     // of the requests are for up to 4 GiB
  std::uint32_t misuse_per_mille = 10;  // of the frees are of a wild address
  std::uint32_t dry_per_mille = 20;     // of the operations see only 0 to 3 frames left
  std::uint64_t ram_bytes = 64 << 20;
  std::uint32_t limit_bytes = 256 << 20;
  bool every_other = false;  // frees every second block before any other: a checkerboard
  friend void PrintTo(const Pattern& pattern, std::ostream* out) { *out << pattern.name; }
};

class EnginesTest : public testing::TestWithParam<Pattern> {
 protected:
  EnginesTest()
      : literal_({.engine = Engine::kLiteral, .limit_bytes = GetParam().limit_bytes}, GetParam().ram_bytes),
        indexed_({.engine = Engine::kIndexed, .limit_bytes = GetParam().limit_bytes}, GetParam().ram_bytes) {}

  std::uint32_t Draw(std::uint32_t min, std::uint32_t max) {
    return min + static_cast<std::uint32_t>(random_() % (max - min + 1ull));
  }
  bool PerMille(std::uint32_t chance) { return Draw(1, 1000) <= chance; }

  std::uint32_t Size() {
    const Pattern& p = GetParam();
    if (PerMille(p.huge_per_mille)) return static_cast<std::uint32_t>(random_()) | Draw(0, 0xFFFFFFFF) >> Draw(0, 31);
    return std::max(p.size_min, Draw(p.size_min, p.size_max) >> Draw(0, 4));
  }

  VirtAddr WildAddress() {
    const VirtAddr start = literal_.heap().Shape().start;
    if (!blocks_.empty() && PerMille(500)) return blocks_[random_() % blocks_.size()] + Draw(0, 40) - 20;
    return PerMille(800) ? start + Draw(0, literal_.heap().brk() - start + 16) : VirtAddr(Draw(0, 0xFFFFFFFF));
  }

  VirtAddr Victim() {
    victim_ = GetParam().every_other ? (victim_ + 1) % blocks_.size() : random_() % blocks_.size();
    return blocks_[victim_];
  }

  HeapCall NextCall() {
    const bool release = Draw(0, 2 * GetParam().live_blocks) < blocks_.size();
    if (release && PerMille(GetParam().misuse_per_mille)) {
      return {PerMille(500) ? HeapCall::kFree : HeapCall::kRealloc, WildAddress(), Size()};
    }
    if (release) return {HeapCall::kFree, Victim()};
    if (PerMille(50)) return {HeapCall::kCalloc, VirtAddr{}, Size() / 4 + PerMille(20), Draw(0, 6)};
    if (PerMille(100) && !blocks_.empty()) return {HeapCall::kRealloc, Victim(), Size()};
    return {HeapCall::kMalloc, VirtAddr{}, PerMille(5) ? 0 : Size()};
  }

  // Keeps `blocks_` what the heap holds; a wild address may have hit one.
  void Settle(const HeapCall& call, const HeapResult& result) {
    if (result.outcome != Outcome::kOk) return;
    if (call.kind == HeapCall::kFree || (call.kind == HeapCall::kRealloc && !call.block.is_null())) {
      if (victim_ >= blocks_.size() || blocks_[victim_] != call.block) {
        victim_ = static_cast<std::size_t>(std::find(blocks_.begin(), blocks_.end(), call.block) - blocks_.begin());
      }
      ASSERT_LT(victim_, blocks_.size()) << call << " was accepted for what is no block";
      std::swap(blocks_[victim_], blocks_.back());
      blocks_.pop_back();
    }
    if (call.kind != HeapCall::kFree) blocks_.push_back(result.address);
  }

  void Step() {
    const HeapCall call = NextCall();
    const std::uint32_t frames = literal_.frames().budget();
    const bool dry = PerMille(GetParam().dry_per_mille);
    for (HeapMachine* machine : {&literal_, &indexed_}) {
      if (dry) machine->frames().set_budget(std::min(frames, dry_frames_));
      machine->frames().ForgetAsked();
    }
    dry_frames_ = (dry_frames_ + 1) % 4;
    const HeapCosts before = literal_.heap().costs();
    const std::uint32_t taken_before = literal_.frames().taken();
    const VirtAddr brk_before = literal_.heap().brk();

    const HeapResult expected = call.On(literal_.heap());
    const HeapResult actual = call.On(indexed_.heap());
    ++outcomes_[static_cast<std::size_t>(expected.outcome)];

    const std::uint32_t taken = literal_.frames().taken() - taken_before;
    for (HeapMachine* machine : {&literal_, &indexed_}) {
      if (dry) machine->frames().set_budget(frames - taken);
    }
    ASSERT_EQ(expected.outcome, actual.outcome) << call;
    ASSERT_EQ(expected.address, actual.address) << call;
    ASSERT_EQ(literal_.heap().brk(), indexed_.heap().brk()) << call;
    ASSERT_TRUE(literal_.heap().Counts() == indexed_.heap().Counts()) << call;
    ASSERT_EQ(literal_.space().costs(), indexed_.space().costs()) << call;
    ASSERT_TRUE(taken == 0 || taken == indexed_.frames().asked())
        << call << " took " << taken << " frames, but asked for " << indexed_.frames().asked();
    if (!Succeeded(expected.outcome)) {
      ASSERT_EQ(taken, 0u) << call;
      ASSERT_EQ(brk_before, literal_.heap().brk()) << call;
      ASSERT_EQ(before.words_stored, literal_.heap().costs().words_stored) << call;
    }
    Settle(call, expected);
  }

  void CompareEverything() {
    ASSERT_EQ(literal_.heap().Shape(), indexed_.heap().Shape());
    ASSERT_TRUE(literal_.Headers() == indexed_.Headers());
    for (HeapMachine* machine : {&literal_, &indexed_}) {
      const std::vector<Violation> found = machine->heap().CheckInvariants();
      ASSERT_THAT(found, IsEmpty()) << found.front().invariant << ": " << found.front().what;
    }
  }

  std::mt19937_64 random_{20060819};
  HeapMachine literal_, indexed_;
  std::vector<VirtAddr> blocks_;
  std::size_t victim_ = 0;
  std::uint32_t dry_frames_ = 0;
  std::array<std::uint64_t, kOutcomeSlots> outcomes_{};
};

TEST_P(EnginesTest, AgreeOnEverything) {
  const Pattern& p = GetParam();
  const std::uint64_t seed = testing::UnitTest::GetInstance()->random_seed() + 1ull;
  std::cout << "seed " << seed << " (--gtest_random_seed=" << seed - 1 << ")\n";
  random_.seed(seed);
  // Everything is compared after each of the first operations, then ever more rarely as the heap grows.
  for (std::uint32_t i = 0; i < p.operations; ++i) {
    ASSERT_NO_FATAL_FAILURE(Step()) << "operation " << i;
    if (i >= 500 && i % (p.live_blocks * 4) != 0) continue;
    ASSERT_NO_FATAL_FAILURE(CompareEverything()) << "after operation " << i;
  }
  ASSERT_NO_FATAL_FAILURE(CompareEverything());
  ASSERT_TRUE(literal_.Words() == indexed_.Words());
  // A free may be refused at the end: its footer lies in an absent page and RAM is full.
  for (std::size_t left = blocks_.size(); left > 0; --left) {
    const HeapCall call{HeapCall::kFree, blocks_[left - 1]};
    const HeapResult result = call.On(indexed_.heap());
    ASSERT_EQ(result.outcome, call.On(literal_.heap()).outcome);
    Settle(call, result);
  }
  EXPECT_EQ(indexed_.heap().Shape().live_blocks, blocks_.size());
  ASSERT_NO_FATAL_FAILURE(CompareEverything());
  for (std::size_t i = 0; i < kOutcomeSlots; ++i) {
    if (outcomes_[i] != 0) std::cout << OutcomeName(static_cast<Outcome>(i)) << ' ' << outcomes_[i] << "  ";
  }
  std::cout << '\n';
}

INSTANTIATE_TEST_SUITE_P(
    Patterns, EnginesTest,
    testing::Values(Pattern{.name = "Tiny", .operations = 1'000'000, .live_blocks = 12, .size_min = 1, .size_max = 64},
                    Pattern{.name = "Small", .operations = 600'000, .live_blocks = 100, .size_min = 1, .size_max = 500},
                    Pattern{.name = "OneSize", .operations = 400'000, .live_blocks = 150, .size_min = 12, .size_max = 12},
                    Pattern{.name = "Mixed", .operations = 150'000, .live_blocks = 400, .size_min = 1, .size_max = 100'000},
                    Pattern{.name = "Megabytes",
                            .operations = 60'000,
                            .live_blocks = 60,
                            .size_min = 1,
                            .size_max = 2'000'000,
                            .ram_bytes = 256 << 20},
                    Pattern{.name = "Many", .operations = 60'000, .live_blocks = 5'000, .size_min = 1, .size_max = 200},
                    Pattern{.name = "Checkerboard",
                            .operations = 150'000,
                            .live_blocks = 500,
                            .size_min = 16,
                            .size_max = 40,
                            .every_other = true},
                    Pattern{
                        .name = "PageSized", .operations = 200'000, .live_blocks = 100, .size_min = 3'900, .size_max = 4'300},
                    Pattern{.name = "Misused",
                            .operations = 300'000,
                            .live_blocks = 50,
                            .size_min = 1,
                            .size_max = 3'000,
                            .huge_per_mille = 30,
                            .misuse_per_mille = 500,
                            .ram_bytes = 2 << 20},
                    Pattern{.name = "NearFullRam",
                            .operations = 300'000,
                            .live_blocks = 120,
                            .size_min = 1,
                            .size_max = 40'000,
                            .dry_per_mille = 100,
                            .ram_bytes = 1 << 20},
                    Pattern{.name = "NearTheLimit",
                            .operations = 300'000,
                            .live_blocks = 90,
                            .size_min = 1,
                            .size_max = 400'000,
                            .ram_bytes = 16 << 20,
                            .limit_bytes = 4 << 20}),
    [](const auto& pattern) { return pattern.param.name; });

}  // namespace
}  // namespace alloclab

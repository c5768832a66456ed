// Every history of a small world: all sequences of up to 7 operations, each a malloc of one of 4 sizes or a free of one of the
// live blocks, replayed from a fresh heap on both engines and compared, invariants included, after the last operation.
#include <array>
#include <cstdint>
#include <vector>

#include "allocators/heap/heap_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::IsEmpty;

constexpr int kLength = 7;
constexpr std::array<std::uint32_t, 4> kSizes = {1, 8, 12, 40};

// Choices of one history: a size, or kSizes.size() + the position of a live block.
class SmallWorld {
 public:
  // Sequences of exactly n operations: n! [t^n] exp(4t + 2t^2), since a malloc is one of 4 and a free one of the live.
  static std::uint64_t Histories(int n) {
    std::uint64_t total = 0;
    for (int frees = 0; 2 * frees <= n; ++frees) {
      std::uint64_t term = 1;
      for (int i = n - 2 * frees + 1; i <= n; ++i) term *= static_cast<std::uint64_t>(i);
      for (int i = 1; i <= frees; ++i) term = term / static_cast<std::uint64_t>(i);
      total += term << 2 * (n - 2 * frees) << frees;
    }
    return total;
  }

  void Explore(std::size_t live) {
    ++histories_[choices_.size()];
    ASSERT_NO_FATAL_FAILURE(Replay());
    if (choices_.size() == kLength) return;
    for (std::size_t choice = 0; choice < kSizes.size() + live; ++choice) {
      choices_.push_back(choice);
      ASSERT_NO_FATAL_FAILURE(Explore(choice < kSizes.size() ? live + 1 : live - 1));
      choices_.pop_back();
    }
  }

  const std::array<std::uint64_t, kLength + 1>& histories() const { return histories_; }

 private:
  void Apply(TestedHeap& heap) {
    std::vector<VirtAddr> live;
    for (const std::size_t choice : choices_) {
      if (choice < kSizes.size()) {
        const HeapResult result = heap.Malloc(kSizes[choice]);
        ASSERT_EQ(result.outcome, Outcome::kOk);
        live.push_back(result.address);
      } else {
        const auto block = live.begin() + static_cast<std::ptrdiff_t>(choice - kSizes.size());
        ASSERT_EQ(heap.Free(*block).outcome, Outcome::kOk);
        live.erase(block);
      }
    }
    ASSERT_EQ(heap.Shape().live_blocks, live.size());
  }

  void Replay() {
    const auto options = [](Engine engine) {
      return ImplicitHeapOptions{.engine = engine, .limit_bytes = 4 << 20, .initial_bytes = 48};
    };
    HeapMachine literal(options(Engine::kLiteral), 1 << 20), indexed(options(Engine::kIndexed), 1 << 20);
    ASSERT_NO_FATAL_FAILURE(Apply(literal.heap()));
    ASSERT_NO_FATAL_FAILURE(Apply(indexed.heap()));
    ASSERT_TRUE(literal.Words() == indexed.Words()) << literal.Draw() << indexed.Draw();
    ASSERT_TRUE(literal.heap().Counts() == indexed.heap().Counts()) << literal.Draw();
    ASSERT_TRUE(literal.heap().Shape() == indexed.heap().Shape()) << literal.Draw();
    ASSERT_THAT(literal.heap().CheckInvariants(), IsEmpty()) << literal.Draw();
    ASSERT_THAT(indexed.heap().CheckInvariants(), IsEmpty()) << indexed.Draw();
  }

  std::vector<std::size_t> choices_;
  std::array<std::uint64_t, kLength + 1> histories_{};
};

TEST(ImplicitHeapExhaustiveTest, AllShortHistories) {
  SmallWorld world;
  ASSERT_NO_FATAL_FAILURE(world.Explore(0));
  for (int n = 0; n <= kLength; ++n) {
    EXPECT_EQ(world.histories()[static_cast<std::size_t>(n)], SmallWorld::Histories(n)) << n;
  }
  EXPECT_EQ(SmallWorld::Histories(kLength), 236'800u);
}

}  // namespace
}  // namespace alloclab

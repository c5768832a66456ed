// The policies beside the original's, worked out by hand; and what must be true of all of them.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "allocators/heap/heap_testing.h"
#include "allocators/heap/implicit/implicit_heap.h"
#include "allocators/heap/next_fit/next_fit_heap.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::IsEmpty;

constexpr ImplicitFit kFits[] = {ImplicitFit::kFirst, ImplicitFit::kNext, ImplicitFit::kBest, ImplicitFit::kWorst};
constexpr ImplicitCoalesce kCoalesces[] = {ImplicitCoalesce::kImmediate, ImplicitCoalesce::kDeferred, ImplicitCoalesce::kNever};

ImplicitHeapOptions Of(ImplicitFit fit, ImplicitCoalesce coalesce = ImplicitCoalesce::kImmediate) {
  return {.fit = fit, .coalesce = coalesce};
}

std::uint32_t MallocAt(HeapMachine& machine, std::uint32_t bytes) {
  const HeapResult result = machine.heap().Malloc(bytes);
  EXPECT_EQ(result.outcome, Outcome::kOk);
  return result.address.raw() - 0xC0400000;
}

// Free chunks of 104 bytes at 4, of 64 at 132, of 104 at 220, of 3752 at 348; 24 bytes live between them.
void Punch(HeapMachine& machine) {
  std::vector<VirtAddr> blocks;
  for (const std::uint32_t bytes : {100, 20, 60, 20, 100, 20}) blocks.push_back(machine.heap().Malloc(bytes).address);
  for (const int i : {0, 2, 4}) machine.heap().Free(blocks[i]);
  ASSERT_EQ(machine.Draw(), "[.104][A24][.64][A24][.104][A24][.3752]");
}

TEST(ImplicitPoliciesTest, EachFitTakesItsChunk) {
  const std::pair<ImplicitFit, std::uint32_t> expected[] = {
      {ImplicitFit::kFirst, 8}, {ImplicitFit::kNext, 352}, {ImplicitFit::kBest, 136}, {ImplicitFit::kWorst, 352}};
  for (const auto& [fit, address] : expected) {
    HeapMachine machine(Of(fit));
    Punch(machine);
    EXPECT_EQ(MallocAt(machine, 52), address) << static_cast<int>(fit);
    EXPECT_THAT(machine.heap().CheckInvariants(), IsEmpty());
  }
}

TEST(ImplicitPoliciesTest, BestFitEndsAtAnExactFitAndTakesTheLowestOfEqualOnes) {
  HeapMachine machine(Of(ImplicitFit::kBest));
  Punch(machine);
  const std::uint64_t steps = machine.heap().Counter("search_steps");
  EXPECT_EQ(MallocAt(machine, 100), 8u);
  EXPECT_EQ(machine.heap().Counter("search_steps"), steps + 2) << "the prologue, and the chunk";
  EXPECT_EQ(MallocAt(machine, 90), 224u);
  EXPECT_EQ(machine.heap().Counter("search_steps"), steps + 2 + 8) << "all chunks";
  EXPECT_EQ(MallocAt(machine, 60), 136u);
}

TEST(ImplicitPoliciesTest, WorstFitTakesTheLowestOfEqualOnes) {
  HeapMachine machine(Of(ImplicitFit::kWorst));
  Punch(machine);
  EXPECT_EQ(MallocAt(machine, 3748), 352u) << "the only one";
  EXPECT_EQ(MallocAt(machine, 50), 8u);
  EXPECT_EQ(MallocAt(machine, 50), 224u) << "104 there, 64 before it";
}

TEST(ImplicitPoliciesTest, NextFitGoesOnWhereItFoundAndWraps) {
  HeapMachine machine(Of(ImplicitFit::kNext));
  Punch(machine);
  EXPECT_EQ(MallocAt(machine, 3748), 352u);
  EXPECT_EQ(MallocAt(machine, 60), 8u) << "from the start again";
  EXPECT_EQ(MallocAt(machine, 20), 72u) << "what is left of that chunk";
  EXPECT_EQ(MallocAt(machine, 20), 136u) << "not a chunk behind it";
}

// 24 bytes live, two free neighbours of 24, 24 live twice, the rest live.
void MakeNeighbours(HeapMachine& machine) {
  std::vector<VirtAddr> blocks;
  for (int i = 0; i < 5; ++i) blocks.push_back(machine.heap().Malloc(20).address);
  machine.heap().Malloc(3972);
  machine.heap().Free(blocks[1]);
  machine.heap().Free(blocks[2]);
}

TEST(ImplicitPoliciesTest, DeferredCoalescingWaitsForASearchThatFails) {
  for (const ImplicitFit fit : kFits) {
    HeapMachine machine(Of(fit, ImplicitCoalesce::kDeferred));
    MakeNeighbours(machine);
    EXPECT_EQ(machine.Draw(), "[A24][.24][.24][A24][A24][A3976]");
    const VirtAddr brk = machine.heap().brk();
    EXPECT_EQ(MallocAt(machine, 40), 32u);
    EXPECT_EQ(machine.Draw(), "[A24][A44][.4][A24][A24][A3976]");
    EXPECT_EQ(machine.heap().brk(), brk) << "it did not grow";
    EXPECT_EQ(machine.heap().Counter("merges", "above"), 1u);
    EXPECT_THAT(machine.heap().CheckInvariants(), IsEmpty());
  }
}

TEST(ImplicitPoliciesTest, WithoutCoalescingTheHeapGrowsInstead) {
  HeapMachine machine(Of(ImplicitFit::kFirst, ImplicitCoalesce::kNever));
  MakeNeighbours(machine);
  EXPECT_EQ(MallocAt(machine, 40), 4100u + 4);
  EXPECT_EQ(machine.Draw(), "[A24][.24][.24][A24][A24][A3976][A44]");
  EXPECT_EQ(machine.heap().Counter("merges"), 0u);
  EXPECT_THAT(machine.heap().CheckInvariants(), IsEmpty());
}

// A workload without an end: a request of up to 400 bytes, or a free of any live block.
class Program {
 public:
  HeapCall Next(TestedHeap& heap, std::vector<VirtAddr>& live) {
    random_ = random_ * 6364136223846793005 + 1442695040888963407;
    const auto choice = static_cast<std::uint32_t>(random_ >> 33);
    if (live.empty() || choice % 100 < 52) {
      const HeapCall call{.kind = HeapCall::kMalloc, .block = {}, .bytes = 1 + choice / 100 % 400};
      live.push_back(call.On(heap).address);
      return call;
    }
    const std::size_t i = choice / 100 % live.size();
    const HeapCall call{.kind = HeapCall::kFree, .block = live[i]};
    EXPECT_EQ(call.On(heap).outcome, Outcome::kOk);
    live[i] = live.back();
    live.pop_back();
    return call;
  }

 private:
  std::uint64_t random_ = 1;
};

class AnyPolicyTest : public testing::TestWithParam<std::tuple<ImplicitFit, ImplicitCoalesce>> {};
INSTANTIATE_TEST_SUITE_P(All, AnyPolicyTest, testing::Combine(testing::ValuesIn(kFits), testing::ValuesIn(kCoalesces)));

TEST_P(AnyPolicyTest, KeepsItsChunksSoundWhateverTheEngineIsCalled) {
  const auto [fit, coalesce] = GetParam();
  ImplicitHeapOptions options = Of(fit, coalesce), literal = options;
  literal.engine = Engine::kLiteral;
  HeapMachine machine(options), twin(literal);
  Program program, twin_program;
  std::vector<VirtAddr> live, twin_live;
  for (int i = 0; i < 3000; ++i) {
    const HeapCall call = program.Next(machine.heap(), live);
    twin_program.Next(twin.heap(), twin_live);
    ASSERT_EQ(live, twin_live) << call;
    if (i % 50 != 0) continue;
    ASSERT_THAT(machine.heap().CheckInvariants(), IsEmpty()) << call;
  }
  EXPECT_TRUE(machine.heap().costs() == twin.heap().costs());
  EXPECT_EQ(machine.Words(), twin.Words());
  const bool merges = machine.heap().Counter("merges", "above") != 0;
  EXPECT_EQ(merges, coalesce != ImplicitCoalesce::kNever);
}

TEST(ImplicitPoliciesTest, NextFitIsTheHeapOfThatName) {
  HeapMachine machine(Of(ImplicitFit::kNext));
  HeapMachine other([](AddressSpace& space) { return MakeNextFitHeap(space, {.engine = Engine::kLiteral}); });
  Program program, other_program;
  std::vector<VirtAddr> live, other_live;
  for (int i = 0; i < 3000; ++i) {
    const HeapCall call = program.Next(machine.heap(), live);
    other_program.Next(other.heap(), other_live);
    ASSERT_EQ(live, other_live) << call;
  }
  EXPECT_TRUE(machine.heap().costs() == other.heap().costs());
  EXPECT_EQ(machine.Words(), other.Words());
}

TEST(ImplicitPoliciesTest, UnguardedTheEngineIsTheLiteralOne) {
  PhysicalMemory memory(64 << 20);
  BudgetedFrames frames(memory.frame_count());
  const auto space = *AddressSpace::Create(memory, frames);
  ImplicitHeapOptions options = Of(ImplicitFit::kBest);
  options.guarded = false;
  EXPECT_EQ(MakeImplicitHeap(*space, options).status().code(), absl::StatusCode::kInvalidArgument);
  options.engine = Engine::kLiteral;
  EXPECT_TRUE(MakeImplicitHeap(*space, options).ok());
}

// A pass reads behind the break where the epilogue was overwritten; there, too, it ends.
TEST(ImplicitPoliciesTest, APassOverABrokenHeapHangs) {
  ImplicitHeapOptions options = Of(ImplicitFit::kFirst, ImplicitCoalesce::kDeferred);
  options.guarded = false;
  options.engine = Engine::kLiteral;
  HeapMachine machine(options);
  ASSERT_TRUE(machine.space().StoreU32(machine.heap().brk(), 0));
  EXPECT_EQ(machine.heap().Malloc(5000).outcome, Outcome::kMachineHang);
}

}  // namespace
}  // namespace alloclab

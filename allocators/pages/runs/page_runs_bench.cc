// Pairs of a free and an allocation: a random block is freed, and one of random size allocated. Junk fills are included; they
// are lazy. Before anything is timed, both engines do the same pairs and are compared.
//
// Arguments: engine (0 literal, 1 indexed), MiB of RAM, stride in pages, blocks that come and go. The arena is cut into strides
// that begin with 2, 4, 6 or 8 free pages (the short ones below), so that a first fit may lie anywhere; the rest of a stride
// stays allocated for ever. Stride 0: the arena is one run. Counters: runs in the free list at the end, and runs that the
// original visits per pair.
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <tuple>
#include <vector>

#include "allocators/pages/runs/page_runs.h"
#include "allocators/pages/runs/run_list.h"
#include "benchmark/benchmark.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kPagesMax = 8;  // of a request

class Churn {
 public:
  Churn(Engine engine, std::uint64_t ram_bytes, std::uint32_t stride, std::uint32_t blocks) : memory_(ram_bytes) {
    pages_ = *MakePageRuns(memory_, {.engine = engine});
    std::minstd_rand random(20260104);
    for (std::uint32_t& drawn : drawn_) drawn = static_cast<std::uint32_t>(random());
    if (stride != 0) Fragment(stride);
    for (std::uint32_t i = 0; i < blocks; ++i) Allocate(blocks_.emplace_back());
    pages_->ResetCosts();
  }

  void Pair() {
    FreeRun& block = blocks_[Below(static_cast<std::uint32_t>(blocks_.size()))];
    failures_ += pages_->Free(block.first, block.bytes).outcome != Outcome::kOk;
    Allocate(block);
  }

  bool SameAs(const Churn& other) const {
    bool same = pages_->allocator().Counts() == other.pages_->allocator().Counts() && AllServed() && other.AllServed();
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      same = same && blocks_[i].first == other.blocks_[i].first && blocks_[i].bytes == other.blocks_[i].bytes;
    }
    return same && pages_->allocator().Shape().free_blocks == other.pages_->allocator().Shape().free_blocks;
  }

  bool AllServed() const { return failures_ == 0; }
  PageGuard& pages() { return *pages_; }

 private:
  // All is taken, then the holes are freed from above, where the literal walk is short.
  void Fragment(std::uint32_t stride) {
    const Arena& arena = pages_->allocator().arena();
    const auto arena_pages = static_cast<std::uint32_t>(arena.bytes / kPageBytes);
    for (std::uint32_t left = arena_pages; left > 0;) {
      const std::uint32_t piece = std::min(left, 1u << 18);
      failures_ += pages_->Allocate(piece * kPageBytes).outcome != Outcome::kOk;
      left -= piece;
    }
    const std::uint32_t holes = arena_pages / stride;
    for (std::uint32_t i = holes; i-- > 0;) {
      const std::uint32_t hole = 2 + 4 * i / holes * 2;
      failures_ += pages_->Free(arena.first + i * stride * kPageBytes, hole * kPageBytes).outcome != Outcome::kOk;
    }
  }
  std::uint32_t Below(std::uint32_t end) {  // minstd_rand draws 31 bits
    return static_cast<std::uint32_t>(std::uint64_t{drawn_[next_++ % drawn_.size()]} * end >> 31);
  }
  void Allocate(FreeRun& block) {
    block.bytes = (1 + Below(kPagesMax)) * kPageBytes;
    const PageResult result = pages_->Allocate(block.bytes);
    failures_ += result.outcome != Outcome::kOk;
    block.first = result.address;
  }

  PhysicalMemory memory_;
  std::unique_ptr<PageGuard> pages_;
  std::vector<FreeRun> blocks_;
  std::array<std::uint32_t, 1 << 16> drawn_;  // random numbers, drawn beforehand
  std::uint32_t next_ = 0;
  std::uint64_t failures_ = 0;
};

bool EnginesAgree(std::uint64_t ram_bytes, std::uint32_t stride, std::uint32_t blocks) {
  static std::map<std::tuple<std::uint64_t, std::uint32_t, std::uint32_t>, bool> asked;
  const auto [answer, is_new] = asked.try_emplace({ram_bytes, stride, blocks});
  if (!is_new) return answer->second;
  Churn literal(Engine::kLiteral, ram_bytes, stride, blocks), indexed(Engine::kIndexed, ram_bytes, stride, blocks);
  for (int i = 0; i < 200; ++i) {
    literal.Pair();
    indexed.Pair();
  }
  return answer->second = literal.SameAs(indexed);
}

void BM_Pairs(benchmark::State& state) {
  const Engine engine = state.range(0) == 0 ? Engine::kLiteral : Engine::kIndexed;
  const std::uint64_t ram_bytes = static_cast<std::uint64_t>(state.range(1)) << 20;
  const auto stride = static_cast<std::uint32_t>(state.range(2)), blocks = static_cast<std::uint32_t>(state.range(3));
  if (!EnginesAgree(ram_bytes, stride, blocks)) return state.SkipWithError("the engines differ");
  Churn churn(engine, ram_bytes, stride, blocks);
  for (auto _ : state) churn.Pair();
  if (!churn.AllServed()) state.SkipWithError("an operation failed");
  state.SetItemsProcessed(state.iterations());
  state.counters["free_blocks"] = churn.pages().allocator().Shape().free_blocks;
  state.counters["visited"] = benchmark::Counter(static_cast<double>(churn.pages().allocator().costs().search_steps),
                                                 benchmark::Counter::kAvgIterations);
}
BENCHMARK(BM_Pairs)
    ->ArgNames({"indexed", "MiB", "stride", "blocks"})
    ->ArgsProduct({{0, 1}, {1}, {0}, {4}})
    ->ArgsProduct({{0, 1}, {1}, {10}, {4}})
    ->ArgsProduct({{0, 1}, {16}, {10}, {100}});
BENCHMARK(BM_Pairs)->ArgNames({"indexed", "MiB", "stride", "blocks"})->Args({0, 4096, 9, 16'000})->Iterations(200);
BENCHMARK(BM_Pairs)->ArgNames({"indexed", "MiB", "stride", "blocks"})->Args({1, 4096, 9, 16'000});

void BM_Create(benchmark::State& state) {
  const std::uint64_t ram_bytes = static_cast<std::uint64_t>(state.range(0)) << 20;
  for (auto _ : state) {
    PhysicalMemory memory(ram_bytes);
    benchmark::DoNotOptimize(MakePageRuns(memory, {}));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Create)->ArgName("MiB")->Arg(512)->Arg(4096);

}  // namespace
}  // namespace alloclab

// The implicit heap by itself: how its time grows with the heap, indexed against literal, and making many of them.
//
//   implicit_heap_bench [--benchmark_filter=Steady]
//
// Before anything is timed, both engines do the same operations and must agree on every address, all costs and the shape.
// Time is per operation; a step of the steady state is a free of a random block and a malloc of a random size.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "allocators/heap/heap_testing.h"
#include "benchmark/benchmark.h"

namespace alloclab {
namespace {

constexpr std::uint64_t kRamBytes = std::uint64_t{2} << 30;
constexpr std::uint32_t kSizeMax = 96;
constexpr std::size_t kAhead = 8;  // as the driver does it (allocators/workload/driver.cc)

// A heap with a number of live blocks of 1 to 96 bytes, exchanged at random until it has come to its steady state.
class SteadyHeap {
 public:
  SteadyHeap(Engine engine, std::size_t blocks)
      : machine_({.engine = engine, .limit_bytes = 0x3F800000}, kRamBytes), blocks_(blocks) {
    for (VirtAddr& block : blocks_) block = Malloc();
    for (std::size_t i = 0; i < blocks; ++i) Exchange(Draw());
  }

  void Exchange(std::size_t victim) {
    if (machine_.heap().Free(blocks_[victim]).outcome != Outcome::kOk) std::abort();
    blocks_[victim] = Malloc();
  }
  std::size_t Draw() { return random_() % blocks_.size(); }

  TestedHeap& heap() { return machine_.heap(); }
  std::uint64_t touched_bytes() { return std::uint64_t{machine_.space().costs().mapped_frames} * kPageBytes; }
  const std::vector<VirtAddr>& blocks() const { return blocks_; }

 private:
  VirtAddr Malloc() {
    const HeapResult result = machine_.heap().Malloc(1 + static_cast<std::uint32_t>(random_() % kSizeMax));
    if (result.outcome != Outcome::kOk) std::abort();
    return result.address;
  }

  HeapMachine machine_;
  std::vector<VirtAddr> blocks_;
  std::mt19937_64 random_{1};
};

void Steady(benchmark::State& state, Engine engine) {
  SteadyHeap world(engine, static_cast<std::size_t>(state.range(0)));
  const HeapCosts before = world.heap().costs();
  std::vector<std::size_t> victims(4096);  // drawn beforehand: the generator is not the heap's time
  std::uint64_t operations = 0;
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(2 * victims.size()))) {
    state.PauseTiming();
    for (std::size_t& victim : victims) victim = world.Draw();
    state.ResumeTiming();
    for (std::size_t i = 0; i < victims.size(); ++i) {
      __builtin_prefetch(&world.blocks()[victims[(i + 2 * kAhead) % victims.size()]], 1);  // its misses are not the heap's
      world.heap().allocator().Prefetch(world.blocks()[victims[(i + kAhead) % victims.size()]]);
      world.Exchange(victims[i]);
    }
    operations += 2 * victims.size();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(operations));
  state.counters["steps/malloc"] =
      2.0 * static_cast<double>(world.heap().costs().search_steps - before.search_steps) / static_cast<double>(operations);
  state.counters["heap_MiB"] = static_cast<double>(world.heap().Shape().size_bytes()) / (1 << 20);
  state.counters["index/touched"] = static_cast<double>(world.heap().host_bytes()) / static_cast<double>(world.touched_bytes());
}
BENCHMARK_CAPTURE(Steady, indexed, Engine::kIndexed)->RangeMultiplier(10)->Range(10'000, 10'000'000);
BENCHMARK_CAPTURE(Steady, literal, Engine::kLiteral)->RangeMultiplier(10)->Range(1'000, 10'000);

// Only the heap and its address space; the page tables of the usual 256 MiB included.
void Create(benchmark::State& state, Engine engine) {
  constexpr std::size_t kHeaps = 10'000;
  for (auto _ : state) {
    std::vector<std::unique_ptr<HeapMachine>> machines;
    machines.reserve(kHeaps);
    for (std::size_t i = 0; i < kHeaps; ++i) machines.push_back(std::make_unique<HeapMachine>(Guarded(engine)));
    state.PauseTiming();
    state.counters["index_bytes/heap"] = static_cast<double>(machines.back()->heap().host_bytes());
    machines.clear();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(kHeaps * state.iterations()));
}
BENCHMARK_CAPTURE(Create, indexed, Engine::kIndexed)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Create, literal, Engine::kLiteral)->Unit(benchmark::kMillisecond);

bool EnginesAgree() {
  SteadyHeap literal(Engine::kLiteral, 3'000), indexed(Engine::kIndexed, 3'000);
  for (int i = 0; i < 20'000; ++i) {
    literal.Exchange(literal.Draw());
    indexed.Exchange(indexed.Draw());
  }
  return literal.blocks() == indexed.blocks() && literal.heap().Counts() == indexed.heap().Counts() &&
         literal.heap().Shape() == indexed.heap().Shape();
}

}  // namespace
}  // namespace alloclab

int main(int argc, char** argv) {
  if (!alloclab::EnginesAgree()) {
    std::fputs("the engines do not agree: nothing was timed\n", stderr);
    return 1;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

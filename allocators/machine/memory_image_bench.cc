// What a snapshot costs: a machine of 512 MiB with 10,000 touched frames, of which some changed since the last image.
#include <cstdint>
#include <memory>
#include <random>

#include "allocators/machine/physical_memory.h"
#include "benchmark/benchmark.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kTouched = 10'000;

class Frames {
 public:
  Frames() {
    for (std::uint32_t i = 0; i < kTouched; ++i) Touch(i);
  }
  PhysicalMemory& memory() { return memory_; }
  // The touched frames are spread evenly; `count` of them are written.
  void Change(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) Touch(static_cast<std::uint32_t>(engine_()) % kTouched);
  }

 private:
  void Touch(std::uint32_t i) {
    const PageFrame frame{static_cast<std::uint32_t>(std::uint64_t{i} * memory_.frame_count() / kTouched)};
    benchmark::DoNotOptimize(memory_.StoreU32(frame.base() + 64, static_cast<std::uint32_t>(engine_())));
  }

  PhysicalMemory memory_{PhysicalMemory::kBytesDefault};
  std::mt19937 engine_{1};
};

void BM_FirstSnapshot(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    auto frames = std::make_unique<Frames>();
    state.ResumeTiming();
    auto image = frames->memory().TakeSnapshot();
    state.PauseTiming();
    image.reset();
    frames.reset();
    state.ResumeTiming();
  }
}
BENCHMARK(BM_FirstSnapshot)->Unit(benchmark::kMicrosecond);

void BM_Snapshot(benchmark::State& state) {
  Frames frames;
  auto image = frames.memory().TakeSnapshot();
  for (auto _ : state) {
    state.PauseTiming();
    frames.Change(static_cast<std::uint32_t>(state.range(0)));
    state.ResumeTiming();
    image = frames.memory().TakeSnapshot();
  }
}
BENCHMARK(BM_Snapshot)->Arg(1)->Arg(100)->Unit(benchmark::kMicrosecond);

void BM_Restore(benchmark::State& state) {
  Frames frames;
  const auto image = frames.memory().TakeSnapshot();
  for (auto _ : state) {
    state.PauseTiming();
    frames.Change(static_cast<std::uint32_t>(state.range(0)));
    state.ResumeTiming();
    frames.memory().Restore(*image);
  }
}
BENCHMARK(BM_Restore)->Arg(1)->Arg(100)->Unit(benchmark::kMicrosecond);

// From one image to another one, as a slider over time does.
void BM_RestoreAnother(benchmark::State& state) {
  Frames frames;
  const auto one = frames.memory().TakeSnapshot();
  frames.Change(static_cast<std::uint32_t>(state.range(0)));
  const auto two = frames.memory().TakeSnapshot();
  for (auto _ : state) {
    frames.memory().Restore(*one);
    frames.memory().Restore(*two);
  }
}
BENCHMARK(BM_RestoreAnother)->Arg(100)->Unit(benchmark::kMicrosecond);

// Plain stores on a machine without an image and on one with: only the first one into each frame differs.
void BM_Store(benchmark::State& state) {
  Frames frames;
  std::shared_ptr<const MemoryImage> image;
  if (state.range(0) != 0) image = frames.memory().TakeSnapshot();
  std::uint32_t address = 64;
  for (auto _ : state) {
    benchmark::DoNotOptimize(frames.memory().StoreU32(PhysAddr(address), address));
    address = (address + 0x1004) % (1u << 20);  // 256 frames
  }
}
BENCHMARK(BM_Store)->ArgName("snapshot")->Arg(0)->Arg(1);

}  // namespace
}  // namespace alloclab

// How fast instances are made, and what an untouched one costs the host.
#include <malloc.h>

#include <memory>
#include <vector>

#include "allocators/catalog/instance.h"
#include "benchmark/benchmark.h"

namespace alloclab {
namespace {

void CreateInstance(benchmark::State& state) {
  InstanceConfig config;
  config.ram_bytes = static_cast<std::uint64_t>(state.range(0)) << 20;
  for (auto _ : state) {
    auto instance = Instance::Create(config);
    if (!instance.ok()) return state.SkipWithError("cannot create the instance");
    benchmark::DoNotOptimize(instance->get());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(CreateInstance)->ArgName("MiB")->Arg(1)->Arg(512)->Arg(4096);

// Ten thousand at once: the time of making them all, and the host's memory for each.
void TenThousandInstances(benchmark::State& state) {
  constexpr int kInstances = 10'000;
  InstanceConfig config;
  config.ram_bytes = PhysicalMemory::kBytesMax;
  for (auto _ : state) {
    const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    std::vector<std::unique_ptr<Instance>> instances;
    for (int i = 0; i < kInstances; ++i) instances.push_back(*Instance::Create(config));
    const std::size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
    state.counters["host_bytes_each"] = static_cast<double>(after - before) / kInstances;
  }
  state.SetItemsProcessed(state.iterations() * kInstances);
}
BENCHMARK(TenThousandInstances)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace alloclab

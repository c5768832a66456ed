// How fast users' programs serve workloads: operations are the items; and what they run, by the second and by the operation.
#include <fstream>
#include <iterator>
#include <string>

#include "allocators/catalog/catalog.h"
#include "allocators/guest/guest_heap.h"
#include "allocators/workload/builtins.h"
#include "allocators/workload/driver.h"
#include "benchmark/benchmark.h"

namespace alloclab {
namespace {

void BM_Replay(benchmark::State& state, const std::string& program, const std::string& workload) {
  std::ifstream file(ALLOCLAB_SOURCE_DIR "/allocators/guest/testdata/programs/" + program + ".elf", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const HeapAllocatorInfo heap =
      GuestHeapInfo("guest:" + program, std::make_shared<const ElfProgram>(*ElfProgram::Parse(bytes)));
  const Trace trace = *MakeBuiltin(workload, 0, 0);
  std::uint64_t instructions = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const auto instance = *Instance::Create({}, PageAllocators().front(), heap);
    Driver driver(*instance);
    ALLOCLAB_CHECK(driver.ReserveHandles(trace.heap_handles, trace.page_handles).ok());
    state.ResumeTiming();
    driver.Apply(trace.operations);
    instructions += CountOf(instance->heap()->Counts(), "instructions");
  }
  const auto operations = static_cast<double>(state.iterations()) * static_cast<double>(trace.operations.size());
  state.SetItemsProcessed(static_cast<std::int64_t>(operations));
  state.counters["instructions"] = benchmark::Counter(static_cast<double>(instructions), benchmark::Counter::kIsRate);
  state.counters["instructions/operation"] = static_cast<double>(instructions) / operations;
}
BENCHMARK_CAPTURE(BM_Replay, implicit_sqlite, "implicit", "sqlite")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Replay, kr_sqlite, "kr", "sqlite")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Replay, segregated_sqlite, "segregated", "sqlite")->Unit(benchmark::kMillisecond);

// A machine with 64 MiB of RAM, the program on it and initialised.
void BM_Create(benchmark::State& state) {
  std::ifstream file(ALLOCLAB_SOURCE_DIR "/allocators/guest/testdata/programs/implicit.elf", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const HeapAllocatorInfo heap = GuestHeapInfo("guest:implicit", std::make_shared<const ElfProgram>(*ElfProgram::Parse(bytes)));
  std::uint64_t host_bytes = 0;
  for (auto _ : state) {
    const auto instance = *Instance::Create({64 << 20, "", "", true, {}}, PageAllocators().front(), heap);
    host_bytes = instance->host_bytes();
  }
  state.counters["host_bytes"] = static_cast<double>(host_bytes);
}
BENCHMARK(BM_Create)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace alloclab

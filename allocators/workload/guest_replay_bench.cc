// How fast users' programs serve workloads: operations are the items; and what they run, by the second and by the operation.
//
// With ALLOCLAB_TRACES_DIR=FOLDER also the traces `server` and `grep` of malloc-bench, if the folder has them. A trace that is
// shorter than kOperationsMin is repeated on its machine.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "allocators/catalog/catalog.h"
#include "allocators/guest/guest_heap.h"
#include "allocators/workload/builtins.h"
#include "allocators/workload/driver.h"
#include "benchmark/benchmark.h"

namespace alloclab {
namespace {

constexpr std::size_t kOperationsMin = 100'000;

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

HeapAllocatorInfo HeapOf(const std::string& program) {
  const std::string bytes = ReadAll(ALLOCLAB_SOURCE_DIR "/allocators/guest/testdata/programs/" + program + ".elf");
  return GuestHeapInfo("guest:" + program, std::make_shared<const ElfProgram>(*ElfProgram::Parse(bytes)));
}

std::filesystem::path TracePath(const std::string& workload) {
  const char* dir = std::getenv("ALLOCLAB_TRACES_DIR");
  return dir != nullptr ? std::filesystem::path(dir) / (workload + ".trace.gz") : std::filesystem::path();
}

void BM_Replay(benchmark::State& state, const std::string& program, const std::string& workload) {
  const HeapAllocatorInfo heap = HeapOf(program);
  const std::filesystem::path path = TracePath(workload);
  const Trace trace = std::filesystem::exists(path) ? *ReadTrace(ReadAll(path), path.string()) : *MakeBuiltin(workload, 0, 0);
  const std::size_t rounds = (kOperationsMin - 1) / trace.operations.size() + 1;
  std::uint64_t instructions = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const auto instance = *Instance::Create({}, PageAllocators().front(), heap);
    Driver driver(*instance);
    ALLOCLAB_CHECK(driver.ReserveHandles(trace.heap_handles, trace.page_handles).ok());
    state.ResumeTiming();
    for (std::size_t round = 0; round < rounds; ++round) driver.Apply(trace.operations);
    instructions += CountOf(instance->heap()->Counts(), "instructions");
  }
  const auto operations = static_cast<double>(state.iterations()) * static_cast<double>(rounds * trace.operations.size());
  state.SetItemsProcessed(static_cast<std::int64_t>(operations));
  state.counters["instructions"] = benchmark::Counter(static_cast<double>(instructions), benchmark::Counter::kIsRate);
  state.counters["instructions/operation"] = static_cast<double>(instructions) / operations;
}

const bool registered = [] {
  for (const std::string program : {"implicit", "kr", "segregated"}) {
    for (const std::string workload : {"sqlite", "server", "grep"}) {
      if (workload != "sqlite" && !std::filesystem::exists(TracePath(workload))) continue;
      benchmark::RegisterBenchmark(("BM_Replay/" + program + "_" + workload).c_str(), BM_Replay, program, workload)
          ->Unit(benchmark::kMillisecond);
    }
  }
  return true;
}();

// A machine with 64 MiB of RAM, the program on it and initialised.
void BM_Create(benchmark::State& state) {
  const HeapAllocatorInfo heap = HeapOf("implicit");
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

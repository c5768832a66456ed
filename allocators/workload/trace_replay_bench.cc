// Replays traces: heaps of the catalogue, with each of their engines, and glibc's malloc doing the same operations.
//
//   ALLOCLAB_TRACES_DIR=FOLDER ALLOCLAB_HEAPS=knr,lwip-mem trace_replay_bench
//
// Without ALLOCLAB_HEAPS it takes the default heap, with "all" those of the whole catalogue.
//
// Takes every file of the folder (if given) and, for the default heap, every built-in workload. Before a trace is timed, the
// engines of a heap replay it in step and must agree on every address, outcome and cost; where the literal engine would take
// longer than a few seconds, on as much of it as those allow, and the program says how much that was. Timed is the replay
// alone, in processor time, all costs counted and pages taken on demand, on a fresh instance; a trace that is shorter than
// kOperationsMin is repeated on it. The literal engine is left out where it would visit more than kLiteralHeadersMax headers.
#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "allocators/catalog/catalog.h"
#include "allocators/workload/builtins.h"
#include "allocators/workload/difference.h"
#include "allocators/workload/driver.h"
#include "allocators/workload/run.h"
#include "allocators/workload/trace.h"
#include "allocators/workload/workload_spec.h"
#include "benchmark/benchmark.h"

namespace alloclab {
namespace {

constexpr std::uint64_t kOperationsMin = 100'000;
constexpr std::uint64_t kLiteralHeadersMax = 300'000'000;
constexpr auto kAgreementTime = std::chrono::seconds(3);

using Clock = std::chrono::steady_clock;

struct Workload {
  std::string name;
  bool recorded = false;  // from the folder
  Trace trace;
  std::uint64_t rounds = 1;
};

// One workload on one heap.
struct Cell {
  const Workload* workload;
  std::string heap;
  bool has_engines;        // else there is the literal one alone
  double mean_search = 0;  // headers per allocation
  std::uint64_t headers = 0;

  std::string name() const { return heap + "/" + workload->name; }
  std::string fastest() const { return has_engines ? "indexed" : "literal"; }
};

InstanceConfig WithEngine(const Cell& cell, const std::string& engine) {
  InstanceConfig config{PhysicalMemory::kBytesMax, "", cell.heap, true, {{"pages.engine", engine}}};
  if (cell.has_engines) config.parameters["heap.engine"] = engine;
  return config;
}

// Processor time of this thread: what other programs take from a busy machine is not in it.
double CpuSeconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Replays the trace as often as it is repeated, on a fresh instance.
double ReplaySimulated(const Cell& cell, const std::string& engine) {
  const Workload& workload = *cell.workload;
  const auto instance = Instance::Create(WithEngine(cell, engine));
  Driver driver(**instance);
  if (!driver.Admit(workload.trace.operations).ok()) return 0;
  const double start = CpuSeconds();
  for (std::uint64_t round = 0; round < workload.rounds; ++round) driver.Apply(workload.trace.operations);
  return CpuSeconds() - start;
}

void ApplyToGlibc(const Trace& trace, std::vector<void*>& blocks) {
  for (const Operation& op : trace.operations) {
    switch (op.kind) {
      case OpKind::kMalloc:
        blocks[op.block] = std::malloc(op.size);
        break;
      case OpKind::kCalloc:
        blocks[op.block] = std::calloc(op.extra, op.size);
        break;
      case OpKind::kRealloc:
        blocks[op.block] = std::realloc(op.extra == kNoBlock ? nullptr : blocks[op.extra], op.size);
        break;
      default:
        std::free(blocks[op.block]);
        blocks[op.block] = nullptr;
    }
    benchmark::DoNotOptimize(blocks[op.block]);
  }
}

double ReplayGlibc(const Workload& workload) {
  std::vector<void*> blocks(workload.trace.heap_handles);
  const double start = CpuSeconds();
  for (std::uint64_t round = 0; round < workload.rounds; ++round) ApplyToGlibc(workload.trace, blocks);
  const double seconds = CpuSeconds() - start;
  for (void* block : blocks) std::free(block);
  return seconds;
}

// Both engines in step. False, with a line on the standard error, when they part ways.
bool EnginesAgree(const Cell& cell) {
  const Workload& workload = *cell.workload;
  std::uint64_t done = 0;
  const Clock::time_point end = Clock::now() + kAgreementTime;
  const auto difference = FindFirstDifference(workload.trace, WithEngine(cell, "indexed"), WithEngine(cell, "literal"),
                                              [&](const RunProgress& progress, const Driver&) {
                                                done = progress.operations_done;
                                                return Clock::now() < end;
                                              });
  if (!difference.ok() || difference->operation != 0) {
    std::fprintf(stderr, "%s: engines differ: %s\n", cell.name().c_str(),
                 difference.ok() ? difference->what.c_str() : difference.status().ToString().c_str());
    return false;
  }
  const std::size_t all = workload.trace.operations.size();
  if (difference->cancelled) {
    std::fprintf(stderr, "%s: engines agree on the first %llu of %zu operations; the literal one is too slow for more\n",
                 cell.name().c_str(), static_cast<unsigned long long>(done), all);
  }
  return true;
}

bool IsHeapOnly(const Trace& trace) { return trace.page_handles == 0; }

void AddWorkload(std::deque<Workload>& workloads, std::string name, bool recorded, absl::StatusOr<Trace> trace) {
  if (!trace.ok()) {
    std::fprintf(stderr, "%s\n", trace.status().ToString().c_str());
    return;
  }
  if (!IsHeapOnly(*trace) || trace->operations.empty()) return;
  Workload workload{std::move(name), recorded, *std::move(trace)};
  const std::uint64_t operations = workload.trace.operations.size();
  workload.rounds = (kOperationsMin + operations - 1) / operations;
  workloads.push_back(std::move(workload));
}

// Of ALLOCLAB_HEAPS; nothing, with a line on the standard error, when there is no such heap.
std::vector<const HeapAllocatorInfo*> Heaps() {
  const char* names = std::getenv("ALLOCLAB_HEAPS");
  std::vector<const HeapAllocatorInfo*> heaps;
  if (names != nullptr && std::string_view(names) == "all") {
    for (const HeapAllocatorInfo& heap : HeapAllocators()) {
      if (heap.make) heaps.push_back(&heap);
    }
    return heaps;
  }
  for (const std::string& name : std::vector<std::string>(absl::StrSplit(names != nullptr ? names : "", ','))) {
    const auto heap = FindHeapAllocator(name);
    if (!heap.ok()) {
      std::fprintf(stderr, "ALLOCLAB_HEAPS: %s\n", heap.status().ToString().c_str());
      return {};
    }
    heaps.push_back(*heap);
  }
  return heaps;
}

Cell MakeCell(const Workload& workload, const HeapAllocatorInfo& heap) {
  Cell cell{&workload, heap.name, false};
  for (const ParameterInfo& parameter : heap.parameters) cell.has_engines |= parameter.name == "heap.engine";
  const auto run = ExecuteRun(workload.trace, WithEngine(cell, "indexed"), {});
  cell.headers = CountOf(run->heap_counts, "search_steps");
  const std::uint64_t searches = run->counters.heap_search_steps.count();
  cell.mean_search = searches != 0 ? static_cast<double>(cell.headers) / static_cast<double>(searches) : 0;
  return cell;
}

std::deque<Workload> LoadWorkloads() {
  std::deque<Workload> workloads;
  if (const char* dir = std::getenv("ALLOCLAB_TRACES_DIR"); dir != nullptr) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(dir)) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    for (const std::filesystem::path& path : paths) {
      std::ifstream file(path, std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(file), {}};
      const std::string name = path.filename().string();
      AddWorkload(workloads, name.substr(0, name.find('.')), true, ReadTrace(bytes, path.string()));
    }
  }
  for (const BuiltinWorkload& builtin : BuiltinWorkloads()) {
    AddWorkload(workloads, builtin.name, false, MakeBuiltin(builtin.name, 0, 0));
  }
  return workloads;
}

void Register(const Cell& cell) {
  const Workload& workload = *cell.workload;
  const std::uint64_t operations = workload.trace.operations.size() * workload.rounds;
  const auto add = [&](const std::string& what, auto replay) {
    benchmark::RegisterBenchmark((cell.name() + "/" + what).c_str(), [operations, replay](benchmark::State& state) {
      for (auto _ : state) state.SetIterationTime(replay());
      state.SetItemsProcessed(static_cast<std::int64_t>(operations) * state.iterations());
    })->UseManualTime();
  };
  if (cell.has_engines) add("indexed", [&cell] { return ReplaySimulated(cell, "indexed"); });
  if (cell.headers * workload.rounds <= kLiteralHeadersMax) {
    add("literal", [&cell] { return ReplaySimulated(cell, "literal"); });
  }
  add("glibc", [&workload] { return ReplayGlibc(workload); });
}

// Prints as usual and keeps operations per second by "workload/engine", the best of repetitions.
class Collector : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      const auto rate = run.counters.find("items_per_second");
      if (run.run_type != Run::RT_Iteration || rate == run.counters.end()) continue;
      double& best = rates_[run.run_name.function_name];
      best = std::max(best, rate->second.value);
    }
  }
  double rate(const Cell& cell, const std::string& engine) const {
    const auto it = rates_.find(cell.name() + "/" + engine);
    return it != rates_.end() ? it->second : 0;
  }

 private:
  std::map<std::string, double> rates_;
};

class GeometricMean {
 public:
  void Add(double value) {
    if (value <= 0) return;
    sum_ += std::log(value);
    ++count_;
  }
  double value() const { return count_ != 0 ? std::exp(sum_ / count_) : 0; }

 private:
  double sum_ = 0;
  int count_ = 0;
};

void PrintSummary(const std::deque<Cell>& cells, const std::string& heap, const Collector& collector, bool recorded) {
  GeometricMean fastest, against_glibc, against_literal, against_slow_literal;
  std::printf("\n%-17s %-20s %10s %12s %9s %9s %9s %8s %9s\n", "heap", recorded ? "trace" : "built-in", "operations",
              "mean search", "indexed", "literal", "glibc", "x glibc", "x literal");
  for (const Cell& cell : cells) {
    const double indexed = collector.rate(cell, "indexed"), slow = collector.rate(cell, "literal"),
                 glibc = collector.rate(cell, "glibc"), fast = collector.rate(cell, cell.fastest());
    if (cell.heap != heap || cell.workload->recorded != recorded || fast == 0) continue;
    std::printf("%-17s %-20s %10zu %12.1f %8.2fM %8.2fM %8.2fM %8.2f %9.1f\n", cell.heap.c_str(), cell.workload->name.c_str(),
                cell.workload->trace.operations.size(), cell.mean_search, indexed / 1e6, slow / 1e6, glibc / 1e6, glibc / fast,
                slow != 0 ? fast / slow : 0);
    fastest.Add(fast);
    against_glibc.Add(glibc / fast);
    if (slow == 0) continue;
    against_literal.Add(fast / slow);
    if (cell.mean_search > 1000) against_slow_literal.Add(fast / slow);
  }
  std::printf(
      "geometric means of %s: %.2f M operations/s; %.2f times glibc's time; %.1f times literal's speed (%.1f times where it "
      "visits more than 1000 headers)\n",
      heap.c_str(), fastest.value() / 1e6, against_glibc.value(), against_literal.value(), against_slow_literal.value());
}

}  // namespace
}  // namespace alloclab

int main(int argc, char** argv) {
  // glibc's replay reuses what its first round took from the system. Let the lab's instances, made anew each time, do so too.
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // where glibc's own adaptation ends
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const std::deque<alloclab::Workload> workloads = alloclab::LoadWorkloads();
  const std::vector<const alloclab::HeapAllocatorInfo*> heaps = alloclab::Heaps();
  if (heaps.empty()) return 2;
  std::deque<alloclab::Cell> cells;
  for (const alloclab::HeapAllocatorInfo* heap : heaps) {
    for (const alloclab::Workload& workload : workloads) {
      if (!workload.recorded && heap != &alloclab::HeapAllocators().front()) continue;
      cells.push_back(alloclab::MakeCell(workload, *heap));
      if (cells.back().has_engines && !alloclab::EnginesAgree(cells.back())) return 1;
      alloclab::Register(cells.back());
    }
  }
  alloclab::Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector);
  for (const alloclab::HeapAllocatorInfo* heap : heaps) {
    for (const bool recorded : {true, false}) alloclab::PrintSummary(cells, heap->name, collector, recorded);
  }
  benchmark::Shutdown();
}

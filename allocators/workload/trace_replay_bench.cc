// Replays traces: the lab's heap with its indexed and its literal engine, and glibc's malloc doing the same operations.
//
//   ALLOCLAB_TRACES_DIR=FOLDER trace_replay_bench
//
// Takes every file of the folder (if given) and every built-in workload of the heap. Before a trace is timed, both engines
// replay it in step and must agree on every address, outcome and cost; where the literal engine would take longer than a few
// seconds, on as much of it as those allow, and the program says how much that was. Timed is the replay alone, in processor
// time, all costs counted and pages taken on demand, on a fresh instance; a trace that is shorter than kOperationsMin is
// repeated on it. The literal engine is left out where it would visit more than kLiteralHeadersMax headers.
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
#include <utility>
#include <vector>

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
  double mean_search = 0;  // headers per allocation
  std::uint64_t headers = 0;
};

InstanceConfig WithEngine(const std::string& engine) {
  return {PhysicalMemory::kBytesMax, "", "", true, {{"heap.engine", engine}, {"pages.engine", engine}}};
}

// Processor time of this thread: what other programs take from a busy machine is not in it.
double CpuSeconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Replays the trace as often as it is repeated, on a fresh instance.
double ReplaySimulated(const Workload& workload, const std::string& engine) {
  const auto instance = Instance::Create(WithEngine(engine));
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
bool EnginesAgree(const Workload& workload) {
  std::uint64_t done = 0;
  const Clock::time_point end = Clock::now() + kAgreementTime;
  const auto difference = FindFirstDifference(workload.trace, WithEngine("indexed"), WithEngine("literal"),
                                              [&](const RunProgress& progress, const Driver&) {
                                                done = progress.operations_done;
                                                return Clock::now() < end;
                                              });
  if (!difference.ok() || difference->operation != 0) {
    std::fprintf(stderr, "%s: engines differ: %s\n", workload.name.c_str(),
                 difference.ok() ? difference->what.c_str() : difference.status().ToString().c_str());
    return false;
  }
  const std::size_t all = workload.trace.operations.size();
  if (difference->cancelled) {
    std::fprintf(stderr, "%s: engines agree on the first %llu of %zu operations; the literal one is too slow for more\n",
                 workload.name.c_str(), static_cast<unsigned long long>(done), all);
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
  const auto run = ExecuteRun(workload.trace, WithEngine("indexed"), {});
  workload.headers = CountOf(run->heap_counts, "search_steps");
  const std::uint64_t searches = run->counters.heap_search_steps.count();
  workload.mean_search = searches != 0 ? static_cast<double>(workload.headers) / static_cast<double>(searches) : 0;
  workloads.push_back(std::move(workload));
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

void Register(const Workload& workload) {
  const auto add = [&workload](const std::string& what, auto replay) {
    benchmark::RegisterBenchmark((workload.name + "/" + what).c_str(), [&workload, replay](benchmark::State& state) {
      for (auto _ : state) state.SetIterationTime(replay(workload));
      const std::uint64_t operations = workload.trace.operations.size() * workload.rounds;
      state.SetItemsProcessed(static_cast<std::int64_t>(operations) * state.iterations());
    })->UseManualTime();
  };
  add("indexed", [](const Workload& w) { return ReplaySimulated(w, "indexed"); });
  if (workload.headers * workload.rounds <= kLiteralHeadersMax) {
    add("literal", [](const Workload& w) { return ReplaySimulated(w, "literal"); });
  }
  add("glibc", [](const Workload& w) { return ReplayGlibc(w); });
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
  double rate(const std::string& workload, const std::string& engine) const {
    const auto it = rates_.find(workload + "/" + engine);
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

void PrintSummary(const std::deque<Workload>& workloads, const Collector& collector, bool recorded) {
  GeometricMean indexed, against_glibc, against_literal, against_slow_literal;
  std::printf("\n%-20s %10s %12s %9s %9s %9s %8s %9s\n", recorded ? "trace" : "built-in", "operations", "mean search",
              "indexed", "literal", "glibc", "x glibc", "x literal");
  for (const Workload& workload : workloads) {
    const double fast = collector.rate(workload.name, "indexed"), slow = collector.rate(workload.name, "literal"),
                 glibc = collector.rate(workload.name, "glibc");
    if (workload.recorded != recorded || fast == 0) continue;
    std::printf("%-20s %10zu %12.0f %8.2fM %8.2fM %8.2fM %8.2f %9.1f\n", workload.name.c_str(),
                workload.trace.operations.size(), workload.mean_search, fast / 1e6, slow / 1e6, glibc / 1e6, glibc / fast,
                slow != 0 ? fast / slow : 0);
    indexed.Add(fast);
    against_glibc.Add(glibc / fast);
    if (slow == 0) continue;
    against_literal.Add(fast / slow);
    if (workload.mean_search > 1000) against_slow_literal.Add(fast / slow);
  }
  std::printf(
      "geometric means: %.2f M operations/s; %.2f times glibc's time; %.1f times literal's speed (%.1f times where it "
      "visits more than 1000 headers)\n",
      indexed.value() / 1e6, against_glibc.value(), against_literal.value(), against_slow_literal.value());
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
  for (const alloclab::Workload& workload : workloads) {
    if (!alloclab::EnginesAgree(workload)) return 1;
    alloclab::Register(workload);
  }
  alloclab::Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector);
  for (const bool recorded : {true, false}) alloclab::PrintSummary(workloads, collector, recorded);
  benchmark::Shutdown();
}

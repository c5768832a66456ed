// How long a jump to any moment of a run of 4 million operations takes, and a step back.
#include <cstdint>
#include <memory>
#include <random>

#include "allocators/common/check.h"
#include "allocators/workload/builtins.h"
#include "allocators/workload/timeline.h"
#include "benchmark/benchmark.h"

namespace alloclab {
namespace {

constexpr std::uint64_t kOperations = 4'000'000;

struct Session {
  explicit Session(std::shared_ptr<const Trace> trace)
      : instance(*Instance::Create({64 << 20, "", "", true, {}})),
        driver(*instance),
        timeline(*Timeline::Create(trace, driver)) {}

  std::unique_ptr<Instance> instance;
  Driver driver;
  std::unique_ptr<Timeline> timeline;
};

std::shared_ptr<const Trace> Operations() {
  static const auto trace = std::make_shared<const Trace>(*MakeBuiltin("steady-state", 0, kOperations));
  return trace;
}

// Opened once: all that a session needs before its first jump.
Timeline& Opened() {
  static const Session session(Operations());
  if (session.timeline->images() == 1) ALLOCLAB_CHECK(session.timeline->Seek(kOperations).ok());
  return *session.timeline;
}

void Report(benchmark::State& state) {
  state.counters["images"] = static_cast<double>(Opened().images());
  state.counters["image_MiB"] = static_cast<double>(Opened().image_bytes()) / (1 << 20);
}

void Open(benchmark::State& state) {
  const auto trace = Operations();
  for (auto _ : state) {
    const Session session(trace);
    if (!session.timeline->Seek(kOperations).ok()) return state.SkipWithError("cannot go to the end");
  }
}
BENCHMARK(Open)->Unit(benchmark::kMillisecond);

void Jump(benchmark::State& state) {
  Timeline& timeline = Opened();
  std::mt19937_64 random(1);
  for (auto _ : state) {
    if (!timeline.Seek(random() % (kOperations + 1)).ok()) return state.SkipWithError("cannot jump");
  }
  Report(state);
}
BENCHMARK(Jump)->Unit(benchmark::kMillisecond);

void StepBack(benchmark::State& state) {
  Timeline& timeline = Opened();
  if (!timeline.Seek(kOperations / 2).ok()) return state.SkipWithError("cannot jump");
  for (auto _ : state) {
    if (!timeline.Seek(timeline.position() - 1).ok()) return state.SkipWithError("cannot step");
  }
  Report(state);
}
BENCHMARK(StepBack)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace alloclab

// The way over the network against the same operations in process, alone and beside others, and against a bare echo of the same
// messages; all taken in turns in one run, so that the ratios hold on a busy machine too.
#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "allocators/catalog/instance.h"
#include "allocators/workload/builtins.h"
#include "allocators/workload/driver.h"
#include "allocators/workload/workload_spec.h"
#include "clients/load/batch_stream.h"
#include "clients/load/echo_heap.h"
#include "clients/load/script.h"
#include "clients/load/target.h"
#include "clients/load/temporary_server.h"

namespace alloclab::load {
namespace {

constexpr char kWorkload[] = "steady-state";
constexpr std::uint64_t kOperations = 1'000'000;
constexpr std::size_t kMessageBytes = 52 << 10;  // of a batch of 4,096

const Script& Workload() {
  static const Script& script = *new Script(MakeScript(kWorkload, *MakeBuiltin(kWorkload, 0, kOperations)));
  return script;
}

// Of this thread's processor: on a busy machine, which would hold it up more than the stream, that is the stricter measure.
double ProcessorSeconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double SecondsInProcess(std::span<const Operation> operations) {
  const auto instance = Instance::Create({});
  Driver driver(**instance);
  if (!driver.Admit(operations).ok()) return -1;
  const double start = ProcessorSeconds();
  driver.Apply(operations);
  return ProcessorSeconds() - start;
}

// The same while the other processors are busy too, as the other side of a stream keeps them: on hosts where processors
// share caches and cores that alone costs a part.
double SecondsInProcessBesideOthers(std::span<const Operation> operations) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> others;
  for (unsigned i = 1; i < std::max(2u, std::thread::hardware_concurrency()); ++i) {
    others.emplace_back([&stop] {
      std::vector<char> from(kMessageBytes), to(kMessageBytes);
      while (!stop) {
        std::copy(from.begin(), from.end(), to.begin());
        benchmark::DoNotOptimize(to.data());
      }
    });
  }
  const double seconds = SecondsInProcess(operations);
  stop = true;
  for (std::thread& other : others) other.join();
  return seconds;
}

// The time of `operations` over one stream; negative if it failed.
double SecondsOverStream(const std::string& server, const std::string& instance, std::span<const Operation> operations,
                         std::uint32_t batch) {
  const client::Connection connection({.server = server, .timeout = std::chrono::seconds(60), .wait = {}}, 1);
  connection.channel()->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10));
  Cursor cursor(operations, {});
  ClosedLoop pacer;
  Meter meter;
  std::uint64_t budget = std::numeric_limits<std::uint64_t>::max();
  const Nanos start = Now();
  BatchStream stream(connection, instance, {.batch = batch, .window = 8, .reply_timeout = std::chrono::seconds(60)}, cursor,
                     pacer, budget, Period(), meter);
  const bool done = stream.Run(StopFlags()).ok() && meter.Read().counts.Answered() == operations.size();
  return done ? Seconds(Now() - start) : -1;
}

double SecondsOnFreshInstance(const std::string& server, std::span<const Operation> operations, std::uint32_t batch) {
  const client::Connection control({.server = server, .timeout = std::chrono::seconds(60), .wait = {}});
  absl::StatusOr<Target> target = Target::Fresh(control, "stream-bench", {}, /*replace=*/true);
  if (!target.ok()) return -1;
  const double seconds = SecondsOverStream(server, "stream-bench", operations, batch);
  return target->Delete().ok() ? seconds : -1;
}

// The least disturbed of several.
double Best(const std::vector<double>& values) { return *std::min_element(values.begin(), values.end()); }

void BM_StreamedBatches(benchmark::State& state) {
  const auto batch = static_cast<std::uint32_t>(state.range(0));
  const std::size_t count = std::min<std::size_t>(kOperations, batch * 20'000ull);
  const auto operations = std::span(Workload().operations).first(std::min(count, Workload().operations.size()));
  const TemporaryServer server;
  const EchoHeap echo;
  std::vector<double> in_process, beside, streamed, echoed;
  for (auto _ : state) {
    in_process.push_back(SecondsInProcess(Workload().operations) / static_cast<double>(Workload().operations.size()));
    beside.push_back(SecondsInProcessBesideOthers(Workload().operations) / static_cast<double>(Workload().operations.size()));
    streamed.push_back(SecondsOnFreshInstance(server.address(), operations, batch) / static_cast<double>(operations.size()));
    echoed.push_back(SecondsOverStream(echo.address(), "echo", operations, batch) / static_cast<double>(operations.size()));
    if (streamed.back() < 0 || echoed.back() < 0) return state.SkipWithError("a stream failed");
    state.SetIterationTime(streamed.back() * static_cast<double>(operations.size()));
  }
  state.counters["in_process_ops/s"] = 1 / Best(in_process);
  state.counters["streamed_ops/s"] = 1 / Best(streamed);
  state.counters["echo_ops/s"] = 1 / Best(echoed);
  state.counters["streamed/in_process"] = Best(in_process) / Best(streamed);
  state.counters["streamed/in_process_beside_others"] = Best(beside) / Best(streamed);
  state.counters["streamed/echo"] = Best(echoed) / Best(streamed);
}
BENCHMARK(BM_StreamedBatches)
    ->Arg(1)
    ->Arg(16)
    ->Arg(256)
    ->Arg(4096)
    ->Arg(65'536)
    ->UseManualTime()
    ->Iterations(7)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace alloclab::load

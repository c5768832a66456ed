// Everything at once, without a network: creations, batches, looks, deletions, runs, cancels and scrapes from many threads.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "server/collections/instance_registry.h"
#include "server/collections/run_executor.h"
#include "server/collections/trace_library.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

InstanceConfig SmallMachine() {
  InstanceConfig config;
  config.ram_bytes = 16 << 20;
  config.parameters["heap.limit_bytes"] = "8388608";
  return config;
}

RunRequest SmallRequest(std::uint64_t operations) {
  Phase phase;
  phase.name = "only";
  phase.operations = operations;
  phase.live_blocks = 100;
  phase.size = UniformSize{16, 256};
  RunRequest request;
  request.workload = WorkloadSpec{"small", 1, {phase}};
  request.config = SmallMachine();
  return request;
}

class Concurrency : public testing::Test {
 protected:
  // Runs `work` in `count` threads until it was called `calls` times in each.
  void Spawn(int count, int calls, const std::function<void(int thread, int call)>& work) {
    for (int thread = 0; thread < count; ++thread) {
      threads_.emplace_back([=] {
        for (int call = 0; call < calls; ++call) work(thread, call);
      });
    }
  }
  void Join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  TemporaryDirectory directory_;
  std::unique_ptr<RunStore> store_ = *RunStore::Open(directory_.path());
  std::shared_ptr<HostBudget> budget_ = std::make_shared<HostBudget>(
      HostBudgetLimits{.promised_ram_bytes = 1ull << 40, .held_bytes = 1ull << 40, .handles = 1 << 20});
  HeapDirectory heaps_{{.instances = 2, .runs = 2}};
  IdSource ids_{*store_};
  TraceLibrary traces_{*store_, 1 << 30};
  InstanceRegistry instances_{ids_, heaps_, budget_, 100};
  RunExecutor runs_{*store_, traces_, heaps_, budget_, {.threads = 2, .queued_runs = 1000, .stored_runs = 1000}};
  std::vector<std::thread> threads_;
};

TEST_F(Concurrency, InstancesAreCreatedDrivenReadAndDeleted) {
  std::atomic<std::uint64_t> applied{0};
  Spawn(3, 40, [&](int thread, int) {
    const std::string name = "i" + std::to_string(thread % 2);
    InstanceRequest request{name, SmallMachine(), "", ""};
    const auto created = instances_.Create(request);
    EXPECT_TRUE(created.ok() || absl::IsAlreadyExists(created.status())) << created.status();
    const auto found = instances_.Find(name);
    if (!found.ok()) return;
    std::vector<Operation> operations(1000, Operation{OpKind::kMalloc, 0, 16, 0});
    std::vector<OpResult> results(operations.size());
    int pieces = 0;
    const absl::Status status = (*found)->Operate({.heap = 1}, [&](Driver& driver) {
      driver.Apply(operations, results);
      return ++pieces < 3;
    });
    EXPECT_TRUE(status.ok() || absl::IsNotFound(status)) << status;
    if (status.ok()) applied += operations.size();
    EXPECT_EQ(pieces, status.ok() ? 3 : 0);
    if (thread == 2) static_cast<void>(instances_.Delete(name));
  });
  Spawn(2, 100, [&](int, int) {
    for (const HeapReading& reading : heaps_.Read()) EXPECT_FALSE(reading.allocator.empty());
    for (const auto& instance : instances_.List(0, 10)) EXPECT_LE(instance->operations(), 1'000'000u);
  });
  Join();
  EXPECT_GT(applied, 0u);
  for (const auto& instance : instances_.List(0, 10)) EXPECT_TRUE(instances_.Delete(instance->name()).ok());
  EXPECT_EQ(budget_->promised_ram_bytes(), 0u) << "a promise was not taken back";
}

TEST_F(Concurrency, RunsAreSubmittedWatchedCancelledAndDeleted) {
  std::atomic<int> told{0};
  Spawn(3, 15, [&](int thread, int call) {
    const auto run = runs_.Submit({SmallRequest(thread == 0 ? 200'000 : 2'000)});
    ASSERT_TRUE(run.ok()) << run.status();
    if (const auto live = runs_.FindLive(run->id)) {
      const std::uint64_t watcher = live->Watch([&] { ++told; });
      if (call % 2 == 0) {
        EXPECT_TRUE(runs_.Cancel(run->id).ok());
      }
      EXPECT_TRUE(live->AwaitEnd(absl::Now() + absl::Seconds(60)));
      live->Unwatch(watcher);
    }
    const auto ended = runs_.Get(run->id);
    ASSERT_TRUE(ended.ok()) << ended.status();
    EXPECT_TRUE(Ended(ended->state)) << RunStateName(ended->state);
    if (call % 3 == 0) {
      EXPECT_TRUE(runs_.Delete(run->id).ok());
    }
  });
  Spawn(2, 50, [&](int, int) {
    EXPECT_TRUE(runs_.List(0, 50).ok());
    EXPECT_LE(runs_.Count().running, 3u + 2u);
    EXPECT_LE(heaps_.Read().size(), 3u);
  });
  Join();
  EXPECT_GT(told, 0);
  runs_.Stop(absl::Now() + absl::Seconds(10));
  EXPECT_TRUE(absl::IsUnavailable(runs_.Submit({SmallRequest(1000)}).status()));
  EXPECT_EQ(budget_->promised_ram_bytes(), 0u);
  EXPECT_EQ(budget_->held_bytes(), 0u);
}

}  // namespace
}  // namespace alloclab::server

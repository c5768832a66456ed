// All of a server but its listeners, on a directory of its own: for tests that run without gRPC, and so under ThreadSanitizer.
#ifndef ALLOCLAB_SERVER_TESTING_TEST_LAB_H_
#define ALLOCLAB_SERVER_TESTING_TEST_LAB_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/collections/instance_registry.h"
#include "server/collections/run_executor.h"
#include "server/collections/trace_library.h"
#include "server/store/sqlite_store.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {

struct TestLab {
  TemporaryDirectory directory;
  std::unique_ptr<RunStore> store = *SqliteStore::Open(directory.path());
  std::shared_ptr<HostBudget> budget = std::make_shared<HostBudget>(
      HostBudgetLimits{.promised_ram_bytes = 1ull << 40, .held_bytes = 1ull << 40, .handles = 1 << 20});
  HeapDirectory heaps{{.instances = 2, .runs = 2}};
  IdSource ids{*store};
  TraceLibrary traces{*store, budget, 1 << 30};
  InstanceRegistry instances{ids, heaps, budget, 100};
  RunExecutor runs{*store, traces, heaps, budget, {.threads = 2, .queued_runs = 1000, .stored_runs = 1000}};
};

// A machine of 16 MiB with a heap of 8 MiB.
inline InstanceConfig SmallMachine() {
  InstanceConfig config;
  config.ram_bytes = 16 << 20;
  config.parameters["heap.limit_bytes"] = "8388608";
  return config;
}

// A replay of random sizes on a small machine.
inline RunRequest SmallRequest(std::uint64_t operations) {
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

// Threads that do the same many times; joined at the latest by the destructor.
class Crew {
 public:
  ~Crew() { Join(); }
  // Calls `work` `calls` times in each of `count` threads, with the number of the thread and of the call.
  void Spawn(int count, int calls, const std::function<void(int thread, int call)>& work) {
    for (int thread = 0; thread < count; ++thread) {
      threads_.emplace_back([=] {
        for (int call = 0; call < calls; ++call) work(thread, call);
      });
    }
  }
  void Join() {
    for (std::thread& thread : std::exchange(threads_, {})) thread.join();
  }

 private:
  std::vector<std::thread> threads_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_TESTING_TEST_LAB_H_

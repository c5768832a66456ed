#include "clients/load/demo.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "clients/load/load_config.h"
#include "clients/load/load_run.h"

namespace alloclab::load {
namespace {

constexpr Nanos kLook = std::chrono::milliseconds(100);

void SleepUnless(const StopFlags& stop, Nanos length) {
  for (; length > Nanos(0) && !stop.drain; length -= kLook) std::this_thread::sleep_for(std::min(length, kLook));
}

// One workload until it fails or is stopped. `began` tells that operations were answered.
absl::Status Round(const DemoSetup& setup, const std::shared_ptr<const Script>& script, const StopFlags& stop, bool& began) {
  LoadSetup round{.connection = setup.connection,
                  .config = setup.config,
                  .script = script,
                  .names = {kDemoPrefix + script->name},
                  .replace = true,
                  .meter = [&](const std::string& heap) {
                    return setup.metrics->MeterOf(heap, {setup.run_id, script->name, script->trace_sha256});
                  }};
  round.config.mutable_workload()->mutable_builtin()->set_name(script->name);
  absl::StatusOr<std::unique_ptr<LoadRun>> run = LoadRun::Start(std::move(round));
  if (!run.ok()) return run.status();
  while (!(*run)->WaitFor(kLook)) {
    if (stop.drain) (*run)->Drain();
    if (stop.abort) (*run)->Abort();
  }
  const LoadRun::Result result = (*run)->Finish();
  began = result.report.operations() > 0;
  return result.error;
}

// The same trouble is told once.
void KeepReplaying(const DemoSetup& setup, const std::shared_ptr<const Script>& script, const StopFlags& stop) {
  Backoff backoff;
  std::string told;
  while (!stop.drain) {
    bool began = false;
    const absl::Status status = Round(setup, script, stop, began);
    if (began) {
      backoff.Reset();
      told.clear();
    }
    if (status.ok()) continue;
    const std::string trouble(status.message());
    if (std::exchange(told, trouble) != trouble) {
      setup.say(fmt::format("{}{}: {}; trying again", kDemoPrefix, script->name, trouble));
    }
    SleepUnless(stop, backoff.Next());
  }
}

}  // namespace

Nanos Backoff::Next() { return std::exchange(next_, std::min(2 * next_, kLongest)); }

absl::Status RunDemo(const DemoSetup& setup, const StopFlags& stop) {
  if (absl::Status status = CheckConfig(setup.config); !status.ok()) return status;
  std::vector<std::thread> threads;
  for (const std::shared_ptr<const Script>& script : setup.scripts) {
    threads.emplace_back([&setup, &script, &stop] { KeepReplaying(setup, script, stop); });
  }
  for (std::thread& thread : threads) thread.join();
  return absl::OkStatus();
}

}  // namespace alloclab::load

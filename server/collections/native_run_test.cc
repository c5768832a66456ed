#include "server/collections/native_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <memory>
#include <string>

#include "server/collections/run_executor.h"
#include "server/testing/eventually.h"
#include "server/testing/test_lab.h"

namespace alloclab::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string LibraryOf(const std::string& misdeed) {
  return std::string(ALLOCLAB_BINARY_DIR) + "/native/libnative_" + misdeed + ".so";
}

class NativeRunTest : public testing::Test {
 protected:
  void Start(absl::Duration time_max = absl::Minutes(5), const std::string& program = "") {
    NativeAllocators::Settings settings;
    settings.program = program.empty() ? std::string(ALLOCLAB_BINARY_DIR) + "/bin/alloclab-native" : program;
    for (const char* misdeed : {"crash", "hang", "refuse", "greedy", "innocent"}) settings.named[misdeed] = LibraryOf(misdeed);
    settings.time_max = time_max;
    runs_ = std::make_unique<RunExecutor>(*lab_.store, lab_.traces, lab_.heaps, budget_,
                                          RunExecutor::Limits{.threads = 2, .queued_runs = 10, .stored_runs = 100},
                                          NativeAllocators(std::move(settings)));
  }
  static RunRequest Request(const std::string& name, std::uint64_t operations = 5'000) {
    RunRequest request = SmallRequest(operations);
    request.config = {};
    request.config.heap_allocator = "native:" + name;
    request.config.parameters["native.repeats"] = "3";
    return request;
  }
  server::Run Submit(const RunRequest& request) {
    const auto run = runs_->Submit({request});
    EXPECT_TRUE(run.ok()) << run.status();
    return run.ok() ? *run : server::Run{};
  }
  server::Run EndOf(std::uint64_t id) {
    if (const auto live = runs_->FindLive(id)) live->AwaitEnd(MonotonicTime::InfiniteFuture());
    return *runs_->Get(id);
  }
  std::string ErrorOf(const std::string& name) {
    const server::Run run = EndOf(Submit(Request(name)).id);
    EXPECT_EQ(run.state, RunState::kFailed);
    EXPECT_FALSE(run.result);
    return run.error;
  }
  // Nothing went wrong in the server.
  void ExpectAllIsWell() {
    EXPECT_EQ(EndOf(Submit(Request("glibc")).id).state, RunState::kSucceeded);
    EXPECT_EQ(budget_->held_bytes(), 0u);
  }

  TestLab lab_;
  std::shared_ptr<HostBudget> budget_ = std::make_shared<HostBudget>(
      HostBudgetLimits{.promised_ram_bytes = 1ull << 32, .held_bytes = 1ull << 32, .handles = 1 << 20});
  std::unique_ptr<RunExecutor> runs_;
};

TEST_F(NativeRunTest, MeasuresTheCLibrarysOwnMalloc) {
  Start();
  const server::Run run = EndOf(Submit(Request("glibc")).id);
  ASSERT_EQ(run.state, RunState::kSucceeded) << run.error;
  EXPECT_EQ(run.operations_done, run.operations_total);
  const v1::Exact& exact = run.result->exact();
  EXPECT_EQ(exact.operations(), 5'000u);
  EXPECT_EQ(exact.trace_sha256().size(), 64u);
  EXPECT_FALSE(exact.has_counters()) << "nothing but the trace is exact";
  const v1::NativeResult& native = run.result->measured().native();
  EXPECT_THAT(native.library(), HasSubstr("libc.so"));
  EXPECT_EQ(native.operations(), 5'000u);
  EXPECT_EQ(native.skipped_operations(), 0u);
  EXPECT_EQ(native.refused_operations(), 0u);
  EXPECT_EQ(native.repeats(), 3u);
  EXPECT_GT(native.ns_mean(), 0);
  EXPECT_LE(native.ns_low(), native.ns_mean());
  EXPECT_GE(native.ns_high(), native.ns_mean());
  EXPECT_EQ(native.latency().count(), 5'000u);
  EXPECT_GE(native.peak_rss_bytes(), native.peak_live_bytes() / 2);
  EXPECT_GT(native.peak_live_bytes(), 0u);
}

TEST_F(NativeRunTest, ACrashIsAnOutcomeThatSaysWhatTheProcessSaid) {
  Start();
  EXPECT_THAT(ErrorOf("crash"),
              AllOf(HasSubstr("native:crash, memory replay: the process was ended by signal 6 (Aborted) after "),
                    HasSubstr("this heap has had enough")));
  ExpectAllIsWell();
}

TEST_F(NativeRunTest, AHangIsEnded) {
  Start(absl::Milliseconds(300));
  EXPECT_THAT(ErrorOf("hang"), HasSubstr("the process did not end within 300ms (--native-time-max)"));
}

TEST_F(NativeRunTest, WhatTakesTooMuchMemoryIsEnded) {
  Start();
  EXPECT_THAT(ErrorOf("greedy"), HasSubstr("of memory, twice what the workload asks for"));
  ExpectAllIsWell();
}

TEST_F(NativeRunTest, AnAllocatorWithoutMemoryRefuses) {
  Start();
  const server::Run run = EndOf(Submit(Request("refuse")).id);
  ASSERT_EQ(run.state, RunState::kSucceeded) << run.error;
  EXPECT_GT(run.result->measured().native().refused_operations(), 1'000u);
}

TEST_F(NativeRunTest, ALibraryWithoutMallocIsNotTakenForOne) {
  Start();
  EXPECT_THAT(ErrorOf("innocent"), AllOf(HasSubstr("exit code 3"), HasSubstr("malloc is that of ")));
}

TEST_F(NativeRunTest, NonsenseIsNoResult) {
  const std::string script = lab_.directory.Write("nonsense", "#!/bin/sh\nhead -c 100000 /dev/urandom >&4\nexit 0\n");
  ASSERT_EQ(chmod(script.c_str(), 0700), 0);
  Start(absl::Minutes(5), script);
  EXPECT_THAT(ErrorOf("glibc"), HasSubstr("its result is nonsense"));
  runs_.reset();
  Start(absl::Minutes(5), "/bin/true");
  EXPECT_THAT(ErrorOf("glibc"), HasSubstr("its result is nonsense"));
}

TEST_F(NativeRunTest, ItsOutputIsBounded) {
  const std::string script = lab_.directory.Write("loud", "#!/bin/sh\nyes loud\nexit 9\n");
  ASSERT_EQ(chmod(script.c_str(), 0700), 0);
  Start(absl::Minutes(5), script);
  const std::string error = ErrorOf("glibc");
  EXPECT_THAT(error, HasSubstr("loud"));
  EXPECT_LT(error.size(), 3 * kNativeOutputBytes);
}

TEST_F(NativeRunTest, IsRefusedBeforeAnythingIsStored) {
  Start();
  const auto refusal = [&](const RunRequest& request) { return std::string(runs_->Submit({request}).status().message()); };
  EXPECT_THAT(refusal(Request("crsh")), HasSubstr("did you mean \"native:crash\"?"));
  RunRequest request = Request("glibc");
  request.digest_at = "1/2";
  EXPECT_THAT(refusal(request), HasSubstr("digest_at: a real allocator"));
  request = Request("glibc");
  request.config.ram_bytes = 1 << 20;
  EXPECT_THAT(refusal(request), HasSubstr("config.ram_bytes: "));
  EXPECT_EQ(*lab_.store->CountRuns(), 0u);
}

TEST_F(NativeRunTest, MemoryIsTakenBeforeAnythingStarts) {
  budget_ = std::make_shared<HostBudget>(
      HostBudgetLimits{.promised_ram_bytes = 1ull << 32, .held_bytes = 4 << 20, .handles = 1 << 20});
  Start();
  EXPECT_THAT(ErrorOf("glibc"), HasSubstr("(--memory-max)"));
  EXPECT_EQ(budget_->held_bytes(), 0u);
}

TEST_F(NativeRunTest, CancellingEndsTheProcess) {
  Start();
  const server::Run run = Submit(Request("hang"));
  ASSERT_TRUE(Eventually([&] { return runs_->Get(run.id)->state == RunState::kRunning; }));
  EXPECT_EQ(runs_->Cancel(run.id)->state, RunState::kCancelled);
  ExpectAllIsWell();  // it is its turn only when the other one has gone
}

TEST_F(NativeRunTest, OneAtATimeAndSimulatedOnesBesideIt) {
  Start();
  const server::Run hanging = Submit(Request("hang"));
  ASSERT_TRUE(Eventually([&] { return runs_->Get(hanging.id)->state == RunState::kRunning; }));
  const server::Run waiting = Submit(Request("glibc"));
  const server::Run simulated = Submit(SmallRequest(1'000));
  EXPECT_EQ(EndOf(simulated.id).state, RunState::kSucceeded) << "it goes before the one that waits";
  EXPECT_EQ(runs_->Get(waiting.id)->state, RunState::kQueued);
  ASSERT_TRUE(runs_->Cancel(hanging.id).ok());
  EXPECT_EQ(EndOf(waiting.id).state, RunState::kSucceeded);
}

TEST_F(NativeRunTest, AShutdownEndsTheProcess) {
  Start();
  const server::Run run = Submit(Request("hang"));
  ASSERT_TRUE(Eventually([&] { return runs_->Get(run.id)->state == RunState::kRunning; }));
  runs_->Stop(MonotonicTime::Now());
  EXPECT_EQ(runs_->Get(run.id)->state, RunState::kInterrupted);
}

}  // namespace
}  // namespace alloclab::server

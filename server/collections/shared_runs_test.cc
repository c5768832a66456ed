// Several servers on one database are one lab: their executors, each with all that a server has of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "proto/converters/deterministic.h"
#include "server/collections/run_executor.h"
#include "server/store/postgres_store.h"
#include "server/store/run_codec.h"
#include "server/testing/eventually.h"
#include "server/testing/postgres_test.h"
#include "server/testing/test_lab.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;

constexpr absl::Duration kLeaseOfTests = absl::Seconds(1);

// One server, without its listeners. Without threads it takes runs in and replays none.
struct Replica {
  Replica(const std::string& url, const std::string& name, std::uint32_t threads, std::uint32_t spare_threads)
      : store(*PostgresStore::Open(url, {.server_name = name, .lease = kLeaseOfTests})),
        runs(*store, traces, heaps, budget,
             RunExecutor::Limits{.threads = threads,
                                 .spare_threads = spare_threads,
                                 .queued_runs = 100,
                                 .queued_of_one = 3,
                                 .stored_runs = 1000}) {}

  std::unique_ptr<PostgresStore> store;
  std::shared_ptr<HostBudget> budget = std::make_shared<HostBudget>(
      HostBudgetLimits{.promised_ram_bytes = 1ull << 40, .held_bytes = 1ull << 40, .handles = 1 << 20});
  HeapDirectory heaps{{.instances = 2, .runs = 2}};
  TraceLibrary traces{*store, budget, 1 << 30};
  RunExecutor runs;
};

class SharedRuns : public PostgresTest {
 protected:
  std::unique_ptr<Replica> Start(const std::string& name, std::uint32_t threads, std::uint32_t spare_threads = 0) const {
    return std::make_unique<Replica>(url_, name, threads, spare_threads);
  }
  static std::uint64_t Submit(Replica& replica, const RunRequest& request) {
    const auto run = replica.runs.Submit({request});
    EXPECT_TRUE(run.ok()) << run.status();
    return run.ok() ? run->id : 0;
  }
  // As that server sees it.
  static server::Run EndOf(Replica& replica, std::uint64_t id) {
    if (const auto live = replica.runs.FindLive(id)) live->AwaitEnd(MonotonicTime::Now() + absl::Seconds(60));
    const auto run = replica.runs.Get(id);
    EXPECT_TRUE(run.ok() && Ended(run->state)) << run.status();
    return run.value_or(server::Run());
  }
  static bool IsRunning(Replica& replica, std::uint64_t id) {
    const auto run = replica.runs.Get(id);
    return run.ok() && run->state == RunState::kRunning;
  }
  // Goes on until it is cancelled.
  static RunRequest LongRequest() { return SmallRequest(33'000'000); }
};

TEST_F(SharedRuns, WhatOneTakesInAnotherReplaysAndEverybodySeesIt) {
  const auto front = Start("front", 0), worker = Start("worker", 2), onlooker = Start("onlooker", 0);
  const std::uint64_t id = Submit(*front, SmallRequest(20'000));
  const server::Run seen = EndOf(*onlooker, id);
  EXPECT_EQ(seen.state, RunState::kSucceeded) << seen.error;
  EXPECT_EQ(EncodeResult(EndOf(*front, id).result), EncodeResult(seen.result));
  EXPECT_EQ(worker->runs.Count().ended[static_cast<std::size_t>(RunState::kSucceeded)], 1u);
  EXPECT_EQ(onlooker->runs.List(0, 10)->runs.size(), 1u);
  ASSERT_TRUE(onlooker->runs.Delete(id).ok());
  EXPECT_TRUE(absl::IsNotFound(worker->runs.Get(id).status()));
}

TEST_F(SharedRuns, TheResultsAreThoseOfOneServerAlone) {
  TestLab alone;
  const auto expected = alone.runs.Submit({SmallRequest(30'000)});
  ASSERT_TRUE(expected.ok());
  if (const auto live = alone.runs.FindLive(expected->id)) live->AwaitEnd(MonotonicTime::InfiniteFuture());
  const auto one = Start("one", 1), other = Start("other", 1);
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 12; ++i) ids.push_back(Submit(i % 2 == 0 ? *one : *other, SmallRequest(30'000)));
  const std::string exact = SerializeDeterministic(alone.runs.Get(expected->id)->result->exact());
  for (const std::uint64_t id : ids) EXPECT_TRUE(SerializeDeterministic(EndOf(*one, id).result->exact()) == exact) << id;
  const auto succeeded = [](const Replica& replica) {
    return replica.runs.Count().ended[static_cast<std::size_t>(RunState::kSucceeded)];
  };
  EXPECT_EQ(succeeded(*one) + succeeded(*other), 12u) << "each once";
}

TEST_F(SharedRuns, WhoWatchesElsewhereSeesItProceed) {
  const auto front = Start("front", 0), worker = Start("worker", 1);
  const std::uint64_t id = Submit(*front, LongRequest());
  const auto live = front->runs.FindLive(id);
  ASSERT_NE(live, nullptr);
  EXPECT_TRUE(Eventually([&] { return live->Get().state == RunState::kRunning && live->Get().operations_done > 0; }));
  const absl::Status look = live->LookAt([](const Driver&) {}, MonotonicTime::Now() + absl::Seconds(1));
  EXPECT_THAT(std::string(look.message()), HasSubstr("another server of this lab"));
  EXPECT_TRUE(absl::IsFailedPrecondition(front->runs.Delete(id)));
  EXPECT_EQ(front->runs.List(0, 1)->runs[0].state, RunState::kRunning);
  const auto cancelled = front->runs.Cancel(id);
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->state, RunState::kCancelled);
  EXPECT_NE(cancelled->result, nullptr) << "it was summed up";
  EXPECT_TRUE(Eventually([&] { return live->Get().state == RunState::kCancelled; }));
  EXPECT_EQ(worker->runs.Count().running, 0u);
}

TEST_F(SharedRuns, WhatWaitsIsCancelledByAnyServer) {
  const auto one = Start("one", 0), other = Start("other", 0);
  const std::uint64_t id = Submit(*one, SmallRequest(1000));
  EXPECT_EQ(other->runs.Cancel(id)->state, RunState::kCancelled);
  EXPECT_EQ(EndOf(*one, id).state, RunState::kCancelled);
  EXPECT_EQ(one->runs.Cancel(id)->state, RunState::kCancelled) << "again";
}

TEST_F(SharedRuns, ARunOfAServerThatIsGoneIsReplayedByAnother) {
  const auto gone = PostgresStore::Open(url_, {.server_name = "gone", .lease = 5 * kLeaseOfTests});
  const auto front = Start("front", 0);
  const std::uint64_t id = Submit(*front, SmallRequest(5000));
  const auto taken = (*gone)->Take({});
  ASSERT_TRUE(taken.ok() && taken->has_value()) << taken.status();
  const auto worker = Start("worker", 1);
  absl::SleepFor(kLeaseOfTests / 2);
  EXPECT_TRUE(IsRunning(*front, id)) << "the lease holds";
  const server::Run run = EndOf(*front, id);
  EXPECT_EQ(run.state, RunState::kSucceeded) << run.error;
  EXPECT_TRUE(absl::IsAborted((*gone)->FinishTaken(run, (*taken)->token)));
}

TEST_F(SharedRuns, WhoLosesItsLeaseLeavesOff) {
  const auto worker = Start("worker", 1);
  const std::uint64_t id = Submit(*worker, LongRequest());
  ASSERT_TRUE(Eventually([&] { return worker->runs.Count().running == 1; }));
  const auto connection = PgConnection::Open(url_);
  ASSERT_TRUE((*connection)->Execute("UPDATE queue SET token = token + 1000, lease_end = now() + interval '1 hour'").ok());
  EXPECT_TRUE(Eventually([&] { return worker->runs.Count().running == 0; }));
  EXPECT_EQ(worker->runs.Get(id)->state, RunState::kRunning) << "elsewhere, for all it knows";
  const std::uint64_t next = Submit(*worker, SmallRequest(1000));
  EXPECT_EQ(EndOf(*worker, next).state, RunState::kSucceeded) << "its thread is free";
}

TEST_F(SharedRuns, WhoStopsGivesBackWhatItReplays) {
  auto first = Start("first", 1);
  const std::uint64_t id = Submit(*first, LongRequest());
  ASSERT_TRUE(Eventually([&] { return IsRunning(*first, id); }));
  first.reset();
  const auto second = Start("second", 1);
  EXPECT_TRUE(Eventually([&] { return second->runs.Count().running == 1; })) << "without waiting for a lease to run out";
  EXPECT_EQ(second->runs.Cancel(id)->state, RunState::kCancelled);
}

TEST_F(SharedRuns, AnOutageOfTheDatabaseStopsNoRunAndLosesNoResult) {
  const auto replica = Start("one", 1);
  const std::uint64_t warm_up = Submit(*replica, SmallRequest(1000));
  EndOf(*replica, warm_up);
  const std::uint64_t id = Submit(*replica, SmallRequest(3'000'000));
  ASSERT_TRUE(Eventually([&] { return replica->runs.Count().running == 1; }));
  const auto live = replica->runs.FindLive(id);
  server_->Stop(SIGQUIT);
  EXPECT_TRUE(absl::IsUnavailable(replica->runs.Submit({SmallRequest(1000)}).status()));
  EXPECT_TRUE(absl::IsUnavailable(replica->runs.List(0, 10).status()));
  absl::SleepFor(absl::Seconds(4));  // longer than the run and than its lease
  EXPECT_EQ(live->Get().state, RunState::kRunning) << "nobody is told of a result that is not stored";
  EXPECT_EQ(replica->runs.Count().ended[static_cast<std::size_t>(RunState::kSucceeded)], 1u);
  server_->Start();
  EXPECT_TRUE(live->AwaitEnd(MonotonicTime::Now() + absl::Seconds(30)));
  EXPECT_EQ(live->Get().state, RunState::kSucceeded) << live->Get().error;
  EXPECT_EQ((*replica->store->FindRun(id))->result->exact().operations(), 3'000'000u);
  EXPECT_EQ(replica->runs.Count().ended[static_cast<std::size_t>(RunState::kSucceeded)], 2u);
  EXPECT_EQ(EndOf(*replica, Submit(*replica, SmallRequest(1000))).state, RunState::kSucceeded) << "and it goes on";
}

TEST_F(SharedRuns, OneRequestSentToTwoServersIsOneRun) {
  const auto one = Start("one", 0), other = Start("other", 0);
  for (int round = 0; round < 10; ++round) {
    const std::string request_id = "round " + std::to_string(round);
    std::vector<std::uint64_t> ids(2);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < 2; ++i) {
      threads.emplace_back([&, i] {
        const auto run = (i == 0 ? *one : *other).runs.Submit({SmallRequest(1000), request_id, "print"});
        EXPECT_TRUE(run.ok()) << run.status();
        ids[i] = run.ok() ? run->id : 0;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(ids[0], ids[1]);
  }
  EXPECT_EQ(*one->store->CountRuns(), 10u);
}

TEST_F(SharedRuns, BoundsAreThoseOfAllServers) {
  const auto one = Start("one", 0), other = Start("other", 0);
  RunRequest request = SmallRequest(1000);
  request.owner = "ada";
  for (int i = 0; i < 3; ++i) Submit(i % 2 == 0 ? *one : *other, request);
  for (Replica* replica : {one.get(), other.get()}) {
    EXPECT_THAT(std::string(replica->runs.Submit({request}).status().message()), HasSubstr("3 runs of ada are waiting"));
  }
  EXPECT_TRUE(Eventually([&] { return other->runs.Count().queued == 3 && other->runs.Count().queued_operations == 3000; }));
}

TEST_F(SharedRuns, EndlessRunsOfOneKeepNobodyElseWaiting) {
  const auto front = Start("front", 0), worker = Start("worker", 1, 2);
  RunRequest endless = LongRequest(), hers = SmallRequest(1000);
  endless.owner = "bob";
  hers.owner = "ada";
  const std::uint64_t first = Submit(*front, endless), second = Submit(*front, endless);
  EXPECT_TRUE(Eventually([&] { return IsRunning(*front, first); }));
  EXPECT_EQ(EndOf(*front, Submit(*front, hers)).state, RunState::kSucceeded);
  EXPECT_EQ(front->runs.Get(second)->state, RunState::kQueued) << "he has one under way";
  for (const std::uint64_t id : {second, first}) EXPECT_TRUE(front->runs.Cancel(id).ok());
}

TEST_F(SharedRuns, ATraceThatAnotherReplaysPassesToHim) {
  const auto one = Start("one", 0), other = Start("other", 0);
  const auto trace = one->runs.AddTrace("20\n2\n4\n1\na 0 16\na 1 32\nf 0\nf 1\n", "small.rep", {}, "ada");
  ASSERT_TRUE(trace.ok()) << trace.status();
  RunRequest request = SmallRequest(1);
  request.workload = UploadedTrace{trace->sha256};
  request.owner = "bob";
  const std::uint64_t id = Submit(*other, request);
  EXPECT_TRUE(one->runs.DeleteTrace(trace->sha256).ok());
  EXPECT_EQ(other->traces.Find(trace->sha256)->owner, "bob");
  EXPECT_EQ(*one->store->TraceBytesOf("ada"), 0u);
  const absl::Status his = one->runs.DeleteTrace(trace->sha256);
  EXPECT_THAT(std::string(his.message()), HasSubstr("is that of run " + std::to_string(id)));
  const auto worker = Start("worker", 1);
  EXPECT_EQ(EndOf(*one, id).state, RunState::kSucceeded);
  EXPECT_TRUE(one->runs.DeleteTrace(trace->sha256).ok());
  EXPECT_TRUE(absl::IsNotFound(one->traces.Find(trace->sha256).status()));
}

TEST_F(SharedRuns, ATraceThatAnyServerReplaysIsNotDeleted) {
  const auto one = Start("one", 0), other = Start("other", 0);
  const auto trace = one->runs.AddTrace("20\n2\n4\n1\na 0 16\na 1 32\nf 0\nf 1\n", "small.rep");
  ASSERT_TRUE(trace.ok()) << trace.status();
  RunRequest request = SmallRequest(1);
  request.workload = UploadedTrace{trace->sha256};
  const std::uint64_t id = Submit(*other, request);
  EXPECT_THAT(std::string(one->runs.DeleteTrace(trace->sha256).message()), HasSubstr("is that of run"));
  ASSERT_TRUE(one->runs.Cancel(id).ok());
  EXPECT_TRUE(one->runs.DeleteTrace(trace->sha256).ok());
}

}  // namespace
}  // namespace alloclab::server

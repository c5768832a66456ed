#include "server/collections/run_executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "allocators/common/mutex.h"
#include "proto/converters/deterministic.h"
#include "server/store/sqlite_store.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RunExecutorTest : public testing::Test {
 protected:
  // Without threads a run stays in the queue.
  std::unique_ptr<RunExecutor> Executor(std::uint32_t threads, std::uint32_t queued = 10, std::uint64_t stored = 10) {
    return std::make_unique<RunExecutor>(*store_, traces_, heaps_, budget_,
                                         RunExecutor::Limits{.threads = threads, .queued_runs = queued, .stored_runs = stored});
  }
  std::unique_ptr<RunExecutor> Executor(const RunExecutor::Limits& limits) {
    return std::make_unique<RunExecutor>(*store_, traces_, heaps_, budget_, limits);
  }
  // The number of a run of that owner.
  static std::uint64_t SubmitFor(RunExecutor& runs, const std::string& owner, std::uint64_t operations = 1000) {
    RunRequest request = Request(operations);
    request.owner = owner;
    const auto run = runs.Submit({request});
    EXPECT_TRUE(run.ok()) << run.status();
    return run.ok() ? run->id : 0;
  }
  // It is being replayed, and does not end by itself soon.
  static std::uint64_t Occupy(RunExecutor& runs, const std::string& owner) {
    const std::uint64_t id = SubmitFor(runs, owner, 33'000'000);
    while (runs.Get(id)->state == RunState::kQueued) absl::SleepFor(absl::Milliseconds(1));
    return id;
  }
  static RunRequest Request(std::uint64_t operations = 1000) {
    RunRequest request;
    request.workload = WorkloadSpec{"small", 1, {{.name = "only", .operations = operations, .live_blocks = 10, .size = {}}}};
    request.config.ram_bytes = 16 << 20;
    request.config.parameters["heap.limit_bytes"] = "8388608";
    return request;
  }
  static server::Run EndOf(RunExecutor& runs, std::uint64_t id) {
    if (const auto live = runs.FindLive(id)) live->AwaitEnd(MonotonicTime::InfiniteFuture());
    return *runs.Get(id);
  }

  TemporaryDirectory directory_;
  std::unique_ptr<RunStore> store_ = *SqliteStore::Open(directory_.path());
  std::shared_ptr<HostBudget> budget_ = std::make_shared<HostBudget>(
      HostBudgetLimits{.promised_ram_bytes = 1ull << 32, .held_bytes = 1ull << 32, .handles = 100});
  HeapDirectory heaps_{{.instances = 2, .runs = 2}};
  TraceLibrary traces_{*store_, budget_, 1 << 20};
};

TEST_F(RunExecutorTest, ReplaysAndStoresTheResult) {
  const auto runs = Executor(1);
  const auto run = runs->Submit({Request()});
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->state, RunState::kQueued);
  EXPECT_EQ(run->request.config.heap_allocator, "implicit-heap") << "an accepted configuration is complete";
  const server::Run ended = EndOf(*runs, run->id);
  EXPECT_EQ(ended.state, RunState::kSucceeded) << ended.error;
  EXPECT_EQ(ended.operations_done, 1000u);
  ASSERT_TRUE(ended.result);
  EXPECT_EQ(ended.result->exact().operations(), 1000u);
  EXPECT_EQ(budget_->promised_ram_bytes(), 0u);
  EXPECT_EQ(runs->Count().ended[static_cast<std::size_t>(RunState::kSucceeded)], 1u);
}

TEST_F(RunExecutorTest, RefusesBeforeAnythingIsStored) {
  const auto runs = Executor(0);
  const auto refusal = [&](const RunRequest& request) { return std::string(runs->Submit({request}).status().message()); };
  RunRequest request = Request();
  request.config.heap_allocator = "implict-heap";
  EXPECT_THAT(refusal(request), HasSubstr("did you mean \"implicit-heap\"?"));
  request = Request();
  request.digest_at = "1001";
  EXPECT_THAT(refusal(request), HasSubstr("digest_at: "));
  EXPECT_EQ(*store_->CountRuns(), 0u);
}

TEST_F(RunExecutorTest, QueueAndStoreAreBounded) {
  const auto runs = Executor(0, /*queued=*/2, /*stored=*/3);
  ASSERT_TRUE(runs->Submit({Request()}).ok());
  ASSERT_TRUE(runs->Submit({Request()}).ok());
  EXPECT_THAT(std::string(runs->Submit({Request()}).status().message()), HasSubstr("queue"));
  ASSERT_TRUE(runs->Cancel(1).ok());
  ASSERT_TRUE(runs->Submit({Request()}).ok());
  ASSERT_TRUE(runs->Cancel(2).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(runs->Submit({Request()}).status())) << "three are stored";
  ASSERT_TRUE(runs->Delete(1).ok());
  EXPECT_TRUE(runs->Submit({Request()}).ok());
}

TEST_F(RunExecutorTest, RunsGoAtTheAgeOfTheirOwner) {
  const RunExecutor::Limits limits{.threads = 1,
                                   .queued_runs = 100,
                                   .stored_runs = 100,
                                   .runs_age = absl::Nanoseconds(1),
                                   .runs_age_of = {{"ada", absl::InfiniteDuration()}, {"bob", absl::Hours(1)}}};
  const auto runs = Executor(limits);
  std::map<std::string, std::uint64_t> ids;
  for (const char* owner : {"", "ada", "bob", "eve"}) {
    ids[owner] = SubmitFor(*runs, owner);
    EndOf(*runs, ids[owner]);
  }
  EXPECT_EQ(*store_->CountRuns(), 4u) << "looked at with the first alone";
  const auto later = Executor(limits);  // as after kRunsAgeInterval
  const std::uint64_t last = SubmitFor(*later, "eve");
  for (const auto& [owner, id] : ids) EXPECT_EQ(later->Get(id).ok(), owner == "ada" || owner == "bob") << owner;
  EXPECT_TRUE(later->Get(last).ok());
}

TEST_F(RunExecutorTest, TheQueueOfOneOwnerIsBoundedAndNotThatOfNobody) {
  const auto runs = Executor({.threads = 0, .queued_runs = 100, .queued_of_one = 2, .stored_runs = 100});
  RunRequest request = Request();
  for (const char* owner : {"ada", "ada", "bob", "", "", ""}) SubmitFor(*runs, owner);
  request.owner = "ada";
  const absl::Status refused = runs->Submit({request}).status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("2 runs of ada are waiting"));
  SubmitFor(*runs, "bob");
}

TEST_F(RunExecutorTest, WhoWaitsForTheFirstTimeGoesBeforeWhoHadHisTurn) {
  const auto runs = Executor({.threads = 1, .queued_runs = 100, .stored_runs = 100});
  const std::uint64_t occupied = Occupy(*runs, "ada");
  Mutex mutex;
  std::vector<std::string> begun;  // owners
  std::vector<std::uint64_t> ids;
  for (const char* owner : {"ada", "ada", "ada", "bob", "bob"}) {
    ids.push_back(SubmitFor(*runs, owner));
    runs->FindLive(ids.back())->Watch([&mutex, &begun, owner, first = true]() mutable {
      const MutexLock lock(mutex);
      if (std::exchange(first, false)) begun.push_back(owner);
    });
  }
  ASSERT_TRUE(runs->Cancel(occupied).ok());
  for (const std::uint64_t id : ids) EXPECT_EQ(EndOf(*runs, id).state, RunState::kSucceeded);
  const MutexLock lock(mutex);
  EXPECT_THAT(begun, ElementsAre("bob", "ada", "bob", "ada", "ada"));
}

TEST_F(RunExecutorTest, ManyOwnersWithManyRunsTakeTurns) {
  constexpr std::size_t kOwners = 10, kRuns = 50;
  const auto runs = Executor({.threads = 1, .queued_runs = 1000, .stored_runs = 1000});
  const std::uint64_t occupied = Occupy(*runs, "first");
  Mutex mutex;
  std::vector<std::string> begun;  // owners
  std::vector<std::uint64_t> ids;
  const auto submit = [&](const std::string& owner) {
    ids.push_back(SubmitFor(*runs, owner, 10));
    runs->FindLive(ids.back())->Watch([&mutex, &begun, owner, first = true]() mutable {
      const MutexLock lock(mutex);
      if (std::exchange(first, false)) begun.push_back(owner);
    });
  };
  for (std::size_t owner = 0; owner < kOwners; ++owner) {
    for (std::size_t i = 0; i < kRuns; ++i) submit(std::string("owner") + static_cast<char>('0' + owner));
  }
  submit("one run");
  ASSERT_TRUE(runs->Cancel(occupied).ok());
  for (const std::uint64_t id : ids) EXPECT_EQ(EndOf(*runs, id).state, RunState::kSucceeded);
  const MutexLock lock(mutex);
  ASSERT_EQ(begun.size(), kOwners * kRuns + 1);
  const auto ones = begun.begin() + kOwners;
  EXPECT_EQ(*ones, "one run") << "who came last, after one of each";
  begun.erase(ones);
  for (std::size_t i = kOwners; i < begun.size(); ++i) EXPECT_EQ(begun[i], begun[i - kOwners]) << i;
}

// One that is refused in the end, after a look at 10 million operations for some on pages.
TEST_F(RunExecutorTest, ALongLookAtOneSubmissionKeepsNoOtherWaiting) {
  const auto runs = Executor(0);
  RunRequest pages;
  pages.workload = BuiltinChoice{.name = "steady-state", .seed = 0, .operations = 10'000'000};
  pages.config.ram_bytes = 16 << 20;
  pages.config.heap_allocator = "none";
  std::thread other;
  std::atomic<bool> taken_in{false};
  const absl::Status left = runs->Submit({pages},
                                         [&] {
                                           if (!other.joinable()) {
                                             other = std::thread([&] { taken_in = SubmitFor(*runs, "ada") != 0; });
                                           }
                                           return taken_in.load();
                                         })
                                .status();
  ASSERT_TRUE(other.joinable());
  other.join();
  EXPECT_TRUE(absl::IsCancelled(left)) << "as soon as the other is taken in: " << left;
}

TEST_F(RunExecutorTest, OneOwnerGetsNoMoreThreadsThanHeMay) {
  const auto runs = Executor({.threads = 2, .queued_runs = 100, .running_of_one = 1, .stored_runs = 100});
  const std::uint64_t occupied = Occupy(*runs, "ada"), waits = SubmitFor(*runs, "ada");
  EXPECT_EQ(EndOf(*runs, SubmitFor(*runs, "bob")).state, RunState::kSucceeded);
  EXPECT_EQ(runs->Get(waits)->state, RunState::kQueued);
  ASSERT_TRUE(runs->Cancel(occupied).ok());
  EXPECT_EQ(EndOf(*runs, waits).state, RunState::kSucceeded);
}

TEST_F(RunExecutorTest, OwnersAreStoredAndListed) {
  const auto runs = Executor(1);
  const std::uint64_t adas = SubmitFor(*runs, "ada");
  EndOf(*runs, SubmitFor(*runs, "bob"));
  EXPECT_EQ(EndOf(*runs, adas).request.owner, "ada");
  const auto list = runs->List(0, 10, {.workload = {}, .states = {}, .label = {}, .allocator = {}, .owner = "ada"});
  ASSERT_TRUE(list.ok()) << list.status();
  ASSERT_EQ(list->runs.size(), 1u);
  EXPECT_EQ(list->runs[0].id, adas);
}

TEST_F(RunExecutorTest, TheSameRequestAgainAnswersWithTheFirst) {
  const auto runs = Executor(0);
  const auto first = runs->Submit({Request(), "once", "print"});
  ASSERT_TRUE(first.ok());
  const auto again = runs->Submit({Request(), "once", "print"});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->id, first->id);
  EXPECT_TRUE(absl::IsAlreadyExists(runs->Submit({Request(2000), "once", "other print"}).status()));
}

TEST_F(RunExecutorTest, ListsNewestFirstWithoutResults) {
  const auto runs = Executor(0);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(runs->Submit({Request()}).ok());
  std::vector<std::uint64_t> ids;
  const auto list = runs->List(0, 2);
  ASSERT_TRUE(list.ok());
  for (const server::Run& run : list->runs) ids.push_back(run.id);
  EXPECT_THAT(ids, ElementsAre(3, 2));
  EXPECT_EQ(runs->List(2, 10)->runs.size(), 1u);
}

TEST_F(RunExecutorTest, AListIsLeftWhenNobodyWaitsForIt) {
  const auto runs = Executor(0);
  ASSERT_TRUE(runs->Submit({Request()}).ok());
  EXPECT_TRUE(absl::IsCancelled(runs->List(0, 10, {}, [] { return true; }).status()));
}

TEST_F(RunExecutorTest, CancelsAndDeletesOnlyWhatIsThere) {
  const auto runs = Executor(0);
  ASSERT_TRUE(runs->Submit({Request()}).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(runs->Delete(1))) << "it is queued";
  EXPECT_EQ(runs->Cancel(1)->state, RunState::kCancelled);
  EXPECT_EQ(runs->Cancel(1)->state, RunState::kCancelled) << "again: it stays as it is";
  EXPECT_TRUE(runs->Delete(1).ok());
  EXPECT_TRUE(absl::IsNotFound(runs->Delete(1)));
  EXPECT_TRUE(absl::IsNotFound(runs->Cancel(1).status()));
  EXPECT_TRUE(absl::IsNotFound(runs->Get(1).status()));
}

TEST_F(RunExecutorTest, AfterDrainNoRunIsTakenAndStopInterruptsTheQueue) {
  const auto runs = Executor(0);
  ASSERT_TRUE(runs->Submit({Request()}).ok());
  runs->Drain();
  EXPECT_TRUE(absl::IsUnavailable(runs->Submit({Request()}).status()));
  EXPECT_EQ(runs->Get(1)->state, RunState::kQueued);
  runs->Stop(MonotonicTime::Now());
  EXPECT_EQ(runs->Get(1)->state, RunState::kInterrupted);
  EXPECT_EQ(runs->Get(1)->error, "the server was shut down");
}

TEST_F(RunExecutorTest, EndlessRunsOfOneKeepNobodyElseWaiting) {
  const auto runs = Executor({.threads = 1, .spare_threads = 1, .queued_runs = 10, .stored_runs = 10});
  const std::uint64_t endless = Occupy(*runs, "bob"), second = SubmitFor(*runs, "bob"), nobodys = SubmitFor(*runs, "");
  EXPECT_EQ(EndOf(*runs, SubmitFor(*runs, "ada")).state, RunState::kSucceeded);
  EXPECT_EQ(runs->Get(second)->state, RunState::kQueued) << "he has one under way";
  EXPECT_EQ(runs->Get(nobodys)->state, RunState::kQueued);
  ASSERT_TRUE(runs->Cancel(endless).ok());
  EXPECT_EQ(EndOf(*runs, second).state, RunState::kSucceeded);
}

TEST_F(RunExecutorTest, ARunThatFailsSaysWhy) {
  ASSERT_TRUE(budget_->TakeMemory(1ull << 32).ok());
  const auto runs = Executor(1);
  const auto run = runs->Submit({Request()});
  ASSERT_TRUE(run.ok());
  const server::Run ended = EndOf(*runs, run->id);
  EXPECT_EQ(ended.state, RunState::kFailed);
  EXPECT_THAT(ended.error, HasSubstr("--memory-max"));
}

TEST_F(RunExecutorTest, ARunThatMaySharesTheResultOfAnEarlierOne) {
  const auto runs = Executor(1);
  RunRequest request = Request();
  request.share_result = true;
  const server::Run first = EndOf(*runs, runs->Submit({request})->id);
  ASSERT_EQ(first.state, RunState::kSucceeded) << first.error;
  EXPECT_EQ(first.result->measured().of_run(), 0u);
  request.label = "somebody else's";
  request.owner = "ada";
  const server::Run second = EndOf(*runs, runs->Submit({request})->id);
  EXPECT_EQ(second.state, RunState::kSucceeded);
  EXPECT_EQ(second.operations_done, first.operations_done);
  EXPECT_EQ(second.result->measured().of_run(), first.id);
  EXPECT_EQ(second.result->measured().replay_ns(), first.result->measured().replay_ns());
  EXPECT_EQ(SerializeDeterministic(second.result->exact()), SerializeDeterministic(first.result->exact()));

  request.share_result = false;
  EXPECT_EQ(EndOf(*runs, runs->Submit({request})->id).result->measured().of_run(), 0u) << "not asked for";
  request.share_result = true;
  request.digest_at = "1/2";
  EXPECT_EQ(EndOf(*runs, runs->Submit({request})->id).result->measured().of_run(), 0u) << "another request";
  ASSERT_TRUE(store_->DeleteRun(first.id).ok());
  request.digest_at = "";
  EXPECT_EQ(EndOf(*runs, runs->Submit({request})->id).result->measured().of_run(), 0u) << "it is gone";
  EXPECT_EQ(runs->Count().different, 0u);
}

TEST_F(RunExecutorTest, ARunThatComesToSomethingElseIsTold) {
  const auto runs = Executor(1);
  const server::Run right = EndOf(*runs, runs->Submit({Request()})->id);
  ASSERT_TRUE(store_->DeleteRun(right.id).ok());
  server::Run wrong = right;
  wrong.state = RunState::kQueued;
  wrong.id = *store_->InsertRun(wrong, "", "");
  wrong.state = RunState::kSucceeded;
  v1::RunResult result = *right.result;
  result.mutable_exact()->set_cycles_386(1);
  wrong.result = std::make_shared<const v1::RunResult>(result);
  ASSERT_TRUE(store_->FinishRun(wrong).ok());

  const auto watched = runs->FindLive(runs->Submit({Request()})->id);
  const std::uint64_t id = watched != nullptr ? watched->id() : wrong.id + 1;
  EXPECT_EQ(EndOf(*runs, id).differs_from, wrong.id);
  if (watched != nullptr) {
    EXPECT_EQ(watched->Get().differs_from, wrong.id);
  }
  EXPECT_EQ(runs->Get(wrong.id)->differs_from, 0u);
  EXPECT_EQ(runs->Count().different, 1u);
}

TEST_F(RunExecutorTest, WhoUploadsNeverMakesOthersWithLessLoseTheirTraces) {
  TraceLibrary traces(*store_, budget_, 200);
  RunExecutor runs(*store_, traces, heaps_, budget_,
                   RunExecutor::Limits{.threads = 0, .queued_runs = 10, .stored_runs = 10, .retire_traces = true});
  const auto add = [&](const std::string& owner, int size) {
    const std::string file = "20\n2\n4\n1\na 0 " + std::to_string(size) + "\na 1 32\nf 0\nf 1\n";
    const auto entry = runs.AddTrace(file, "some.rep", {}, owner);
    EXPECT_TRUE(entry.ok()) << entry.status();
    return entry.ok() ? entry->sha256 : "";
  };
  const std::string of_ada = add("ada", 100);
  for (int i = 0; i < 20; ++i) add("bob", 200 + i);
  EXPECT_EQ(traces.Find(of_ada)->owner, "ada") << "bob made room among his own";
  add("ada", 101);
  EXPECT_TRUE(traces.Find(of_ada).ok()) << "bob has more than she will have";
}

TEST_F(RunExecutorTest, AnOwnerMayStoreSoManyRuns) {
  const auto runs = Executor(RunExecutor::Limits{.threads = 1, .queued_runs = 10, .stored_runs = 10, .stored_of_one = 2});
  for (int i = 0; i < 2; ++i) EndOf(*runs, SubmitFor(*runs, "bob"));
  RunRequest request = Request();
  request.owner = "bob";
  const absl::Status refused = runs->Submit({request}).status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("--owner-stored-runs-max"));
  for (int i = 0; i < 2; ++i) SubmitFor(*runs, "ada");
  for (int i = 0; i < 3; ++i) SubmitFor(*runs, "");
}

TEST_F(RunExecutorTest, WhoRetiresNeverMakesOthersLoseTheirs) {
  const auto runs =
      Executor(RunExecutor::Limits{.threads = 1, .queued_runs = 10, .stored_runs = 6, .stored_of_one = 4, .retire_runs = true});
  std::vector<std::uint64_t> of_ada, of_bob;
  for (int i = 0; i < 2; ++i) of_ada.push_back(SubmitFor(*runs, "ada"));
  for (int i = 0; i < 8; ++i) {
    of_bob.push_back(SubmitFor(*runs, "bob"));
    EXPECT_EQ(EndOf(*runs, of_bob.back()).state, RunState::kSucceeded);
  }
  for (const std::uint64_t id : of_ada) EXPECT_TRUE(runs->Get(id).ok()) << id;
  for (std::size_t i = 4; i < 8; ++i) ASSERT_TRUE(runs->Update(of_bob[i], {.label = {}, .pinned = true}).ok());
  RunRequest request = Request();
  request.owner = "bob";
  EXPECT_THAT(std::string(runs->Submit({request}).status().message()), HasSubstr("unpin some"));
  for (const std::uint64_t id : of_ada) EXPECT_TRUE(runs->Get(id).ok()) << "bob's refusal cost ada run " << id;
  EXPECT_EQ(EndOf(*runs, SubmitFor(*runs, "ada")).state, RunState::kSucceeded) << "her oldest makes room";
  EXPECT_TRUE(absl::IsNotFound(runs->Get(of_ada[0]).status()));
}

}  // namespace
}  // namespace alloclab::server

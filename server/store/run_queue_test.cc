// The queue that servers share: of PostgresStore, the only one there is.
#include "server/store/run_queue.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "allocators/common/mutex.h"
#include "server/store/postgres_store.h"
#include "server/testing/postgres_test.h"
#include "server/testing/store_samples.h"

namespace alloclab::server {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// Of whoever holds a run: no test takes so long. Who takes over has a short one: the database was not away for longer.
constexpr absl::Duration kLongLease = absl::Seconds(60), kShortLease = absl::Milliseconds(100);

class RunQueueTest : public PostgresTest {
 protected:
  std::unique_ptr<PostgresStore> Open(const std::string& name, absl::Duration lease = kLongLease) const {
    auto store = PostgresStore::Open(url_, {.server_name = name, .lease = lease});
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }
  static std::uint64_t Add(PostgresStore& store, const std::string& owner = "") {
    server::Run run = SampleRun(1);
    run.request.owner = owner;
    const auto id = store.InsertRun(run, "", "");
    EXPECT_TRUE(id.ok()) << id.status();
    return id.value_or(0);
  }
  static RunQueue::Taken Take(PostgresStore& store, const RunQueue::Bounds& bounds = {}) {
    const auto taken = store.Take(bounds);
    EXPECT_TRUE(taken.ok() && taken->has_value()) << taken.status();
    return taken.ok() ? taken->value_or(RunQueue::Taken()) : RunQueue::Taken();
  }
  static bool TakesNothing(PostgresStore& store, const RunQueue::Bounds& bounds = {}) {
    const auto taken = store.Take(bounds);
    return taken.ok() && !taken->has_value();
  }
  static RunQueue::Held HeldOf(const RunQueue::Taken& taken, std::uint64_t done = 0) {
    return {taken.run.id, taken.token, done};
  }
  static absl::Status Finish(PostgresStore& store, const RunQueue::Taken& taken, std::uint64_t number = 1) {
    return store.FinishTaken(EndedSample(number, taken.run.id, 200), taken.token);
  }

  // All leases run out at once.
  void RunOut() const {
    const auto connection = PgConnection::Open(url_);
    ASSERT_TRUE((*connection)->Execute("UPDATE queue SET lease_end = now() - interval '1 second'").ok());
  }
};

TEST_F(RunQueueTest, EveryRunIsTakenOnceHoweverManyServersAsk) {
  constexpr int kServers = 4, kRuns = 120;
  std::vector<std::unique_ptr<PostgresStore>> stores;
  for (int i = 0; i < kServers; ++i) stores.push_back(Open(fmt::format("server {}", i)));
  std::vector<std::uint64_t> ids, taken_ids;
  for (int i = 0; i < kRuns; ++i) ids.push_back(Add(*stores[0], i % 3 == 0 ? "ada" : "bob"));
  Mutex mutex;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 2 * kServers; ++thread) {
    threads.emplace_back([&, store = stores[static_cast<std::size_t>(thread % kServers)].get()] {
      for (int idle = 0; idle < 20;) {
        const auto taken = store->Take({});
        ASSERT_TRUE(taken.ok()) << taken.status();
        if (!taken->has_value()) {
          ++idle;
          continue;
        }
        EXPECT_EQ((*taken)->attempt, 1u);
        EXPECT_TRUE(Finish(*store, **taken).ok());
        const MutexLock lock(mutex);
        taken_ids.push_back((*taken)->run.id);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::sort(taken_ids.begin(), taken_ids.end());
  EXPECT_EQ(taken_ids, ids);
}

TEST_F(RunQueueTest, ARunShowsWhoHasItAndHowFarItIs) {
  const auto store = Open("one");
  const std::uint64_t id = Add(*store);
  EXPECT_EQ((*store->FindRun(id))->state, RunState::kQueued);
  const RunQueue::Taken taken = Take(*store);
  EXPECT_EQ(taken.run.id, id);
  EXPECT_EQ(taken.run.request.label, "run number 1");
  EXPECT_EQ((*store->FindRun(id))->state, RunState::kRunning);
  EXPECT_THAT(*store->Renew({HeldOf(taken, 77)}), ElementsAre(RunQueue::Order::kGoOn));
  EXPECT_EQ((*store->FindRun(id))->operations_done, 77u);
  EXPECT_EQ(store->ListRuns(INT64_MAX, 1)->runs[0].operations_done, 77u);
  ASSERT_TRUE(Finish(*store, taken).ok());
  EXPECT_EQ((*store->FindRun(id))->operations_done, 1000u);
  EXPECT_TRUE(TakesNothing(*store));
}

TEST_F(RunQueueTest, WhoFallsSilentLosesTheRunAndHisResultIsRefused) {
  const auto dead = Open("dead"), alive = Open("alive", kShortLease);
  const std::uint64_t id = Add(*dead);
  const RunQueue::Taken first = Take(*dead);
  EXPECT_TRUE(TakesNothing(*alive)) << "its lease holds";
  RunOut();
  EXPECT_EQ((*alive->FindRun(id))->state, RunState::kQueued) << "it waits again";
  const RunQueue::Taken second = Take(*alive);
  EXPECT_EQ(second.run.id, id);
  EXPECT_EQ(second.attempt, 2u);
  EXPECT_GT(second.token, first.token);
  EXPECT_THAT(*dead->Renew({HeldOf(first)}), ElementsAre(RunQueue::Order::kLost));
  EXPECT_TRUE(absl::IsAborted(Finish(*dead, first, 5))) << "while another one replays it";
  ASSERT_TRUE(Finish(*alive, second, 6).ok());
  EXPECT_TRUE(Finish(*alive, second, 6).ok()) << "the answer may have been lost";
  EXPECT_TRUE(absl::IsAborted(Finish(*dead, first, 5))) << "and after it";
  EXPECT_TRUE(dead->GiveBack({HeldOf(first)}).ok());
  EXPECT_EQ((*dead->FindRun(id))->result->exact().operations(), 1006u);
}

TEST_F(RunQueueTest, WhoRenewsKeepsTheRun) {
  const auto one = Open("one"), other = Open("other", kShortLease);
  Add(*one);
  const RunQueue::Taken taken = Take(*one);
  for (int i = 0; i < 3; ++i) {
    RunOut();
    ASSERT_THAT(*one->Renew({HeldOf(taken)}), ElementsAre(RunQueue::Order::kGoOn));
    ASSERT_TRUE(TakesNothing(*other));
  }
  EXPECT_TRUE(Finish(*one, taken).ok());
}

TEST_F(RunQueueTest, AfterThreeAttemptsARunHasFailedAndSaysWhy) {
  const auto store = Open("doomed", kShortLease);
  const std::uint64_t id = Add(*store), next = Add(*store);
  for (std::uint64_t attempt = 1; attempt <= 3; ++attempt) {
    const RunQueue::Taken taken = Take(*store, {.running_of_one = 1});
    EXPECT_EQ(taken.run.id, id);
    EXPECT_EQ(taken.attempt, attempt);
    RunOut();
  }
  EXPECT_EQ(Take(*store).run.id, next);
  const auto run = *store->FindRun(id);
  EXPECT_EQ(run->state, RunState::kFailed);
  EXPECT_THAT(run->error, AllOf(HasSubstr("given up after 3 attempts"), HasSubstr("doomed")));
  EXPECT_GT(run->end_time, run->submit_time);
}

TEST_F(RunQueueTest, GivingBackIsNoAttempt) {
  const auto store = Open("one"), other = Open("other");
  Add(*store);
  for (int i = 0; i < 5; ++i) {
    const RunQueue::Taken taken = Take(*store);
    EXPECT_EQ(taken.attempt, 1u);
    ASSERT_TRUE(store->GiveBack({HeldOf(taken)}).ok());
  }
  EXPECT_EQ(Take(*other).attempt, 1u);
}

TEST_F(RunQueueTest, WhoWaitsLongestForHisTurnIsNext) {
  const auto one = Open("one"), other = Open("other");
  for (const char* owner : {"ada", "ada", "ada", "bob", "bob"}) Add(*one, owner);
  std::vector<std::string> owners;
  for (int i = 0; i < 5; ++i) {
    PostgresStore& store = i % 2 == 0 ? *one : *other;
    const RunQueue::Taken taken = Take(store);
    owners.push_back(taken.run.request.owner);
    ASSERT_TRUE(Finish(store, taken).ok());
  }
  EXPECT_THAT(owners, ElementsAre("ada", "bob", "ada", "bob", "ada"));
}

TEST_F(RunQueueTest, ManyOwnersWithManyRunsTakeTurns) {
  constexpr int kOwners = 10, kRuns = 20;
  const auto store = Open("one");
  std::vector<std::string> expected;
  for (int owner = 0; owner < kOwners; ++owner) {
    expected.push_back(fmt::format("owner {}", owner));
    for (int i = 0; i < kRuns; ++i) Add(*store, expected.back());
  }
  Add(*store, "one run");
  for (int round = 0; round < kRuns; ++round) {
    std::vector<std::string> owners;
    for (int i = 0; i < kOwners + (round == 0 ? 1 : 0); ++i) {
      const RunQueue::Taken taken = Take(*store);
      owners.push_back(taken.run.request.owner);
      ASSERT_TRUE(Finish(*store, taken).ok());
    }
    if (round == 0) {
      EXPECT_EQ(owners.back(), "one run") << "who came last, after one of each";
      owners.pop_back();
    }
    EXPECT_EQ(owners, expected) << round;
  }
}

TEST_F(RunQueueTest, WhoHasTheFewestUnderWayIsNextAndNobodyHasMoreThanHeMay) {
  const auto one = Open("one"), other = Open("other");
  for (const char* owner : {"ada", "ada", "ada", "bob"}) Add(*one, owner);
  const RunQueue::Bounds bounds{.running_of_one = 2};
  EXPECT_EQ(Take(*one, bounds).run.request.owner, "ada");
  EXPECT_EQ(Take(*other, bounds).run.request.owner, "bob");
  EXPECT_EQ(Take(*other, bounds).run.request.owner, "ada");
  EXPECT_TRUE(TakesNothing(*one, bounds)) << "ada has two, of all servers";
  EXPECT_EQ(Take(*one).run.request.owner, "ada") << "without a bound";
}

TEST_F(RunQueueTest, OfThoseWhoHaveNoneUnderWayAFirstOneIsTaken) {
  const auto one = Open("one"), other = Open("other");
  const RunQueue::Bounds bounds{.first_ones = true};
  for (const char* owner : {"", "ada", "ada", "bob"}) Add(*one, owner);
  EXPECT_EQ(Take(*one, bounds).run.request.owner, "ada");
  EXPECT_EQ(Take(*other, bounds).run.request.owner, "bob");
  EXPECT_TRUE(TakesNothing(*other, bounds)) << "of nobody in particular, and ada has one under way";
  EXPECT_EQ(Take(*other).run.request.owner, "");
}

TEST_F(RunQueueTest, TheBoundOfAnOwnerHoldsHoweverManyAskAtOnce) {
  std::vector<std::unique_ptr<PostgresStore>> stores;
  for (int i = 0; i < 4; ++i) stores.push_back(Open("server"));
  for (int i = 0; i < 40; ++i) Add(*stores[0], "ada");
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, store = stores[static_cast<std::size_t>(thread % 4)].get()] {
      for (int i = 0; i < 10; ++i) {
        const auto one = store->Take({.running_of_one = 3});
        ASSERT_TRUE(one.ok()) << one.status();
        if (one->has_value()) ++taken;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 3);
}

TEST_F(RunQueueTest, RunsOnRealAllocatorsAreTakenByWhoMay) {
  const auto store = Open("one");
  server::Run native = SampleRun(1);
  native.request.config.heap_allocator = "native:glibc";
  const std::uint64_t id = *store->InsertRun(native, "", "");
  EXPECT_TRUE(TakesNothing(*store, {.natives = false}));
  EXPECT_EQ(Take(*store).run.id, id);
}

TEST_F(RunQueueTest, ACancelEndsWhatWaitsAndReachesWhoReplays) {
  const auto one = Open("one"), other = Open("other", kShortLease);
  const std::uint64_t waits = Add(*one);
  ASSERT_TRUE(other->AskToCancel(waits).ok());
  EXPECT_EQ((*one->FindRun(waits))->state, RunState::kCancelled);
  EXPECT_TRUE(TakesNothing(*one));
  const std::uint64_t replayed = Add(*one);
  const RunQueue::Taken taken = Take(*one);
  ASSERT_TRUE(other->AskToCancel(replayed).ok());
  EXPECT_THAT(*one->Renew({HeldOf(taken)}), ElementsAre(RunQueue::Order::kCancel));
  EXPECT_EQ((*one->FindRun(replayed))->state, RunState::kRunning) << "until its server ends it";
  RunOut();
  EXPECT_TRUE(TakesNothing(*other)) << "whose server is gone: it is ended, not replayed";
  EXPECT_EQ((*one->FindRun(replayed))->state, RunState::kCancelled);
  EXPECT_TRUE(absl::IsAborted(Finish(*one, taken)));
  EXPECT_TRUE(other->AskToCancel(replayed).ok()) << "it stays as it is";
}

TEST_F(RunQueueTest, CountsWhatWaitsAndKnowsWhoReplaysATrace) {
  const auto store = Open("one");
  server::Run run = SampleRun(1);
  const std::string digest(64, 'a');
  run.request.workload = UploadedTrace{digest};
  run.request.owner = "ada";
  const std::uint64_t id = *store->InsertRun(run, "", "");
  Add(*store, "bob");
  const auto waiting = store->CountWaiting("ada");
  ASSERT_TRUE(waiting.ok()) << waiting.status();
  EXPECT_EQ(waiting->runs, 2u);
  EXPECT_EQ(waiting->of_owner, 1u);
  EXPECT_EQ(waiting->operations, 2000u);
  run.request.owner = "bob";
  const std::uint64_t of_bob = *store->InsertRun(run, "", "");
  EXPECT_EQ((*store->FindUserOf(digest, "ada"))->run, id);
  EXPECT_EQ((*store->FindUserOf(digest, "bob"))->run, of_bob);
  EXPECT_EQ((*store->FindUserOf(digest, "eve"))->run, id) << "the oldest";
  EXPECT_EQ((*store->FindUserOf(digest, "eve"))->owner, "ada");
  ASSERT_TRUE(store->DeleteRun(of_bob).ok());
  ASSERT_TRUE(Finish(*store, Take(*store)).ok());
  EXPECT_FALSE(store->FindUserOf(digest, "ada")->has_value());
  EXPECT_EQ(store->CountWaiting("ada")->runs, 1u);
}

TEST_F(RunQueueTest, ARunThatCannotBeReadKeepsNobodyWaiting) {
  const auto store = Open("one");
  const std::uint64_t damaged = Add(*store), next = Add(*store);
  const auto connection = PgConnection::Open(url_);
  ASSERT_TRUE((*connection)->Execute("UPDATE run SET request = '\\x00' WHERE id = $1", PgValues().Add(damaged)).ok());
  EXPECT_EQ(Take(*store).run.id, next);
  EXPECT_TRUE(absl::IsDataLoss(store->FindRun(damaged).status()));
}

TEST_F(RunQueueTest, AnOutageOfTheDatabaseCostsNobodyHisRun) {
  const auto one = Open("one"), other = Open("other");
  Add(*one);
  const RunQueue::Taken taken = Take(*one);
  RunOut();
  server_->Stop(SIGQUIT);
  EXPECT_TRUE(absl::IsUnavailable(other->Take({}).status()));
  server_->Start();
  absl::StatusOr<std::optional<RunQueue::Taken>> second;
  for (int i = 0; i < 100 && (i == 0 || !second.ok()); ++i) {
    second = other->Take({});
    absl::SleepFor(absl::Milliseconds(20));
  }
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_FALSE(second->has_value()) << "the lease ran out while nobody could renew it";
  EXPECT_TRUE(TakesNothing(*Open("third"))) << "nor does a server that saw nothing of the outage";
  absl::StatusOr<std::vector<RunQueue::Order>> orders;
  for (int i = 0; i < 100 && (i == 0 || !orders.ok()); ++i) {
    orders = one->Renew({HeldOf(taken)});
    absl::SleepFor(absl::Milliseconds(5));
  }
  ASSERT_TRUE(orders.ok()) << orders.status();
  EXPECT_THAT(*orders, ElementsAre(RunQueue::Order::kGoOn));
  EXPECT_TRUE(Finish(*one, taken).ok());
}

}  // namespace
}  // namespace alloclab::server

// Runs of owners in every store (testing/store_contract.h): how many one has, may have, and loses.
#include <gmock/gmock.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "server/testing/store_contract.h"
#include "server/testing/store_samples.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// One that has ended.
std::uint64_t Add(RunStore& store, const std::string& owner, bool pinned = false) {
  server::Run run = SampleRun(1);
  run.request.owner = owner;
  const std::uint64_t id = *store.InsertRun(run, "", "");
  run = EndedSample(1, id, 100);
  EXPECT_TRUE(store.FinishRun(run).ok());
  if (pinned) {
    EXPECT_TRUE(store.UpdateRun(id, {.label = {}, .pinned = true}).ok());
  }
  return id;
}

// So many, of which so many are pinned, the oldest.
void AddMany(RunStore& store, const std::string& owner, int runs, int pinned = 0) {
  for (int i = 0; i < runs; ++i) Add(store, owner, i < pinned);
}

std::uint64_t Of(const RunStore& store, const std::string& owner) { return *store.CountRunsOf(owner); }

TEST_P(StoreContract, RunsOfOwnersAreCounted) {
  AddMany(*store_, "ada", 2);
  AddMany(*store_, "", 3);
  server::Run waits = SampleRun(1);
  waits.request.owner = "ada";
  ASSERT_TRUE(store_->InsertRun(waits, "", "").ok());
  const std::uint64_t pinned = Add(*store_, "ada", /*pinned=*/true);
  EXPECT_EQ(Of(*store_, "ada"), 4u) << "one waits and one is pinned";
  ASSERT_TRUE(store_->UpdateRun(pinned, {.label = "anew", .pinned = {}}).ok());
  Reopen();
  EXPECT_EQ(Of(*store_, "ada"), 4u);
  EXPECT_EQ(Of(*store_, ""), 3u);
  EXPECT_EQ(Of(*store_, "eve"), 0u);
  ASSERT_TRUE(store_->DeleteRun(pinned).ok());
  EXPECT_EQ(Of(*store_, "ada"), 3u);
}

TEST_P(StoreContract, AnOwnerHasABoundOfRunsThatNothingExceeds) {
  const auto insert = [&](const std::string& owner, std::uint64_t max) {
    server::Run run = SampleRun(1);
    run.request.owner = owner;
    return store_->InsertRunWithin(run, "", "", max).status();
  };
  AddMany(*store_, "ada", 2, 2);
  EXPECT_TRUE(insert("ada", 3).ok());
  const absl::Status refused = insert("ada", 3);
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("ada has 3 runs or more in the store, pinned ones too"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("--owner-stored-runs-max"));
  EXPECT_EQ(store_->CheckRunsOf("ada", 3), refused);
  EXPECT_TRUE(store_->CheckRunsOf("ada", 4).ok());
  EXPECT_THAT(store_->trouble(), IsEmpty()) << "the store is well";
  EXPECT_TRUE(insert("bob", 3).ok());
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(insert("", 3).ok()) << "nobody has no bound";

  constexpr int kEach = 5, kMax = 7;
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 6; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        const absl::Status status = insert("eve", kMax);
        EXPECT_TRUE(status.ok() || absl::IsResourceExhausted(status)) << status;
        if (status.ok()) ++taken;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, kMax);
  EXPECT_EQ(Of(*store_, "eve"), std::uint64_t{kMax});
}

TEST_P(StoreContract, WhoIsOverHisBoundLosesHisOwnOldest) {
  const std::uint64_t of_bob = Add(*store_, "bob"), kept = Add(*store_, "ada", /*pinned=*/true);
  const std::uint64_t oldest = Add(*store_, "ada"), newest = Add(*store_, "ada");
  EXPECT_EQ(*store_->RetireRuns({.submitter = "ada", .submitter_runs_max = 3, .runs_max = 4}), 0u);
  EXPECT_EQ(*store_->RetireRuns({.submitter = "ada", .submitter_runs_max = 2, .runs_max = 3}), 1u) << "which is room for all";
  EXPECT_FALSE((*store_->FindRun(oldest)).has_value());
  for (const std::uint64_t id : {of_bob, kept, newest}) EXPECT_TRUE((*store_->FindRun(id)).has_value()) << id;
  EXPECT_EQ(*store_->RetireRuns({.submitter = "ada", .submitter_runs_max = 0, .runs_max = 0}), 1u)
      << "with his pinned one he has no room, and bob does not pay for that";
  EXPECT_EQ(Of(*store_, "bob"), 1u);
  EXPECT_EQ(Of(*store_, "ada"), 1u);
}

TEST_P(StoreContract, WhoHasTheMostMakesRoomForOthers) {
  AddMany(*store_, "ada", 2);
  AddMany(*store_, "bob", 6);
  AddMany(*store_, "", 4);
  EXPECT_EQ(*store_->RetireRuns({.submitter = "ada", .runs_max = 11}), 1u);
  EXPECT_EQ(Of(*store_, "bob"), 5u);
  EXPECT_EQ(*store_->RetireRuns({.submitter = "", .runs_max = 10}), 1u);
  EXPECT_EQ(Of(*store_, ""), 3u) << "with one more he would have as many as bob: it is he who loses one";
  EXPECT_EQ(*store_->RetireRuns({.submitter = "eve", .runs_max = 6}), 4u);
  EXPECT_EQ(Of(*store_, "bob"), 2u);
  EXPECT_EQ(Of(*store_, ""), 2u);
  EXPECT_EQ(Of(*store_, "ada"), 2u);
}

TEST_P(StoreContract, PinsOfOneCostOthersNothing) {
  AddMany(*store_, "bob", 6, 6);
  AddMany(*store_, "ada", 3);
  EXPECT_EQ(*store_->RetireRuns({.submitter = "bob", .runs_max = 8}), 0u) << "ada has fewer";
  EXPECT_EQ(Of(*store_, "ada"), 3u);
  EXPECT_EQ(*store_->RetireRuns({.submitter = "ada", .runs_max = 8}), 1u) << "her own, as all of bob's are pinned";
  EXPECT_EQ(Of(*store_, "ada"), 2u);
  EXPECT_EQ(*store_->RetireRuns({.submitter = "eve", .runs_max = 7}), 1u) << "who has none yet";
  EXPECT_EQ(Of(*store_, "ada"), 1u);
  EXPECT_EQ(*store_->RetireRuns({.submitter = "eve", .runs_max = 6}), 0u) << "she would have as many as ada";
}

}  // namespace
}  // namespace alloclab::server

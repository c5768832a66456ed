// The contract of every store (testing/store_contract.h).
#include "server/testing/store_contract.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "server/store/id_source.h"
#include "server/store/run_codec.h"
#include "server/testing/store_samples.h"

namespace alloclab::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST_P(StoreContract, KeepsRunsAsTheyAre) {
  server::Run run = SampleRun(7);
  run.request.config.parameters = {{"heap.engine", "literal"}};
  run.request.digest_at = "1/2";
  run.request.label = "\xc3\xa9 'and' \\\"more\\\"";
  const auto id = store_->InsertRun(run, "once", "print");
  ASSERT_TRUE(id.ok()) << id.status();
  const auto queued = store_->FindRun(*id);
  ASSERT_TRUE(queued.ok() && queued->has_value()) << queued.status();
  EXPECT_EQ((*queued)->state, RunState::kQueued);
  const server::Run ended = EndedSample(7, *id, 5000);
  ASSERT_TRUE(store_->FinishRun(ended).ok());
  Reopen();
  const auto found = store_->FindRun(*id);
  ASSERT_TRUE(found.ok() && found->has_value()) << found.status();
  EXPECT_EQ((*found)->state, RunState::kSucceeded);
  EXPECT_EQ(EncodeRequest((*found)->request).request, EncodeRequest(run.request).request);
  EXPECT_EQ(EncodeResult((*found)->result), EncodeResult(ended.result));
  EXPECT_EQ((*found)->submit_time, run.submit_time);
  EXPECT_EQ((*found)->end_time, ended.end_time);
  EXPECT_EQ((*found)->operations_done, 1000u);
  EXPECT_FALSE((*store_->FindRun(*id + 1)).has_value());
  EXPECT_FALSE((*store_->FindRun(UINT64_MAX)).has_value());
}

TEST_P(StoreContract, ErrorsAreCutAndNeedNotBeText) {
  server::Run run = EndedSample(1, *store_->InsertRun(SampleRun(1), "", ""), 0);
  run.state = RunState::kFailed;
  run.result.reset();
  run.error = "\xff\xfe" + std::string(5000, 'x');
  ASSERT_TRUE(store_->FinishRun(run).ok());
  EXPECT_EQ((*store_->FindRun(run.id))->error, run.error.substr(0, 1024));
}

TEST_P(StoreContract, ADeletedRunNeedsNoEnd) {
  const std::uint64_t id = *store_->InsertRun(SampleRun(1), "", "");
  ASSERT_TRUE(store_->DeleteRun(id).ok());
  EXPECT_TRUE(store_->FinishRun(EndedSample(1, id, 100)).ok());
  EXPECT_FALSE((*store_->FindRun(id)).has_value());
  EXPECT_TRUE(store_->DeleteRun(id).ok()) << "again";
}

TEST_P(StoreContract, ARunThatHasNotEndedCannotBeFinished) {
  EXPECT_DEATH(static_cast<void>(store_->FinishRun(SampleRun(1))), "Ended");
}

TEST_P(StoreContract, RequestIdsAreUniqueAndIdsAreNotReused) {
  const auto first = store_->InsertRun(SampleRun(1), "once", "print");
  ASSERT_TRUE(first.ok());
  const auto earlier = store_->FindSubmission("once");
  ASSERT_TRUE(earlier.ok() && earlier->has_value()) << earlier.status();
  EXPECT_EQ((*earlier)->run, *first);
  EXPECT_EQ((*earlier)->fingerprint, "print");
  EXPECT_FALSE((*store_->FindSubmission("twice")).has_value());
  EXPECT_TRUE(absl::IsAlreadyExists(store_->InsertRun(SampleRun(2), "once", "print").status()));
  EXPECT_EQ(*store_->CountRuns(), 1u);
  ASSERT_TRUE(store_->DeleteRun(*first).ok());
  Reopen();
  EXPECT_GT(*store_->InsertRun(SampleRun(1), "once", "print"), *first);
}

TEST_P(StoreContract, ListsTheNewestFirstWithoutResults) {
  std::vector<std::uint64_t> ids;
  for (std::uint64_t i = 1; i <= 5; ++i) ids.push_back(*store_->InsertRun(SampleRun(i), "", ""));
  ASSERT_TRUE(store_->FinishRun(EndedSample(4, ids[3], 100)).ok());
  const auto page = store_->ListRuns(ids[4], 2);
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_THAT(page->runs, SizeIs(2));
  EXPECT_EQ(page->runs[0].id, ids[3]);
  EXPECT_EQ(page->runs[1].id, ids[2]);
  EXPECT_EQ(page->runs[0].result, nullptr);
  EXPECT_EQ(page->runs[0].summary->replay_ns(), 5u);
  EXPECT_THAT(store_->ListRuns(INT64_MAX, 10)->runs, SizeIs(5));
  EXPECT_THAT(store_->ListRuns(ids[0], 10)->runs, IsEmpty());
}

TEST_P(StoreContract, ListsHaveNoPhases) {
  server::Run run = SampleRun(1);
  WorkloadSpec spec;
  spec.name = "a name";
  for (int i = 0; i < 1000; ++i) {
    spec.phases.emplace_back();
    spec.phases.back().name = std::string(128, 'p');
    spec.phases.back().operations = 10;
  }
  run.request.workload = spec;
  const auto id = store_->InsertRun(run, "", "");
  ASSERT_TRUE(id.ok());
  const auto list = store_->ListRuns(INT64_MAX, 1);
  EXPECT_EQ(std::get<WorkloadSpec>(list->runs[0].request.workload).name, "a name");
  EXPECT_TRUE(std::get<WorkloadSpec>(list->runs[0].request.workload).phases.empty());
  EXPECT_EQ(std::get<WorkloadSpec>((*store_->FindRun(*id))->request.workload).phases.size(), 1000u);
}

TEST_P(StoreContract, RetiresTheOldestThatEnded) {
  std::vector<std::uint64_t> ids;
  for (std::uint64_t i = 1; i <= 6; ++i) {
    ids.push_back(*store_->InsertRun(SampleRun(i), "", ""));
    if (i == 2) continue;  // goes on
    server::Run run = EndedSample(i, ids.back(), 0);
    run.end_time = absl::FromUnixSeconds(static_cast<std::int64_t>(1000 + i));
    ASSERT_TRUE(store_->FinishRun(run).ok());
  }
  EXPECT_EQ(*store_->RetireRuns({.runs_max = 6}), 0u);
  EXPECT_EQ(*store_->RetireRuns({.before = absl::FromUnixSeconds(1003), .runs_max = 6}), 1u) << "by age";
  EXPECT_EQ(*store_->RetireRuns({.runs_max = 3}), 2u) << "by number";
  std::vector<std::uint64_t> left;
  const auto list = store_->ListRuns(INT64_MAX, 10);
  for (const server::Run& run : list->runs) left.push_back(run.id);
  EXPECT_THAT(left, ElementsAre(ids[5], ids[4], ids[1]));
}

TEST_P(StoreContract, RetiresByOwner) {
  std::map<std::string, std::uint64_t> ids;
  const auto add = [&](const std::string& owner, const std::string& what, std::int64_t end) {
    server::Run run = SampleRun(1);
    run.request.owner = owner;
    const std::uint64_t id = *store_->InsertRun(run, "", "");
    run = EndedSample(1, id, 100);
    run.end_time = absl::FromUnixSeconds(end);
    EXPECT_TRUE(store_->FinishRun(run).ok());
    ids[what] = id;
  };
  for (const char* owner : {"", "ada", "bob", "eve"}) {
    add(owner, std::string(owner) + " old", 1000);
    add(owner, std::string(owner) + " new", 3000);
  }
  add("ada", "ada pinned", 500);
  ASSERT_TRUE(store_->UpdateRun(ids["ada pinned"], {.label = {}, .pinned = true}).ok());
  server::Run waits = SampleRun(1);
  waits.request.owner = "ada";
  ids["ada waits"] = *store_->InsertRun(waits, "", "");
  const Retention retention{.before = absl::FromUnixSeconds(2000),
                            .before_of = {{"ada", absl::FromUnixSeconds(4000)}, {"bob", absl::InfinitePast()}}};
  EXPECT_EQ(*store_->RetireRuns(retention), 4u);
  EXPECT_EQ(*store_->RetireRuns(retention), 0u) << "again";
  for (const auto& [what, id] : ids) {
    const bool gone = what == "ada old" || what == "ada new" || what == " old" || what == "eve old";
    EXPECT_EQ((*store_->FindRun(id)).has_value(), !gone) << what;
  }
}

TEST_P(StoreContract, RunsAreRelabelledAndPinned) {
  std::vector<std::uint64_t> ids;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    ids.push_back(*store_->InsertRun(SampleRun(i), fmt::format("request {}", i), "print"));
    server::Run run = EndedSample(i, ids.back(), 100);
    run.end_time = absl::FromUnixSeconds(static_cast<std::int64_t>(1000 + i));
    ASSERT_TRUE(store_->FinishRun(run).ok());
  }
  const server::Run before = **store_->FindRun(ids[0]);
  ASSERT_TRUE(store_->UpdateRun(ids[0], {.label = "anew", .pinned = true}).ok());
  ASSERT_TRUE(store_->UpdateRun(ids[1], {.label = std::nullopt, .pinned = true}).ok());
  ASSERT_TRUE(store_->UpdateRun(ids[2] + 100, {.label = "of none", .pinned = true}).ok());
  Reopen();
  const server::Run changed = **store_->FindRun(ids[0]);
  EXPECT_EQ(changed.request.label, "anew");
  EXPECT_TRUE(changed.pinned);
  EXPECT_EQ(EncodeResult(changed.result), EncodeResult(before.result));
  EXPECT_EQ(changed.request.owner, before.request.owner);
  EXPECT_EQ((*store_->FindRun(ids[1]))->request.label, SampleRun(2).request.label);
  EXPECT_EQ((*store_->FindSubmission("request 1"))->run, ids[0]) << "the row is whole";
  const auto list = store_->ListRuns(INT64_MAX, 10);
  ASSERT_THAT(list->runs, SizeIs(3));
  EXPECT_FALSE(list->runs[0].pinned);
  EXPECT_TRUE(list->runs[2].pinned);
  EXPECT_EQ(list->runs[2].request.label, "anew");
  EXPECT_EQ(*store_->RetireRuns({.before = absl::FromUnixSeconds(9999), .runs_max = 0}), 1u) << "none that is pinned";
  ASSERT_TRUE(store_->UpdateRun(ids[1], {.label = "", .pinned = false}).ok());
  EXPECT_EQ((*store_->FindRun(ids[1]))->request.label, "");
  EXPECT_EQ(*store_->RetireRuns({.runs_max = 0}), 1u);
  ASSERT_TRUE(store_->DeleteRun(ids[0]).ok()) << "who wants to delete it may";
  EXPECT_EQ(*store_->CountRuns(), 0u);
}

TEST_P(StoreContract, TracesAreKeptOnceAndTheLastIsTheNewest) {
  const StoredTrace first = SampleTrace(1, 100), second = SampleTrace(2, 3000);
  ASSERT_TRUE(store_->PutTrace(first).ok());
  ASSERT_TRUE(store_->PutTrace(second).ok());
  StoredTrace again = first;
  again.name = std::string("\xff of another name\0", 18);
  again.content = std::string("\x1f\x8b\0", 3);
  ASSERT_TRUE(store_->PutTrace(again).ok());
  Reopen();
  const auto found = store_->FindTrace(first.sha256);
  ASSERT_TRUE(found.ok() && found->has_value()) << found.status();
  EXPECT_EQ((*found)->content, again.content);
  EXPECT_EQ((*found)->name, again.name);
  EXPECT_EQ((*found)->upload_time, again.upload_time);
  EXPECT_THAT((*store_->FindTraceInfo(first.sha256))->content, IsEmpty());
  EXPECT_EQ((*store_->FindTraceInfo(second.sha256))->bytes, second.content.size());
  EXPECT_EQ(*store_->TraceBytes(), 3u + second.content.size());
  const auto list = store_->ListTraces(INT64_MAX, 10);
  ASSERT_THAT(list->traces, SizeIs(2));
  EXPECT_EQ(list->traces[0].name, again.name) << "it is the newest now";
  EXPECT_THAT(store_->ListTraces(list->traces[0].id, 10)->traces, SizeIs(1));
  ASSERT_TRUE(store_->DeleteTrace(first.sha256).ok());
  EXPECT_FALSE((*store_->FindTrace(first.sha256)).has_value());
  EXPECT_FALSE((*store_->FindTrace("other")).has_value());
}

TEST_P(StoreContract, TracesHaveOwners) {
  StoredTrace of_ada = SampleTrace(1, 100), of_nobody = SampleTrace(2, 3000);
  of_ada.owner = "ada";
  ASSERT_TRUE(store_->PutTrace(of_ada).ok());
  ASSERT_TRUE(store_->PutTrace(of_nobody).ok());
  Reopen();
  EXPECT_EQ((*store_->FindTrace(of_ada.sha256))->owner, "ada");
  EXPECT_EQ((*store_->FindTraceInfo(of_ada.sha256))->owner, "ada");
  EXPECT_EQ((*store_->FindTraceInfo(of_nobody.sha256))->owner, "");
  EXPECT_EQ(store_->ListTraces(INT64_MAX, 10)->traces[1].owner, "ada");
  EXPECT_EQ(*store_->TraceBytesOf("ada"), of_ada.content.size());
  EXPECT_EQ(*store_->TraceBytesOf("bob"), 0u);
  ASSERT_TRUE(store_->PutTrace(of_ada).ok()) << "again";
  EXPECT_EQ(*store_->TraceBytesOf("ada"), of_ada.content.size());
  ASSERT_TRUE(store_->DeleteTrace(of_ada.sha256).ok());
  EXPECT_EQ(*store_->TraceBytesOf("ada"), 0u);
  of_ada.owner = "";
  ASSERT_TRUE(store_->PutTrace(of_ada).ok());
  EXPECT_EQ((*store_->FindTraceInfo(of_ada.sha256))->owner, "") << "a deleted trace has no owner";
}

TEST_P(StoreContract, ATraceStaysItsFirstOwners) {
  StoredTrace trace = SampleTrace(1, 100);
  trace.owner = "ada";
  ASSERT_TRUE(store_->PutTrace(trace).ok());
  for (const char* other : {"bob", ""}) {
    StoredTrace again = trace;
    again.owner = other;
    again.name = "another name";
    again.content = "another content";
    EXPECT_TRUE(store_->PutTraceWithin(again, 20).ok()) << "nothing of it is " << other << "'s";
    const StoredTrace kept = **store_->FindTrace(trace.sha256);
    EXPECT_EQ(kept.owner, "ada");
    EXPECT_EQ(kept.name, trace.name);
    EXPECT_EQ(kept.content, trace.content);
  }
  StoredTrace of_nobody = SampleTrace(2, 100);
  ASSERT_TRUE(store_->PutTrace(of_nobody).ok());
  of_nobody.owner = "ada";
  ASSERT_TRUE(store_->PutTrace(of_nobody).ok());
  EXPECT_EQ((*store_->FindTraceInfo(of_nobody.sha256))->owner, "");
}

TEST_P(StoreContract, ATraceIsPassedOn) {
  StoredTrace trace = SampleTrace(1, 100);
  trace.owner = "ada";
  ASSERT_TRUE(store_->PutTrace(trace).ok());
  ASSERT_TRUE(store_->GiveTrace(trace.sha256, "bob").ok());
  EXPECT_TRUE(store_->GiveTrace("of none", "bob").ok());
  Reopen();
  EXPECT_EQ((*store_->FindTrace(trace.sha256))->owner, "bob");
  EXPECT_EQ((*store_->FindTrace(trace.sha256))->content, trace.content);
  EXPECT_EQ(*store_->TraceBytesOf("ada"), 0u);
  EXPECT_EQ(*store_->TraceBytesOf("bob"), trace.content.size());
  ASSERT_TRUE(store_->GiveTrace(trace.sha256, "").ok());
  EXPECT_EQ((*store_->FindTraceInfo(trace.sha256))->owner, "");
}

TEST_P(StoreContract, AnOwnerHasABoundThatNothingExceeds) {
  const auto put = [&](std::uint64_t number, const std::string& owner, std::size_t bytes, std::uint64_t max) {
    StoredTrace trace = SampleTrace(number, 0);
    trace.content = std::string(bytes, 'x');
    trace.owner = owner;
    return store_->PutTraceWithin(trace, max);
  };
  ASSERT_TRUE(put(1, "ada", 60, 100).ok());
  ASSERT_TRUE(put(1, "ada", 100, 100).ok()) << "in place of the first";
  const absl::Status refused = put(2, "ada", 1, 100);
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_THAT(
      std::string(refused.message()),
      HasSubstr("ada has 100 bytes of traces and programs in the store, and 1 more are over the 100 that one may have"));
  EXPECT_EQ(store_->CheckRoomOf("ada", 1, 100), refused);
  EXPECT_TRUE(store_->CheckRoomOf("ada", 0, 100).ok());
  EXPECT_FALSE((*store_->FindTrace("digest 2")).has_value());
  EXPECT_THAT(store_->trouble(), IsEmpty()) << "the store is well";
  EXPECT_TRUE(absl::IsResourceExhausted(put(2, "bob", 101, 100)));
  EXPECT_TRUE(put(2, "", 101, 100).ok()) << "nobody has no bound";
  EXPECT_TRUE(put(3, "bob", 100, 100).ok());

  constexpr std::uint64_t kEach = 5, kMax = 70;
  std::atomic<std::uint64_t> taken{0};
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < 6; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::uint64_t i = 0; i < kEach; ++i) {
        const absl::Status status = put(100 + thread * kEach + i, "eve", 10, kMax);
        EXPECT_TRUE(status.ok() || absl::IsResourceExhausted(status)) << status;
        if (status.ok()) ++taken;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, kMax / 10);
  EXPECT_EQ(*store_->TraceBytesOf("eve"), kMax);
}

TEST_P(StoreContract, LargeTracesComeBackWhole) {
  const StoredTrace trace = SampleTrace(3, 20 << 20);
  ASSERT_TRUE(store_->PutTrace(trace).ok());
  EXPECT_EQ((*store_->FindTrace(trace.sha256))->content, trace.content);
}

TEST_P(StoreContract, InstanceIdsNeverRepeatAcrossCrashes) {
  std::uint64_t last = 0;
  for (int life = 0; life < 3; ++life) {
    Reopen();
    IdSource ids(*store_);
    for (int i = 0; i < 1500; ++i) {
      const auto id = ids.Next();
      ASSERT_TRUE(id.ok());
      ASSERT_GT(*id, last);
      last = *id;
    }
  }
}

TEST_P(StoreContract, ADamagedRowIsNamedAndNeverAnAnswer) {
  for (const char* column : {"request", "error", "summary", "phases", "result"}) {
    server::Run run = SampleRun(1);
    run.request.workload = WorkloadSpec{"a", 1, {{.name = "only", .operations = 10, .live_blocks = 1, .size = {}}}};
    server::Run ended = EndedSample(1, *store_->InsertRun(run, column, "print"), 100);
    ended.error = "an error";
    ASSERT_TRUE(store_->FinishRun(ended).ok());
    store_.reset();
    database_->Damage("run", column, ended.id);
    Reopen();
    const auto found = store_->FindRun(ended.id);
    EXPECT_TRUE(absl::IsDataLoss(found.status())) << column << ": " << found.status();
    EXPECT_THAT(std::string(found.status().message()), HasSubstr("run " + std::to_string(ended.id)));
    const bool listed = column == std::string("phases") || column == std::string("result");  // lists do not read these
    EXPECT_THAT(store_->ListRuns(INT64_MAX, 1)->damaged, SizeIs(listed ? 0 : 1)) << column;
    EXPECT_EQ(store_->FindSubmission(column).ok(), listed) << column;
  }
  ASSERT_TRUE(store_->PutTrace(SampleTrace(1, 1000)).ok());
  const std::uint64_t id = store_->ListTraces(INT64_MAX, 1)->traces[0].id;
  store_.reset();
  database_->Damage("trace", "content", id);
  Reopen();
  EXPECT_TRUE(absl::IsDataLoss(store_->FindTrace("digest 1").status()));
  EXPECT_TRUE(store_->FindTraceInfo("digest 1").ok());
  store_.reset();
  database_->Damage("trace", "name", id);
  Reopen();
  EXPECT_TRUE(absl::IsDataLoss(store_->FindTraceInfo("digest 1").status()));
  EXPECT_THAT(store_->ListTraces(INT64_MAX, 10)->damaged, ElementsAre(id));
}

TEST_P(StoreContract, ThreadsDoNotDisturbEachOther) {
  constexpr int kThreads = 6, kEach = 25;
  std::atomic<int> inserted{0}, taken{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kEach; ++i) {
        const auto id = store_->InsertRun(SampleRun(1), "", "");
        if (id.ok() && store_->FinishRun(EndedSample(1, *id, 300)).ok() && (*store_->FindRun(*id))->result != nullptr)
          ++inserted;
        if (store_->InsertRun(SampleRun(1), "shared " + std::to_string(i), "").ok()) ++taken;
        EXPECT_TRUE(store_->PutTrace(SampleTrace(static_cast<std::uint64_t>(thread % 2), 500)).ok());
        EXPECT_TRUE(store_->ListRuns(INT64_MAX, 20).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(inserted, kThreads * kEach);
  EXPECT_EQ(taken, kEach) << "each request_id once";
  EXPECT_EQ(*store_->CountRuns(), std::uint64_t{kThreads * kEach + kEach});
  EXPECT_THAT(store_->ListTraces(INT64_MAX, 10)->traces, SizeIs(2));
}

}  // namespace
}  // namespace alloclab::server

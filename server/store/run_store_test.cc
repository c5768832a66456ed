#include "server/store/run_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "server/store/id_source.h"
#include "server/store/run_codec.h"
#include "server/testing/full_disk.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

std::unique_ptr<RunStore> Open(const TemporaryDirectory& directory) {
  auto store = RunStore::Open(directory.path());
  EXPECT_TRUE(store.ok()) << store.status();
  return *std::move(store);
}

Run Queued() {
  Run run;
  run.request.workload = BuiltinChoice{"steady-state", 3, 1000};
  run.request.config.ram_bytes = 64 << 20;
  run.request.config.parameters = {{"heap.engine", "literal"}};
  run.request.digest_at = "1/2";
  run.request.label = "a label";
  run.submit_time = absl::FromUnixMicros(1'700'000'000'000'001);
  run.operations_total = 5;
  return run;
}

StoredTrace Trace(std::string content) {
  StoredTrace trace;
  trace.sha256 = "digest";
  trace.name = "a.rep";
  trace.format = "cmu-rep-a";
  trace.operations = 3;
  trace.content = std::move(content);
  return trace;
}

TEST(RunStore, KeepsWhatItIsGiven) {
  const TemporaryDirectory directory;
  auto store = Open(directory);
  server::Run run = Queued();
  const auto id = store->InsertRun(run, "once", "print");
  ASSERT_TRUE(id.ok()) << id.status();
  run.id = *id;
  run.state = RunState::kSucceeded;
  run.end_time = absl::FromUnixMicros(1'700'000'000'000'002);
  run.operations_done = 5;
  v1::RunResult result;
  result.mutable_exact()->set_operations(5);
  run.result = std::make_shared<const v1::RunResult>(result);
  ASSERT_TRUE(store->FinishRun(run).ok());
  store.reset();
  store = Open(directory);
  const auto found = store->FindRun(*id);
  ASSERT_TRUE(found.ok() && found->has_value()) << found.status();
  EXPECT_EQ((*found)->state, RunState::kSucceeded);
  EXPECT_EQ(EncodeRequest((*found)->request).request, EncodeRequest(run.request).request);
  ASSERT_TRUE((*found)->result);
  EXPECT_EQ((*found)->result->exact().operations(), 5u);
  EXPECT_EQ((*found)->submit_time, run.submit_time);
  EXPECT_EQ((*found)->end_time, run.end_time);
  const auto earlier = store->FindSubmission("once");
  ASSERT_TRUE(earlier.ok() && earlier->has_value());
  EXPECT_EQ((*earlier)->run, *id);
  EXPECT_EQ((*earlier)->fingerprint, "print");
  EXPECT_FALSE(store->FindSubmission("twice")->has_value());
  EXPECT_FALSE(store->ListRuns(*id + 1, 1)->runs[0].result) << "lists have no results";
}

TEST(RunStore, ARunThatHasNotEndedCannotBeFinished) {
  const TemporaryDirectory directory;
  const auto store = Open(directory);
  EXPECT_DEATH(static_cast<void>(store->FinishRun(Queued())), "Ended");
}

TEST(RunCodec, BytesThatAreNotOursAreABrokenStore) {
  EXPECT_TRUE(absl::IsInternal(DecodeRequest({"\xff", ""}).status()));
  EXPECT_TRUE(absl::IsInternal(DecodeListedRequest("\xff").status()));
  EXPECT_TRUE(absl::IsInternal(DecodeRequest({"", ""}).status())) << "a request always has a workload";
  EXPECT_TRUE(absl::IsInternal(DecodeResult("\xff").status()));
  EXPECT_EQ(*DecodeResult(""), nullptr);
  EXPECT_EQ(EncodeResult(nullptr), "");
}

TEST(RunStore, InterruptsWhatTheLastServerLeft) {
  const TemporaryDirectory directory;
  auto store = Open(directory);
  const auto id = store->InsertRun(Queued(), "", "");
  ASSERT_TRUE(id.ok());
  store.reset();
  store = Open(directory);
  EXPECT_EQ(store->interrupted_at_open(), 1u);
  EXPECT_EQ((*store->FindRun(*id))->state, RunState::kInterrupted);
  store.reset();
  EXPECT_EQ(Open(directory)->interrupted_at_open(), 0u);
}

TEST(RunStore, RefusesASecondServer) {
  const TemporaryDirectory directory;
  const auto store = Open(directory);
  const auto second = RunStore::Open(directory.path());
  EXPECT_TRUE(absl::IsFailedPrecondition(second.status()));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("in use by another server (process"));
}

TEST(RunStore, TheLockIsNotAFileThatCanBeRemoved) {
  const TemporaryDirectory directory;
  const auto store = Open(directory);
  std::filesystem::remove(directory.path() / "lock");
  EXPECT_THAT(std::string(RunStore::Open(directory.path()).status().message()),
              HasSubstr("in use by another server (an unknown process"));
}

TEST(RunStore, TheDatabaseItselfIsLocked) {
  const TemporaryDirectory directory, other;
  const auto store = Open(directory);
  std::filesystem::create_hard_link(directory.path() / "alloclab.db", other.path() / "alloclab.db");
  EXPECT_THAT(std::string(RunStore::Open(other.path()).status().message()), HasSubstr("in use by another server"));
  ASSERT_TRUE(store->InsertRun(Queued(), "", "").ok());
}

TEST(RunStore, RetiresTheOldestThatEnded) {
  const TemporaryDirectory directory;
  const auto store = Open(directory);
  for (std::uint64_t i = 1; i <= 6; ++i) {
    auto run = Queued();
    ASSERT_EQ(*store->InsertRun(run, "", ""), i);
    if (i == 2) continue;  // goes on
    run.id = i;
    run.state = RunState::kFailed;
    run.end_time = absl::FromUnixSeconds(static_cast<std::int64_t>(1000 + i));
    ASSERT_TRUE(store->FinishRun(run).ok());
  }
  EXPECT_EQ(*store->RetireRuns(absl::InfinitePast(), 6), 0u);
  EXPECT_EQ(*store->RetireRuns(absl::FromUnixSeconds(1003), 6), 1u) << "by age";
  EXPECT_EQ(*store->RetireRuns(absl::InfinitePast(), 3), 2u) << "by number";
  const auto list = store->ListRuns(INT64_MAX, 10);
  ASSERT_THAT(list->runs, SizeIs(3));
  EXPECT_EQ(list->runs[0].id, 6u);
  EXPECT_EQ(list->runs[1].id, 5u);
  EXPECT_EQ(list->runs[2].id, 2u);
}

TEST(RunStore, ListsHaveNoPhases) {
  const TemporaryDirectory directory;
  const auto store = Open(directory);
  auto run = Queued();
  WorkloadSpec spec;
  spec.name = "a name";
  for (int i = 0; i < 1000; ++i) {
    spec.phases.emplace_back();
    spec.phases.back().name = std::string(128, 'p');
    spec.phases.back().operations = 10;
  }
  run.request.workload = spec;
  const auto id = store->InsertRun(run, "", "");
  ASSERT_TRUE(id.ok());
  const auto list = store->ListRuns(INT64_MAX, 1);
  EXPECT_EQ(std::get<WorkloadSpec>(list->runs[0].request.workload).name, "a name");
  EXPECT_TRUE(std::get<WorkloadSpec>(list->runs[0].request.workload).phases.empty());
  EXPECT_EQ(std::get<WorkloadSpec>((*store->FindRun(*id))->request.workload).phases.size(), 1000u);
}

TEST(RunStore, DeletedTracesGiveTheirRoomBackToTheDisk) {
  const TemporaryDirectory directory;
  auto store = Open(directory);
  ASSERT_TRUE(store->PutTrace(Trace(std::string(20 << 20, 'x'))).ok());
  store.reset();
  const auto full = std::filesystem::file_size(directory.path() / "alloclab.db");
  store = Open(directory);
  ASSERT_TRUE(store->DeleteTrace("digest").ok());
  EXPECT_FALSE(store->FindTraceInfo("digest")->has_value());
  EXPECT_EQ(*store->TraceBytes(), 0u);
  store.reset();
  EXPECT_GT(full, 20u << 20);
  EXPECT_LT(std::filesystem::file_size(directory.path() / "alloclab.db"), 16u << 20);
}

TEST(RunStore, NobodyElseCanReadIt) {
  using std::filesystem::perms;
  const auto mode = [](const std::filesystem::path& path) { return std::filesystem::status(path).permissions(); };
  const TemporaryDirectory directory;
  const std::filesystem::path data = directory.path() / "a" / "data";
  for (int life = 0; life < 2; ++life) {
    const auto store = *RunStore::Open(data);
    ASSERT_TRUE(store->InsertRun(Queued(), "", "").ok());
    EXPECT_EQ(mode(data), perms::owner_all);
    for (const char* file : {"alloclab.db", "alloclab.db-wal", "alloclab.db-shm", "ends", "lock", "reserve"}) {
      EXPECT_EQ(mode(data / file), perms::owner_read | perms::owner_write) << file;
    }
    std::filesystem::permissions(data / "alloclab.db", perms::owner_read | perms::owner_write | perms::others_read);
  }
}

TEST(RunStore, RefusesANewerSchemaAndWhatIsNoDatabase) {
  const TemporaryDirectory directory;
  Open(directory).reset();
  {
    auto database = Database::Open(directory.path() / "alloclab.db", Database::Mode::kReadWrite);
    ASSERT_TRUE(database.ok());
    ASSERT_TRUE(Database::Session(**database).Execute("PRAGMA user_version = 99").ok());
  }
  EXPECT_THAT(std::string(RunStore::Open(directory.path()).status().message()), HasSubstr("newer server (schema 99"));
  const TemporaryDirectory broken;
  std::FILE* file = std::fopen((broken.path() / "alloclab.db").c_str(), "w");
  for (int i = 0; i < 1000; ++i) std::fputs("this is no database ", file);
  std::fclose(file);
  EXPECT_THAT(std::string(RunStore::Open(broken.path()).status().message()), HasSubstr("alloclab.db"));
}

TEST(RunStore, RefusesADirectoryThatCannotBe) {
  const TemporaryDirectory directory;
  std::fclose(std::fopen((directory.path() / "file").c_str(), "w"));
  const auto store = RunStore::Open(directory.path() / "file" / "data");
  EXPECT_THAT(std::string(store.status().message()), HasSubstr("--data-dir"));
}

TEST(RunStore, RequestIdsAreUniqueAndIdsAreNotReused) {
  const TemporaryDirectory directory;
  auto store = Open(directory);
  const auto first = store->InsertRun(Queued(), "once", "print");
  ASSERT_TRUE(first.ok());
  EXPECT_FALSE(store->InsertRun(Queued(), "once", "print").ok());
  ASSERT_TRUE(store->DeleteRun(*first).ok());
  store.reset();
  store = Open(directory);
  EXPECT_GT(*store->InsertRun(Queued(), "once", "print"), *first);
}

TEST(RunStore, ListsNewestFirst) {
  const TemporaryDirectory directory;
  const auto store = Open(directory);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(store->InsertRun(Queued(), "", "").ok());
  const auto runs = store->ListRuns(5, 2);
  ASSERT_TRUE(runs.ok());
  ASSERT_THAT(runs->runs, SizeIs(2));
  EXPECT_EQ(runs->runs[0].id, 4u);
  EXPECT_EQ(*store->CountRuns(), 5u);
}

TEST(RunStore, TracesAreKeptOnce) {
  const TemporaryDirectory directory;
  const auto store = Open(directory);
  const StoredTrace trace = Trace(std::string("\x1f\x8b\0", 3));
  ASSERT_TRUE(store->PutTrace(trace).ok());
  ASSERT_TRUE(store->PutTrace(trace).ok());
  EXPECT_EQ((*store->FindTrace("digest"))->content, trace.content);
  EXPECT_TRUE((*store->FindTraceInfo("digest"))->content.empty());
  EXPECT_EQ(*store->TraceBytes(), 3u);
  EXPECT_FALSE(store->FindTrace("other")->has_value());
}

TEST(IdSource, NeverRepeatsAcrossCrashes) {
  const TemporaryDirectory directory;
  std::uint64_t last = 0;
  for (int life = 0; life < 3; ++life) {
    const auto store = Open(directory);
    IdSource ids(*store);
    for (int i = 0; i < 1500; ++i) {
      const auto id = ids.Next();
      ASSERT_TRUE(id.ok());
      ASSERT_GT(*id, last);
      last = *id;
    }
  }
}

TEST(RunStore, FullDiskIsAClearErrorAndChangesNothing) {
  const TemporaryDirectory directory;
  const auto store = Open(directory);
  const auto kept = store->InsertRun(Queued(), "", "");
  ASSERT_TRUE(kept.ok());
  const StoredTrace trace = Trace(std::string(1 << 20, 'x'));
  {
    const FullDisk full(256 << 10);
    const absl::Status status = store->PutTrace(trace);
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("free some disk space"));
    EXPECT_FALSE((*store->FindTraceInfo("digest")).has_value());
    EXPECT_TRUE((*store->FindRun(*kept)).has_value());
  }
  EXPECT_TRUE(store->PutTrace(trace).ok());
}

}  // namespace
}  // namespace alloclab::server

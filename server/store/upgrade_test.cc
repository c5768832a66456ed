// A database of an older schema becomes one of this schema with the same runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/converters/deterministic.h"
#include "server/converters/run_converter.h"
#include "server/store/run_codec.h"
#include "server/store/schema.h"
#include "server/store/sqlite_store.h"
#include "server/store/store_doctor.h"
#include "server/testing/store_samples.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

constexpr const char* kFirstSchema = R"sql(
  PRAGMA journal_mode = WAL;
  CREATE TABLE run (id INTEGER PRIMARY KEY AUTOINCREMENT, state INTEGER NOT NULL, request BLOB NOT NULL, request_id TEXT UNIQUE,
    fingerprint TEXT NOT NULL, submit_ns INTEGER NOT NULL, end_ns INTEGER, operations_done INTEGER NOT NULL,
    operations_total INTEGER NOT NULL, error TEXT NOT NULL DEFAULT '', result BLOB NOT NULL DEFAULT x'');
  CREATE TABLE trace (sha256 TEXT PRIMARY KEY, name TEXT NOT NULL, format TEXT NOT NULL, operations INTEGER NOT NULL,
    bytes INTEGER NOT NULL, content BLOB NOT NULL);
  CREATE TABLE next_instance_id (value INTEGER NOT NULL);
  INSERT INTO next_instance_id VALUES (4097);
  INSERT INTO trace VALUES ('digest 1', 'a.rep', 'cmu-rep-a', 3, 3, x'616263');
  INSERT INTO sqlite_sequence VALUES ('run', 9);
  PRAGMA user_version = 1;
)sql";

void InsertOld(sqlite3* connection, std::uint64_t id, const std::string& request_id, const std::string& request,
               const std::string& result) {
  ASSERT_TRUE(Statement(connection, "INSERT INTO run VALUES (?, ?, ?, nullif(?, ''), 'print', 5, 6, 7, 8, '', ?)")
                  .Bind(id)
                  .Bind(result.empty() ? std::uint64_t{1} : std::uint64_t{3})
                  .BindBlob(request)
                  .Bind(request_id)
                  .BindBlob(result)
                  .Run()
                  .ok());
}

TEST(Upgrade, KeepsRunsTracesAndCounters) {
  const TemporaryDirectory directory;
  const std::filesystem::path file = directory.path() / "alloclab.db";
  const auto ended = EndedSample(1, 2, 5000);
  v1::SubmitRunRequest with_spec = ToProto(ended.request);
  v1::WorkloadSpec& spec = *with_spec.mutable_workload()->mutable_spec();
  spec.set_name("two phases");
  for (int i = 0; i < 2; ++i) {
    v1::Phase& phase = *spec.add_phases();
    phase.set_operations(100);
    phase.set_live_blocks(10);
    phase.mutable_size()->set_fixed(16);
  }
  sqlite3* connection = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &connection), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(connection, kFirstSchema, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(connection);
  InsertOld(connection, 2, "once", SerializeDeterministic(ToProto(ended.request)), EncodeResult(ended.result));
  InsertOld(connection, 5, "", SerializeDeterministic(with_spec), "");
  sqlite3_close(connection);
  ASSERT_TRUE(IsFirstSchema(file));
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckStore(directory.path()).status()));

  for (int life = 0; life < 2; ++life) {
    const auto opened = SqliteStore::Open(directory.path());
    ASSERT_TRUE(opened.ok()) << opened.status();
    SqliteStore& store = **opened;
    EXPECT_EQ(store.interrupted_at_open(), life == 0 ? 1u : 0u);
    EXPECT_EQ(EncodeResult((*store.FindRun(2))->result), EncodeResult(ended.result));
    EXPECT_EQ(std::get<WorkloadSpec>((*store.FindRun(5))->request.workload).phases.size(), 2u);
    const auto list = store.ListRuns(INT64_MAX, 10);
    ASSERT_EQ(list->runs.size(), 2u);
    EXPECT_EQ(list->runs[1].summary->replay_ns(), 2u);
    EXPECT_EQ(std::get<WorkloadSpec>(list->runs[0].request.workload).name, "two phases");
    EXPECT_EQ((*store.FindSubmission("once"))->run, 2u);
    EXPECT_EQ((*store.FindTrace("digest 1"))->content, "abc");
    EXPECT_EQ(*store.ReserveInstanceIds(1), 4097u + static_cast<std::uint64_t>(life));
    const auto next = store.InsertRun(SampleRun(1), "", "");
    EXPECT_EQ(*next, life == 0 ? 10u : 11u) << "the ids go on";
    ASSERT_TRUE(store.DeleteRun(*next).ok());
    EXPECT_FALSE(IsFirstSchema(file));
  }
  EXPECT_TRUE(CheckStore(directory.path())->whole());
}

// Version 2 had no owners of traces and no pinned runs, version 3 no index of the runs' owners; all else is as it is now.
TEST(Upgrade, OfVersion2NoRunIsPinnedAndTracesBelongToNobody) {
  const TemporaryDirectory directory;
  const std::filesystem::path file = directory.path() / "alloclab.db";
  {
    const auto store = SqliteStore::Open(directory.path());
    ASSERT_TRUE((*store)->PutTrace(SampleTrace(1, 100)).ok());
    ASSERT_EQ(*(*store)->InsertRun(SampleRun(1), "", ""), 1u);
    ASSERT_TRUE((*store)->FinishRun(EndedSample(1, 1, 100)).ok());
  }
  {
    const auto database = Database::Open(file, Database::Mode::kReadWrite);
    ASSERT_TRUE(
        Database::Session(**database)
            .Execute("DROP TRIGGER known_result_goes; DROP TABLE known_result; DROP TABLE trace_owner; DROP TABLE pinned_run; "
                     "DROP INDEX run_of_owner; PRAGMA user_version = 2")
            .ok());
  }
  for (const bool again : {false, true}) {
    const auto store = SqliteStore::Open(directory.path());
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_EQ((*(*store)->FindTrace("digest 1"))->content, SampleTrace(1, 100).content);
    EXPECT_EQ((*(*store)->FindTrace("digest 1"))->owner, "");
    EXPECT_EQ((*(*store)->FindRun(1))->pinned, again);
    ASSERT_TRUE((*store)->UpdateRun(1, {.label = std::nullopt, .pinned = true}).ok());
    StoredTrace trace = SampleTrace(2, 100);
    trace.owner = "ada";
    ASSERT_TRUE((*store)->PutTrace(trace).ok());
    EXPECT_EQ(*(*store)->TraceBytesOf("ada"), trace.content.size());
  }
  EXPECT_TRUE(CheckStore(directory.path())->whole());
}

TEST(Upgrade, OfVersion3RunsAreCountedByOwner) {
  const TemporaryDirectory directory;
  {
    const auto store = SqliteStore::Open(directory.path());
    for (const char* owner : {"ada", "", "ada"}) {
      server::Run run = SampleRun(1);
      run.request.owner = owner;
      ASSERT_TRUE((*store)->InsertRun(run, "", "").ok());
    }
    ASSERT_TRUE((*store)->UpdateRun(1, {.label = std::nullopt, .pinned = true}).ok());
  }
  {
    const auto database = Database::Open(directory.path() / "alloclab.db", Database::Mode::kReadWrite);
    ASSERT_TRUE(Database::Session(**database).Execute("DROP INDEX run_of_owner; PRAGMA user_version = 3").ok());
  }
  for (const std::uint64_t runs : {2, 3}) {
    const auto store = SqliteStore::Open(directory.path());
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_EQ(*(*store)->CountRunsOf("ada"), runs);
    EXPECT_TRUE((*(*store)->FindRun(1))->pinned);
    server::Run run = SampleRun(1);
    run.request.owner = "ada";
    EXPECT_TRUE((*store)->InsertRun(run, "", "").ok());
  }
  EXPECT_TRUE(CheckStore(directory.path())->whole());
}

}  // namespace
}  // namespace alloclab::server

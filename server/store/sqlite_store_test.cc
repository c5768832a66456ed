#include "server/store/sqlite_store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "server/store/run_codec.h"
#include "server/testing/full_disk.h"
#include "server/testing/store_contract.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;

std::unique_ptr<SqliteStore> Open(const TemporaryDirectory& directory) {
  auto store = SqliteStore::Open(directory.path());
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

class SqliteDatabase final : public TestDatabase {
 public:
  std::unique_ptr<RunStore> Open() override { return server::Open(directory_); }
  void Damage(const std::string& table, const std::string& column, std::uint64_t id) override {
    const auto database = Database::Open(directory_.path() / "alloclab.db", Database::Mode::kReadWrite);
    ASSERT_TRUE(database.ok()) << database.status();
    Database::Session session(**database);
    std::string bytes;
    {
      Statement query = session.Prepare(fmt::format("SELECT {} FROM {} WHERE id = ?", column, table));
      ASSERT_TRUE(query.Bind(id).Step().ok());
      bytes = query.Text(0);
    }
    ASSERT_FALSE(bytes.empty());
    bytes[0] = static_cast<char>(bytes[0] ^ 8);
    Statement update = session.Prepare(fmt::format("UPDATE {} SET {} = ? WHERE id = ?", table, column));
    ASSERT_TRUE(update.BindBlob(bytes).Bind(id).Run().ok());
  }

 private:
  const TemporaryDirectory directory_;
};

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract,
                         testing::Values(StoreKind{"SQLite", [] { return std::make_unique<SqliteDatabase>(); }}), KindName);

TEST(RunCodec, BytesThatAreNotOursAreABrokenStore) {
  EXPECT_TRUE(absl::IsInternal(DecodeRequest({"\xff", ""}).status()));
  EXPECT_TRUE(absl::IsInternal(DecodeListedRequest("\xff").status()));
  EXPECT_TRUE(absl::IsInternal(DecodeRequest({"", ""}).status())) << "a request always has a workload";
  EXPECT_TRUE(absl::IsInternal(DecodeResult("\xff").status()));
  EXPECT_EQ(*DecodeResult(""), nullptr);
  EXPECT_EQ(EncodeResult(nullptr), "");
}

TEST(SqliteStore, InterruptsWhatTheLastServerLeft) {
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

TEST(SqliteStore, RefusesASecondServer) {
  const TemporaryDirectory directory;
  const auto store = Open(directory);
  const auto second = SqliteStore::Open(directory.path());
  EXPECT_TRUE(absl::IsFailedPrecondition(second.status()));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("in use by another server (process"));
}

TEST(SqliteStore, TheLockIsNotAFileThatCanBeRemoved) {
  const TemporaryDirectory directory;
  const auto store = Open(directory);
  std::filesystem::remove(directory.path() / "lock");
  EXPECT_THAT(std::string(SqliteStore::Open(directory.path()).status().message()),
              HasSubstr("in use by another server (an unknown process"));
}

TEST(SqliteStore, TheDatabaseItselfIsLocked) {
  const TemporaryDirectory directory, other;
  const auto store = Open(directory);
  std::filesystem::create_hard_link(directory.path() / "alloclab.db", other.path() / "alloclab.db");
  EXPECT_THAT(std::string(SqliteStore::Open(other.path()).status().message()), HasSubstr("in use by another server"));
  ASSERT_TRUE(store->InsertRun(Queued(), "", "").ok());
}

TEST(SqliteStore, DeletedTracesGiveTheirRoomBackToTheDisk) {
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

TEST(SqliteStore, NobodyElseCanReadIt) {
  using std::filesystem::perms;
  const auto mode = [](const std::filesystem::path& path) { return std::filesystem::status(path).permissions(); };
  const TemporaryDirectory directory;
  const std::filesystem::path data = directory.path() / "a" / "data";
  for (int life = 0; life < 2; ++life) {
    const auto store = *SqliteStore::Open(data);
    ASSERT_TRUE(store->InsertRun(Queued(), "", "").ok());
    EXPECT_EQ(mode(data), perms::owner_all);
    for (const char* file : {"alloclab.db", "alloclab.db-wal", "alloclab.db-shm", "ends", "lock", "reserve"}) {
      EXPECT_EQ(mode(data / file), perms::owner_read | perms::owner_write) << file;
    }
    std::filesystem::permissions(data / "alloclab.db", perms::owner_read | perms::owner_write | perms::others_read);
  }
}

TEST(SqliteStore, RefusesANewerSchemaAndWhatIsNoDatabase) {
  const TemporaryDirectory directory;
  Open(directory).reset();
  {
    auto database = Database::Open(directory.path() / "alloclab.db", Database::Mode::kReadWrite);
    ASSERT_TRUE(database.ok());
    ASSERT_TRUE(Database::Session(**database).Execute("PRAGMA user_version = 99").ok());
  }
  EXPECT_THAT(std::string(SqliteStore::Open(directory.path()).status().message()), HasSubstr("newer server (schema 99"));
  const TemporaryDirectory broken;
  std::FILE* file = std::fopen((broken.path() / "alloclab.db").c_str(), "w");
  for (int i = 0; i < 1000; ++i) std::fputs("this is no database ", file);
  std::fclose(file);
  EXPECT_THAT(std::string(SqliteStore::Open(broken.path()).status().message()), HasSubstr("alloclab.db"));
}

TEST(SqliteStore, RefusesADirectoryThatCannotBe) {
  const TemporaryDirectory directory;
  std::fclose(std::fopen((directory.path() / "file").c_str(), "w"));
  const auto store = SqliteStore::Open(directory.path() / "file" / "data");
  EXPECT_THAT(std::string(store.status().message()), HasSubstr("--data-dir"));
}

TEST(SqliteStore, FullDiskIsAClearErrorAndChangesNothing) {
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

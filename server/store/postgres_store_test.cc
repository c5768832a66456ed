#include "server/store/postgres_store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "server/limits.h"
#include "server/store/postgres_schema.h"
#include "server/testing/postgres_server.h"
#include "server/testing/postgres_test.h"
#include "server/testing/store_contract.h"
#include "server/testing/store_samples.h"

namespace alloclab::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class PostgresDatabase final : public TestDatabase {
 public:
  explicit PostgresDatabase(std::string url) : url_(std::move(url)) {}
  std::unique_ptr<RunStore> Open() override {
    auto store = PostgresStore::Open(url_, {});
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }
  void Damage(const std::string& table, const std::string& column, std::uint64_t id) override {
    const auto connection = PgConnection::Open(url_);
    ASSERT_TRUE(connection.ok()) << connection.status();
    const auto changed = (*connection)
                             ->Execute(fmt::format("UPDATE {} SET {} = set_bit({}, 3, 1 - get_bit({}, 3)) WHERE id = $1", table,
                                                   column, column, column)
                                           .c_str(),
                                       PgValues().Add(id));
    ASSERT_TRUE(changed.ok()) << changed.status();
    ASSERT_EQ(changed->changed(), 1u);
  }

 private:
  const std::string url_;
};

std::unique_ptr<TestDatabase> NewPostgresDatabase() {
  PostgresServer* const server = PostgresServer::Shared();
  return server == nullptr ? nullptr : std::make_unique<PostgresDatabase>(server->NewDatabase());
}

INSTANTIATE_TEST_SUITE_P(Postgres, StoreContract, testing::Values(StoreKind{"PostgreSQL", NewPostgresDatabase}), KindName);

class PostgresStoreTest : public PostgresTest {
 protected:
  std::unique_ptr<PostgresStore> Open() const {
    auto store = PostgresStore::Open(url_, {});
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }
  // What a statement of a test's own says, and the first number of it.
  std::uint64_t Ask(const char* sql) const {
    const auto connection = PgConnection::Open(url_);
    const auto result = (*connection)->Execute(sql);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() && result->rows() > 0 ? result->Int(0, 0) : 0;
  }
};

TEST_F(PostgresStoreTest, RefusesWhatIsNoUrlOfADatabase) {
  const auto why = [](const std::string& url) { return std::string(PostgresStore::Open(url, {}).status().message()); };
  EXPECT_THAT(why("mysql://host/db"), AllOf(HasSubstr("--store: "), HasSubstr("postgresql://alloclab@")));
  EXPECT_THAT(why("postgresql://host/db?nonsense=1"), HasSubstr("nonsense"));
  EXPECT_THAT(why("postgresql://me:secret@host/db"), AllOf(HasSubstr("PGPASSWORD"), Not(HasSubstr("secret"))));
  EXPECT_THAT(why(url_ + "_that_is_not_there"), HasSubstr("does not exist"));
  EXPECT_TRUE(absl::IsUnavailable(PostgresStore::Open("postgresql://127.0.0.1:21099/lab", {}).status()));
}

TEST_F(PostgresStoreTest, RefusesANewerSchema) {
  Open().reset();
  Ask("INSERT INTO migration VALUES (99)");
  const absl::Status refused = PostgresStore::Open(url_, {}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("newer server (schema 99; this one knows 5)"));
}

TEST_F(PostgresStoreTest, ServersThatStartAtOnceMigrateOnce) {
  constexpr int kServers = 8;
  std::vector<std::thread> threads;
  std::atomic<int> opened{0};
  for (int i = 0; i < kServers; ++i) {
    threads.emplace_back([&] {
      const auto store = PostgresStore::Open(url_, {});
      EXPECT_TRUE(store.ok()) << store.status();
      if (store.ok() && (*store)->InsertRun(SampleRun(1), "", "").ok()) ++opened;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(opened, kServers);
  EXPECT_EQ(Ask("SELECT count(*) FROM migration"), kPostgresSchemaVersion);
  EXPECT_EQ(Ask("SELECT count(*) FROM run"), std::uint64_t{kServers});
}

// Version 1 had no owners of traces and no pinned runs; all else of it is as it is now.
TEST_F(PostgresStoreTest, OfVersion1NoRunIsPinnedAndTracesBelongToNobody) {
  std::uint64_t id = 0;
  {
    const auto store = Open();
    id = *store->InsertRun(SampleRun(1), "once", "print");
    ASSERT_TRUE(store->FinishRun(EndedSample(1, id, 100)).ok());
    ASSERT_TRUE(store->PutTrace(SampleTrace(1, 100)).ok());
  }
  Ask("ALTER TABLE trace DROP COLUMN owner");
  Ask("ALTER TABLE run DROP COLUMN pinned, DROP COLUMN run_owner");
  Ask("DROP TABLE known_result");
  Ask("DROP TABLE instance, server");
  Ask("DROP SEQUENCE server_id");
  Ask("DELETE FROM migration WHERE version > 1");
  for (const bool again : {false, true}) {
    const auto store = Open();
    EXPECT_EQ((*store->FindTrace("digest 1"))->content, SampleTrace(1, 100).content);
    EXPECT_EQ((*store->FindTrace("digest 1"))->owner, "");
    const auto run = store->FindRun(id);
    ASSERT_TRUE(run.ok()) << run.status();
    EXPECT_EQ((*run)->pinned, again);
    EXPECT_EQ((*store->FindSubmission("once"))->run, id);
    ASSERT_TRUE(store->UpdateRun(id, {.label = {}, .pinned = true}).ok());
    StoredTrace trace = SampleTrace(2, 100);
    trace.owner = "ada";
    ASSERT_TRUE(store->PutTrace(trace).ok());
    EXPECT_EQ(*store->TraceBytesOf("ada"), trace.content.size());
  }
  EXPECT_EQ(Ask("SELECT max(version) FROM migration"), kPostgresSchemaVersion);
}

// Version 4 had owners of runs in their requests alone.
TEST_F(PostgresStoreTest, OfVersion4RunsAreCountedByOwner) {
  const auto insert = [](PostgresStore& store, const std::string& owner) {
    server::Run run = SampleRun(1);
    run.request.owner = owner;
    return store.InsertRun(run, "", "").status();
  };
  {
    const auto store = Open();
    for (const char* owner : {"ada", "", "ada"}) ASSERT_TRUE(insert(*store, owner).ok());
  }
  Ask("ALTER TABLE run DROP COLUMN run_owner");
  Ask("DELETE FROM migration WHERE version > 4");
  for (const std::uint64_t runs : {2, 3}) {
    const auto store = Open();
    EXPECT_EQ(*store->CountRunsOf("ada"), runs);
    EXPECT_EQ(*store->CountRunsOf(""), 1u);
    EXPECT_TRUE(insert(*store, "ada").ok());
  }
}

TEST_F(PostgresStoreTest, OwnersAndPinsHaveChecksums) {
  const auto store = Open();
  StoredTrace trace = SampleTrace(1, 100);
  trace.owner = "ada";
  ASSERT_TRUE(store->PutTrace(trace).ok());
  const std::uint64_t id = *store->InsertRun(SampleRun(1), "", "");
  ASSERT_TRUE(store->FinishRun(EndedSample(1, id, 100)).ok());
  for (const bool pinned : {true, false}) {
    ASSERT_TRUE(store->UpdateRun(id, {.label = {}, .pinned = pinned}).ok());
    EXPECT_EQ((*store->FindRun(id))->pinned, pinned);
    Ask("UPDATE run SET pinned = NOT pinned");
    EXPECT_TRUE(absl::IsDataLoss(store->FindRun(id).status()));
    EXPECT_TRUE(absl::IsDataLoss(store->UpdateRun(id, {.label = "sealed", .pinned = {}})));
    Ask("UPDATE run SET pinned = NOT pinned");
  }
  Ask("UPDATE trace SET owner = 'eve'");
  EXPECT_TRUE(absl::IsDataLoss(store->FindTraceInfo("digest 1").status()));
}

class ManyServersTest : public PostgresStoreTest {
 protected:
  static constexpr std::uint64_t kEach = 10;

  // How many of four servers' changes are taken, each of which makes ten; the others were refused for want of room.
  std::uint64_t CountTaken(const std::function<absl::Status(PostgresStore& store, std::uint64_t number)>& change) {
    std::vector<std::unique_ptr<PostgresStore>> stores;
    for (int i = 0; i < 4; ++i) stores.push_back(Open());
    std::atomic<std::uint64_t> taken{0};
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i < stores.size(); ++i) {
      threads.emplace_back([&, i] {
        for (std::uint64_t n = 0; n < kEach; ++n) {
          const absl::Status status = change(*stores[i], i * kEach + n);
          EXPECT_TRUE(status.ok() || absl::IsResourceExhausted(status)) << status;
          if (status.ok()) ++taken;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    return taken;
  }
};

TEST_F(ManyServersTest, AnOwnersBoundOfRunsIsOfAll) {
  constexpr std::uint64_t kMax = 12;
  const auto submit = [](PostgresStore& store, std::uint64_t /*number*/) {
    server::Run run = SampleRun(1);
    run.request.owner = "ada";
    return store.InsertRunWithin(run, "", "", kMax).status();
  };
  EXPECT_EQ(CountTaken(submit), kMax);
  EXPECT_EQ(*Open()->CountRunsOf("ada"), kMax);
}

TEST_F(ManyServersTest, AnOwnersBoundOfBytesIsOfAll) {
  constexpr std::uint64_t kMax = 120;
  const auto upload = [](PostgresStore& store, std::uint64_t number) {
    StoredTrace trace = SampleTrace(number, 0);
    trace.content = std::string(10, 'x');
    trace.owner = "ada";
    return store.PutTraceWithin(trace, kMax);
  };
  EXPECT_EQ(CountTaken(upload), kMax / 10);
  EXPECT_EQ(*Open()->TraceBytesOf("ada"), kMax);
}

TEST_F(PostgresStoreTest, AMigrationThatFailsLeavesNothing) {
  Ask("CREATE SCHEMA alloclab");
  Ask("CREATE TABLE alloclab.trace (of_somebody_else BIGINT)");
  EXPECT_FALSE(PostgresStore::Open(url_, {}).ok());
  EXPECT_EQ(Ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'alloclab'"), 1u);
}

TEST_F(PostgresStoreTest, TheRowsOfOneServerAreTheOthersRows) {
  const auto one = Open(), other = Open();
  const std::uint64_t id = *one->InsertRun(SampleRun(1), "once", "print");
  EXPECT_EQ((*other->FindSubmission("once"))->run, id);
  EXPECT_TRUE(absl::IsAlreadyExists(other->InsertRun(SampleRun(1), "once", "print").status()));
  ASSERT_TRUE(other->FinishRun(EndedSample(1, id, 100)).ok());
  EXPECT_EQ((*one->FindRun(id))->state, RunState::kSucceeded);
  EXPECT_NE(*one->ReserveInstanceIds(1024), *other->ReserveInstanceIds(1024));
}

TEST_F(PostgresStoreTest, WithoutItsDatabaseItSaysSoAndComesBackByItself) {
  const auto store = Open();
  const std::uint64_t id = *store->InsertRun(SampleRun(1), "", "");
  for (const int signal : {SIGINT, SIGQUIT}) {
    server_->Stop(signal);
    for (int i = 0; i < 50; ++i) {  // whatever the connection was doing, and then at once
      const absl::Time began = absl::Now();
      const absl::Status away = store->FindRun(id).status();
      EXPECT_TRUE(absl::IsUnavailable(away)) << away;
      EXPECT_THAT(std::string(away.message()), HasSubstr("the database does not answer"));
      EXPECT_LT(absl::Now() - began, absl::Seconds(2));
    }
    EXPECT_TRUE(absl::IsUnavailable(store->InsertRun(SampleRun(2), "", "").status()));
    EXPECT_THAT(store->trouble(), HasSubstr("does not answer"));
    server_->Start();
    absl::StatusOr<std::optional<server::Run>> found;
    for (int i = 0; i < 100; ++i) {
      found = store->FindRun(id);
      if (found.ok()) break;
      absl::SleepFor(absl::Milliseconds(100));
    }
    ASSERT_TRUE(found.ok() && found->has_value()) << "what was acknowledged is kept: " << found.status();
    EXPECT_THAT(store->trouble(), IsEmpty());
    EXPECT_EQ(*store->CountRuns(), 1u) << "what was refused is not there";
  }
}

TEST_F(PostgresStoreTest, MoreCallersThanConnectionsWaitForEachOther) {
  const auto store = Open();
  std::vector<std::thread> threads;
  std::atomic<int> answered{0};
  std::uint64_t most = 0;
  for (int thread = 0; thread < 32; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        if (store->InsertRun(SampleRun(1), "", "").ok()) ++answered;
      }
    });
  }
  const auto onlooker = PgConnection::Open(url_);
  for (int i = 0; i < 20; ++i) {
    const auto others = (*onlooker)->Execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
    ASSERT_TRUE(others.ok()) << others.status();
    most = std::max(most, others->Int(0, 0));
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, 320);
  EXPECT_LE(most, kDatabaseConnectionsMax);
  EXPECT_GE(most, 2u);
}

TEST_F(PostgresStoreTest, ALostConnectionIsReplaced) {
  const auto store = Open();
  ASSERT_TRUE(store->CountRuns().ok());
  Ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() "
      "AND pid <> pg_backend_pid()");
  absl::SleepFor(absl::Milliseconds(200));
  EXPECT_TRUE(store->CountRuns().ok()) << "it was seen before it was used";
}

TEST_F(PostgresStoreTest, ChangesAreOnTheDiskWhateverTheDatabaseIsSetTo) {
  const auto connection = PgConnection::Open(url_);
  const auto name = (*connection)->Execute("SELECT current_database()::BYTEA");
  Ask(fmt::format("ALTER DATABASE {} SET synchronous_commit TO off", name->Bytes(0, 0)).c_str());
  EXPECT_EQ(Ask("SELECT (current_setting('synchronous_commit') = 'on')"), 1u);
}

}  // namespace
}  // namespace alloclab::server

// A second store, made of one that is being written to.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "server/store/sqlite_store.h"
#include "server/store/store_doctor.h"
#include "server/testing/store_samples.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;

constexpr std::size_t kBackedUpBytes = 6000;

std::unique_ptr<SqliteStore> OpenStore(const std::filesystem::path& directory) {
  auto store = SqliteStore::Open(directory);
  EXPECT_TRUE(store.ok()) << store.status();
  return *std::move(store);
}

void AddEndedRun(SqliteStore& store, std::uint64_t id) {
  ASSERT_EQ(*store.InsertRun(SampleRun(id), fmt::format("request {}", id), ""), id);
  ASSERT_TRUE(store.FinishRun(EndedSample(id, id, kBackedUpBytes)).ok());
}

TEST(BackupStoreTest, HasEveryRunThatWasThereAndGoesOnAsTheStoreWould) {
  const TemporaryDirectory directory;
  const std::filesystem::path to = directory.path() / "deep" / "backup";
  const std::filesystem::path from = directory.path() / "store";
  {
    const auto store = OpenStore(from);
    for (std::uint64_t id = 1; id <= 20; ++id) AddEndedRun(*store, id);
    StoredTrace trace = SampleTrace(1, 30'000);
    trace.owner = "ada";
    ASSERT_TRUE(store->PutTrace(trace).ok());
    ASSERT_TRUE(store->UpdateRun(3, {.label = {}, .pinned = true}).ok());
    ASSERT_TRUE(store->ReserveInstanceIds(5000).ok());
    WriteFile(from / "tokens", "who may come in");
    const auto report = BackupStore(from, to);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->whole());
    EXPECT_EQ(report->runs, 20u);
    EXPECT_EQ(report->traces, 1u);
    AddEndedRun(*store, 21);  // the store itself goes on, too
  }
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(to).permissions(), perms::owner_all);
  EXPECT_EQ(std::filesystem::status(to / "alloclab.db").permissions(), perms::owner_read | perms::owner_write);
  EXPECT_EQ(ReadFile(to / "tokens"), "who may come in");
  const auto copy = OpenStore(to);
  EXPECT_TRUE((*copy->FindRun(20)).has_value());
  EXPECT_TRUE((*copy->FindRun(3))->pinned);
  EXPECT_EQ((*copy->FindTraceInfo("digest 1"))->owner, "ada");
  EXPECT_FALSE((*copy->FindRun(21)).has_value());
  AddEndedRun(*copy, 21);
  EXPECT_EQ(*copy->ReserveInstanceIds(1), 5001u);
  EXPECT_EQ(BackupStore(from, directory.path() / "of a store at rest")->runs, 21u);
}

TEST(BackupStoreTest, IsOfOneMomentWhileRunsEnd) {
  const TemporaryDirectory directory;
  const std::filesystem::path from = directory.path() / "store";
  const auto store = OpenStore(from);
  std::atomic<std::uint64_t> acknowledged = 0;
  std::atomic<bool> enough = false;
  std::thread writer([&] {
    for (std::uint64_t id = 1; !enough; ++id) {
      AddEndedRun(*store, id);
      acknowledged = id;
    }
  });
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t before = acknowledged;
    const auto report = BackupStore(from, directory.path() / fmt::format("{}", round));
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->whole());
    EXPECT_GE(report->runs, before);
    EXPECT_LE(report->runs, acknowledged + 1);
  }
  enough = true;
  writer.join();
}

TEST(BackupStoreTest, RefusesAndLeavesNothing) {
  const TemporaryDirectory directory;
  const std::filesystem::path from = directory.path() / "store", to = directory.path() / "backup";
  EXPECT_TRUE(absl::IsNotFound(BackupStore(from, to).status()));
  {
    const auto store = OpenStore(from);
    for (std::uint64_t id = 1; id <= 20; ++id) AddEndedRun(*store, id);
  }
  EXPECT_THAT(std::string(BackupStore(from, from).status().message()), HasSubstr("expected a folder that does not exist"));
  EXPECT_THAT(std::string(BackupStore(from, "/proc/backup").status().message()), HasSubstr("--to /proc/backup"));
  std::string bytes = ReadFile(from / "alloclab.db");
  bytes[bytes.size() / 2] ^= 1;
  WriteFile(from / "alloclab.db", bytes);
  const auto damaged = BackupStore(from, to);
  EXPECT_TRUE(absl::IsDataLoss(damaged.status())) << damaged.status();
  EXPECT_FALSE(std::filesystem::exists(to));
}

}  // namespace
}  // namespace alloclab::server

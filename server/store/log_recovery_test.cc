// The write-ahead log after a crash: cut anywhere, or with any bit flipped, it gives the runs of a good prefix, whole.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "server/store/run_codec.h"
#include "server/store/schema.h"
#include "server/store/sqlite_store.h"
#include "server/testing/store_samples.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

constexpr std::size_t kFrameBytes = 24 + 4096;

// A database and its log as a crash leaves them, after each of some writes.
struct Crash {
  std::string database;
  std::string log;                  // after the last write
  std::vector<std::size_t> ends;    // of the log after each write
  std::vector<std::string> states;  // what the store held after each write
};

// All that is in the store, as text; every row is whole, or the text says so.
std::string StateOf(Database& database) {
  Database::Session session(database);
  Statement rows = session.Prepare("SELECT id, state, request_id, length(result), head_sum = row_sum(" RUN_HEAD
                                   ") AND body_sum = row_sum(" RUN_BODY ") FROM run ORDER BY id");
  std::string state;
  absl::StatusOr<bool> row = rows.Step();
  for (; row.ok() && *row; row = rows.Step()) {
    state += fmt::format("{} {} {} {} {}\n", rows.Int(0), rows.Int(1), rows.Text(2), rows.Int(3), rows.Int(4));
  }
  return row.ok() ? state : fmt::format("broken: {}", std::string(row.status().message()));
}

Crash MakeCrash(const std::filesystem::path& directory) {
  Crash crash;
  const std::filesystem::path file = directory / "alloclab.db", log = directory / "alloclab.db-wal";
  {
    auto store = SqliteStore::Open(directory);
    EXPECT_TRUE(store.ok()) << store.status();
    for (std::uint64_t i = 1; i <= 3; ++i) {
      EXPECT_TRUE((*store)->InsertRun(SampleRun(i), fmt::format("request {}", i), "print").ok());
    }
  }
  // From here on the log begins anew, and nothing is written into the database.
  auto store = SqliteStore::Open(directory);
  EXPECT_TRUE(store.ok()) << store.status();
  const auto note = [&] {
    crash.ends.push_back(ReadFile(log).size());
    auto reader = Database::Open(file, Database::Mode::kReadOnly);
    crash.states.push_back(StateOf(**reader));
  };
  note();
  for (std::uint64_t i = 1; i <= 3; ++i) {
    EXPECT_TRUE((*store)->InsertRun(SampleRun(10 + i), fmt::format("request {}", 10 + i), "print").ok());
    note();
    EXPECT_TRUE((*store)->FinishRun(EndedSample(10 + i, 3 + i, 100)).ok());
    note();
  }
  crash.database = ReadFile(file);
  crash.log = ReadFile(log);
  return crash;
}

// What a server finds after the crash.
std::string Recover(const std::filesystem::path& directory, const std::string& database, const std::string& log) {
  const std::filesystem::path file = directory / "alloclab.db";
  std::filesystem::remove(directory / "alloclab.db-shm");
  WriteFile(file, database);
  WriteFile(directory / "alloclab.db-wal", log);
  const auto opened = Database::Open(file, Database::Mode::kReadOnlyAlone);
  return opened.ok() ? StateOf(**opened) : fmt::format("not opened: {}", std::string(opened.status().message()));
}

// Which write's state it is, -1 for none.
std::ptrdiff_t WriteOf(const Crash& crash, const std::string& state) {
  const auto found = std::find(crash.states.begin(), crash.states.end(), state);
  return found == crash.states.end() ? -1 : found - crash.states.begin();
}

// The last write whose records are all before `offset`.
std::ptrdiff_t WritesBefore(const Crash& crash, std::size_t offset) {
  return std::upper_bound(crash.ends.begin(), crash.ends.end(), offset) - crash.ends.begin() - 1;
}

struct Region {
  std::size_t begin, end;
};
// The records of the last three writes.
Region LastThree(const Crash& crash) { return {crash.ends[crash.ends.size() - 4], crash.log.size()}; }

// ALLOCLAB_LOG_STEP: every how many-th byte; 1 is all of them.
TEST(LogRecovery, CutAnywhereItGivesTheGoodPrefix) {
  const TemporaryDirectory made, recovered;
  const Crash crash = MakeCrash(made.path());
  ASSERT_EQ(WriteOf(crash, Recover(recovered.path(), crash.database, crash.log)), 6);
  const Region region = LastThree(crash);
  ASSERT_GE(region.end - region.begin, 3 * kFrameBytes);
  std::uint64_t cuts = 0;
  for (std::size_t at = region.begin; at < region.end; at += CountFrom("ALLOCLAB_LOG_STEP", 199), ++cuts) {
    const std::string state = Recover(recovered.path(), crash.database, crash.log.substr(0, at));
    ASSERT_EQ(WriteOf(crash, state), WritesBefore(crash, at)) << "cut at " << at << ":\n" << state;
  }
  fmt::print("{} cuts in {} bytes of the last three writes: 0 wrong\n", cuts, region.end - region.begin);
}

TEST(LogRecovery, WithAnyBitFlippedItGivesTheGoodPrefix) {
  const TemporaryDirectory made, recovered;
  const Crash crash = MakeCrash(made.path());
  const Region region = LastThree(crash);
  const std::uint64_t step = CountFrom("ALLOCLAB_LOG_STEP", 199);
  std::uint64_t flips = 0;
  for (std::size_t bit = region.begin * 8; bit < region.end * 8; bit += step == 1 ? 1 : 8 * step + 3, ++flips) {
    std::string log = crash.log;
    log[bit / 8] = static_cast<char>(log[bit / 8] ^ (1 << (bit % 8)));
    const std::string state = Recover(recovered.path(), crash.database, log);
    ASSERT_EQ(WriteOf(crash, state), WritesBefore(crash, bit / 8)) << "bit " << bit << ":\n" << state;
  }
  fmt::print("{} flips in {} bytes of the last three writes: 0 wrong\n", flips, region.end - region.begin);
}

}  // namespace
}  // namespace alloclab::server

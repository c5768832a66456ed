// A disk that fails: every write and every sync once, and a disk that is full.
#include "server/testing/faults.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <map>

#include "server/log.h"
#include "server/store/run_codec.h"
#include "server/store/sqlite_store.h"
#include "server/store/store_doctor.h"
#include "server/testing/store_samples.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// What one life of a server acknowledged.
struct Acknowledged {
  std::map<std::uint64_t, std::uint64_t> runs;  // id, and if it has ended the number of the sample
  bool trace = false;
  std::uint64_t instance_ids = 0;  // the last block's first
  std::uint64_t failed = 0;
};

void Note(Acknowledged& acknowledged, const absl::Status& status) { acknowledged.failed += status.ok() ? 0 : 1; }

void Live(const std::filesystem::path& directory, Acknowledged& acknowledged) {
  const auto store = SqliteStore::Open(directory);
  Note(acknowledged, store.status());
  if (!store.ok()) return;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    const auto id = (*store)->InsertRun(SampleRun(i), "", "");
    Note(acknowledged, id.status());
    if (!id.ok()) continue;
    acknowledged.runs[*id] = 0;
    const absl::Status ended = (*store)->FinishRun(EndedSample(i, *id, 3000));
    Note(acknowledged, ended);
    acknowledged.runs[*id] = ended.ok() ? i : 0;
  }
  const absl::Status put = (*store)->PutTrace(SampleTrace(1, 20'000));
  Note(acknowledged, put);
  acknowledged.trace = put.ok();
  if (!acknowledged.runs.empty()) {
    const std::uint64_t first = acknowledged.runs.begin()->first;
    const absl::Status deleted = (*store)->DeleteRun(first);
    Note(acknowledged, deleted);
    if (deleted.ok()) acknowledged.runs.erase(first);
  }
  const auto ids = (*store)->ReserveInstanceIds(10);
  Note(acknowledged, ids.status());
  if (ids.ok()) acknowledged.instance_ids = *ids;
}

// All that was acknowledged is there, and everything that is there is whole.
void Check(const std::filesystem::path& directory, const Acknowledged& acknowledged, std::uint64_t k) {
  {
    const auto store = SqliteStore::Open(directory);
    ASSERT_TRUE(store.ok()) << k << ": " << store.status();
    EXPECT_THAT((*store)->trouble(), IsEmpty());
    for (const auto& [id, number] : acknowledged.runs) {
      const auto run = (*store)->FindRun(id);
      ASSERT_TRUE(run.ok() && run->has_value()) << k << ": run " << id << ' ' << run.status();
      if (number != 0) {
        EXPECT_EQ((*run)->state, RunState::kSucceeded) << k;
        EXPECT_TRUE(EncodeResult((*run)->result) == EncodeResult(EndedSample(number, id, 3000).result)) << k;
      }
    }
    if (acknowledged.trace) {
      EXPECT_EQ((*(*store)->FindTrace("digest 1"))->content, SampleTrace(1, 20'000).content) << k;
    }
    EXPECT_GE(*(*store)->ReserveInstanceIds(1), acknowledged.instance_ids) << k;
    EXPECT_THAT((*store)->ListRuns(INT64_MAX, 10)->damaged, IsEmpty()) << k;
  }
  EXPECT_TRUE(CheckStore(directory)->whole()) << k;
}

// Ends by itself: with the first k that no call reaches.
std::uint64_t FailEveryCallOnce(int error) {
  ConfigureLog(LogFormat::kText, LogLevel::kError);
  std::uint64_t k = 0, calls = 0, failed = 0;
  do {
    ++k;
    const TemporaryDirectory directory;
    Acknowledged acknowledged;
    faults::Arm(directory.path().c_str(), k, error);
    Live(directory.path(), acknowledged);
    calls = faults::Disarm();
    failed += acknowledged.failed;
    Check(directory.path(), acknowledged, k);
  } while (calls >= k && !testing::Test::HasFailure());
  fmt::print("errno {}: {} calls failed once each; {} operations refused, 0 acknowledged and lost\n", error, k - 1, failed);
  return failed;
}

TEST(Faults, NoCallThatFailsOnceLosesWhatWasAcknowledged) {
  EXPECT_GT(FailEveryCallOnce(EIO), 0u);
  EXPECT_GT(FailEveryCallOnce(ENOSPC), 0u);
}

TEST(Faults, AFullDiskTakesEndsAndDeletionsFromItsReserve) {
  const TemporaryDirectory directory;
  const std::string reserve = directory.path() / "reserve";
  auto store = *SqliteStore::Open(directory.path());
  std::uint64_t first = *store->InsertRun(SampleRun(1), "", ""), second = *store->InsertRun(SampleRun(2), "", "");
  ASSERT_EQ(std::filesystem::file_size(reserve), 4u << 20);
  faults::FillDisk(directory.path().c_str(), reserve.c_str());
  EXPECT_TRUE(absl::IsResourceExhausted(store->InsertRun(SampleRun(3), "", "").status())) << "no room is given up for new runs";
  EXPECT_THAT(store->trouble(), HasSubstr("the store cannot be written"));
  EXPECT_TRUE(store->FinishRun(EndedSample(1, first, 3000)).ok());
  EXPECT_FALSE(std::filesystem::exists(reserve));
  faults::Disarm();
  EXPECT_TRUE(store->DeleteRun(first).ok());
  EXPECT_TRUE(std::filesystem::exists(reserve)) << "made again as soon as there is room";
  EXPECT_THAT(store->trouble(), IsEmpty());
  faults::FillDisk(directory.path().c_str(), reserve.c_str());
  EXPECT_TRUE(store->DeleteRun(second).ok());
  faults::Disarm();
}

TEST(Faults, OnAFullDiskWithoutReserveTheStoreIsReadOnlyAndSaysSo) {
  const TemporaryDirectory directory;
  const std::string reserve = directory.path() / "reserve", always = directory.path() / "alloclab.db";
  std::uint64_t ended = 0, unfinished = 0, noted = 0;
  {
    auto store = *SqliteStore::Open(directory.path());
    ended = *store->InsertRun(SampleRun(1), "", "");
    ASSERT_TRUE(store->FinishRun(EndedSample(1, ended, 100)).ok());
    unfinished = *store->InsertRun(SampleRun(2), "", "");
    noted = *store->InsertRun(SampleRun(3), "", "");
    auto failed = SampleRun(3);
    failed.id = noted;
    failed.state = RunState::kFailed;
    failed.error = "the result is lost: the disk was full";
    failed.end_time = failed.submit_time + absl::Seconds(2);
    ASSERT_TRUE(store->NoteEnd(failed));
  }
  faults::FillDisk(directory.path().c_str(), always.c_str());
  {
    const auto store = SqliteStore::Open(directory.path());
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_THAT((*store)->trouble(), testing::AllOf(HasSubstr("read-only: "), HasSubstr("the store cannot be written")));
    EXPECT_EQ(EncodeResult((*(*store)->FindRun(ended))->result), EncodeResult(EndedSample(1, ended, 100).result));
    EXPECT_EQ((*(*store)->FindRun(unfinished))->state, RunState::kInterrupted);
    EXPECT_EQ((*(*store)->FindRun(noted))->state, RunState::kFailed);
    EXPECT_EQ((*store)->ListRuns(INT64_MAX, 10)->runs.size(), 3u);
    const absl::Status refused = (*store)->DeleteRun(ended);
    EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr("the store is read-only"));
    EXPECT_THAT(std::string((*store)->InsertRun(SampleRun(1), "", "").status().message()), HasSubstr("the store is read-only"));
  }
  faults::Disarm();
  const auto store = SqliteStore::Open(directory.path());
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_THAT((*store)->trouble(), IsEmpty());
  EXPECT_EQ((*store)->interrupted_at_open(), 1u);
  const auto run = (*store)->FindRun(noted);
  EXPECT_EQ((*run)->state, RunState::kFailed) << "one that failed is not one that was interrupted";
  EXPECT_EQ((*run)->error, "the result is lost: the disk was full");
}

}  // namespace
}  // namespace alloclab::server

// What was changed on the disk is never an answer.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "server/converters/run_converter.h"
#include "server/log.h"
#include "server/store/run_codec.h"
#include "server/store/sqlite_store.h"
#include "server/store/store_doctor.h"
#include "server/testing/store_samples.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using testing::UnorderedElementsAre;

constexpr std::uint64_t kRuns = 12;
constexpr std::size_t kResultBytes = 6000, kTraceBytes = 30'000;

std::unique_ptr<SqliteStore> Open(const std::filesystem::path& directory) {
  auto store = SqliteStore::Open(directory);
  EXPECT_TRUE(store.ok()) << store.status();
  return *std::move(store);
}

// A store with kRuns runs that have ended and two traces, closed.
void Fill(const std::filesystem::path& directory) {
  const auto store = Open(directory);
  for (std::uint64_t i = 1; i <= kRuns; ++i) {
    ASSERT_EQ(*store->InsertRun(SampleRun(i), fmt::format("request {}", i), fmt::format("print {}", i)), i);
    ASSERT_TRUE(store->FinishRun(EndedSample(i, i, kResultBytes)).ok());
  }
  for (std::uint64_t i = 1; i <= 2; ++i) ASSERT_TRUE(store->PutTrace(SampleTrace(i, kTraceBytes)).ok());
  ASSERT_TRUE(store->ReserveInstanceIds(5000).ok());
}

std::string Text(Run run, bool whole) {
  if (!whole) run.result.reset();
  v1::Run proto = whole ? ToProto(run) : ToListed(run);
  return proto.SerializeAsString();
}
std::string TrueText(std::uint64_t id, bool whole) {
  const Run run = EndedSample(id, id, kResultBytes);
  return (whole ? ToProto(run) : ToListed(run)).SerializeAsString();
}

// How a store that may be damaged answers.
struct Answers {
  std::uint64_t right = 0, refused = 0, wrong = 0;
  void Count(const absl::Status& status, bool is_right) {
    if (status.ok()) {
      ++(is_right ? right : wrong);
    } else {
      ++(absl::IsDataLoss(status) ? refused : wrong);
    }
  }
};

void AskAll(SqliteStore& store, Answers& answers) {
  for (std::uint64_t id = 1; id <= kRuns; ++id) {
    const auto run = store.FindRun(id);
    answers.Count(run.status(), run.ok() && run->has_value() && Text(**run, true) == TrueText(id, true));
    const auto earlier = store.FindSubmission(fmt::format("request {}", id));
    answers.Count(earlier.status(), earlier.ok() && earlier->has_value() && (*earlier)->run == id &&
                                        (*earlier)->fingerprint == fmt::format("print {}", id));
  }
  const auto list = store.ListRuns(INT64_MAX, 100);
  std::set<std::uint64_t> seen;
  if (list.ok()) {
    for (const Run& run : list->runs)
      answers.Count({}, seen.insert(run.id).second && Text(run, false) == TrueText(run.id, false));
    for (const std::uint64_t id : list->damaged) seen.insert(id);
  }
  answers.Count(list.status(), seen.size() == kRuns && *seen.rbegin() == kRuns);
  const auto count = store.CountRuns();
  answers.Count(count.status(), count.ok() && *count == kRuns);
  for (std::uint64_t i = 1; i <= 2; ++i) {
    const StoredTrace truth = SampleTrace(i, kTraceBytes);
    const auto trace = store.FindTrace(truth.sha256);
    answers.Count(trace.status(), trace.ok() && trace->has_value() && (*trace)->content == truth.content &&
                                      (*trace)->name == truth.name && (*trace)->operations == truth.operations);
  }
  const auto traces = store.ListTraces(INT64_MAX, 100);
  answers.Count(traces.status(), traces.ok() && traces->traces.size() + traces->damaged.size() == 2);
  const auto bytes = store.TraceBytes();
  answers.Count(bytes.status(), bytes.ok() && *bytes == SampleTrace(1, kTraceBytes).content.size() +
                                                            SampleTrace(2, kTraceBytes).content.size());
  const auto ids = store.ReserveInstanceIds(1);
  answers.Count(ids.status(), ids.ok() && *ids == 5001);
}

// ALLOCLAB_FLIPS sets how many; 0 is every bit.
TEST(Damage, NoFlippedBitIsServed) {
  ConfigureLog(LogFormat::kText, LogLevel::kError);
  const TemporaryDirectory directory;
  Fill(directory.path());
  const std::filesystem::path file = directory.path() / "alloclab.db";
  const std::string whole = ReadFile(file);
  const std::uint64_t bits = whole.size() * 8, flips = CountFrom("ALLOCLAB_FLIPS", 150);
  std::mt19937_64 random(1);
  Answers answers;
  std::uint64_t unopened = 0, unharmed = 0;
  for (std::uint64_t i = 0; i < (flips == 0 ? bits : flips); ++i) {
    const std::uint64_t bit = flips == 0 ? i : random() % bits;
    std::string changed = whole;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    WriteFile(file, changed);
    const auto store = SqliteStore::Open(directory.path());
    if (!store.ok()) {
      ++unopened;
      ASSERT_TRUE(absl::IsDataLoss(store.status()) || absl::IsFailedPrecondition(store.status()))
          << bit << ": " << store.status();
      continue;
    }
    const std::uint64_t refused = answers.refused;
    AskAll(**store, answers);
    unharmed += refused == answers.refused ? 1 : 0;
    ASSERT_EQ(answers.wrong, 0u) << "bit " << bit % 8 << " of byte " << bit / 8 << " of " << whole.size();
  }
  fmt::print("{} flips: {} stores not opened, {} without effect; answers: {} right, {} refused, {} wrong\n",
             flips == 0 ? bits : flips, unopened, unharmed, answers.right, answers.refused, answers.wrong);
  EXPECT_GT(answers.refused + unopened, 0u);
}

// Changes a row behind the back of its checksum; those of the pages are right.
void Tamper(const std::filesystem::path& directory, const char* sql) {
  const auto database = Database::Open(directory / "alloclab.db", Database::Mode::kReadWrite);
  ASSERT_TRUE(database.ok());
  ASSERT_TRUE(Database::Session(**database).Execute(sql).ok());
}

TEST(Damage, OfARowIsNamedAndTheRestIsListed) {
  const TemporaryDirectory directory;
  Fill(directory.path());
  Tamper(directory.path(),
         "UPDATE run SET operations_done = 999 WHERE id = 3; UPDATE run SET result = phases WHERE id = 5;"
         "UPDATE trace SET content = x'00' WHERE id = 1; UPDATE trace SET name = 'other' WHERE id = 2;"
         "UPDATE next_instance_id SET value = 1");
  const auto store = Open(directory.path());
  for (const std::uint64_t id : {3u, 5u}) {
    const absl::Status status = store->FindRun(id).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(fmt::format("run {}: its record in the store is damaged", id)));
  }
  const auto list = store->ListRuns(INT64_MAX, 100);
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->runs.size(), kRuns - 1);
  EXPECT_THAT(list->damaged, ElementsAre(3)) << "a list does not read results";
  EXPECT_TRUE(absl::IsDataLoss(store->FindTrace("digest 1").status()));
  EXPECT_TRUE(store->FindTraceInfo("digest 1").ok());
  EXPECT_TRUE(absl::IsDataLoss(store->FindTraceInfo("digest 2").status()));
  EXPECT_THAT(store->ListTraces(INT64_MAX, 10)->damaged, ElementsAre(2));
  EXPECT_TRUE(absl::IsDataLoss(store->ReserveInstanceIds(1).status()));
  EXPECT_TRUE(absl::IsDataLoss(store->FinishRun(EndedSample(3, 3, 10))))
      << "nothing is written over damage, which would seal it";
  EXPECT_TRUE(store->DeleteRun(3).ok());
  EXPECT_FALSE((*store->FindRun(3)).has_value());
}

// Owners of traces, pins and known results stand beside their rows.
TEST(Damage, OfWhatStandsBesideARowIsNoAnswerAndTheOthersAreKept) {
  const TemporaryDirectory directory;
  Fill(directory.path());
  {
    const auto store = Open(directory.path());
    for (const std::uint64_t id : {2u, 4u, 6u}) ASSERT_TRUE(store->UpdateRun(id, {.label = {}, .pinned = true}).ok());
    for (std::uint64_t i = 3; i <= 5; ++i) {
      StoredTrace trace = SampleTrace(i, 100);
      trace.owner = "ada";
      ASSERT_TRUE(store->PutTrace(trace).ok());
    }
  }
  EXPECT_TRUE(CheckStore(directory.path())->whole());
  Tamper(
      directory.path(),
      "UPDATE trace_owner SET owner = 'eve' WHERE sha256 = 'digest 3'; UPDATE pinned_run SET id = 7 WHERE id = 2;"
      "UPDATE trace_owner SET sha256 = 'of none' WHERE sha256 = 'digest 4'; UPDATE known_result SET digest = '' WHERE run = 5");
  {
    const auto store = Open(directory.path());
    EXPECT_TRUE(absl::IsDataLoss(store->FindTraceInfo("digest 3").status()));
    EXPECT_TRUE(absl::IsDataLoss(store->FindTrace("digest 3").status()));
    EXPECT_EQ(*store->TraceBytesOf("ada"), SampleTrace(5, 100).content.size());
    EXPECT_THAT(store->ListTraces(INT64_MAX, 10)->damaged, ElementsAre(3));
    EXPECT_TRUE(absl::IsDataLoss(store->FindRun(7).status()));
    EXPECT_THAT(store->ListRuns(INT64_MAX, 100)->damaged, ElementsAre(7));
    EXPECT_TRUE(absl::IsDataLoss(store->FindKnownResult(*KeyOf(SampleRun(5).request)).status()));
  }
  const auto found = CheckStore(directory.path());
  EXPECT_THAT(found->damaged,
              UnorderedElementsAre(StartsWith("the owner of trace \"digest 3\": "), StartsWith("the pin of run 7: "),
                                   StartsWith("the owner of trace \"of none\": "), StartsWith("the known result of run 5: ")));
  const auto repaired = RepairStore(directory.path());
  ASSERT_TRUE(repaired.ok()) << repaired.status();
  EXPECT_EQ(repaired->damaged.size(), 4u);
  EXPECT_EQ(repaired->runs, kRuns);
  EXPECT_EQ(repaired->traces, 5u);
  EXPECT_TRUE(CheckStore(directory.path())->whole());
  const auto store = Open(directory.path());
  for (std::uint64_t i = 3; i <= 5; ++i) {
    EXPECT_EQ((*store->FindTraceInfo(SampleTrace(i, 0).sha256))->owner, i == 5 ? "ada" : "") << "else it is lost: nobody's";
  }
  for (const std::uint64_t number : {4u, 5u}) {
    EXPECT_EQ((*store->FindKnownResult(*KeyOf(SampleRun(number).request))).has_value(), number == 4);
  }
  for (const std::uint64_t id : {2u, 4u, 6u, 7u}) EXPECT_EQ((*store->FindRun(id))->pinned, id == 4 || id == 6) << id;
}

TEST(Damage, OfAPageLeavesTheOthers) {
  const TemporaryDirectory directory;
  Fill(directory.path());
  const std::filesystem::path file = directory.path() / "alloclab.db";
  std::string bytes = ReadFile(file);
  const std::size_t at = bytes.find(std::to_string(100'000 + 7 * 1000 + 300));  // in the result of run 7
  ASSERT_NE(at, std::string::npos);
  bytes[at] = 'x';
  WriteFile(file, bytes);
  {
    const auto store = Open(directory.path());
    EXPECT_THAT(std::string(store->FindRun(7).status().message()), HasSubstr("run 7"));
    const auto list = store->ListRuns(INT64_MAX, 100);
    ASSERT_TRUE(list.ok()) << list.status();
    EXPECT_EQ(list->runs.size() + list->damaged.size(), kRuns);
    EXPECT_GE(list->runs.size(), kRuns - 2);
    EXPECT_TRUE(store->InsertRun(SampleRun(13), "", "").ok());
  }
  const auto found = CheckStore(directory.path());
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_FALSE(found->structure.empty());
  ASSERT_EQ(found->damaged.size(), 1u);
  EXPECT_THAT(found->damaged[0], HasSubstr("run 7: "));

  const auto repaired = RepairStore(directory.path());
  ASSERT_TRUE(repaired.ok()) << repaired.status();
  EXPECT_THAT(repaired->damaged, ElementsAre("run 7"));
  EXPECT_EQ(repaired->runs, kRuns);  // of 13
  EXPECT_THAT(ReadFile(repaired->kept_file), Not(IsEmpty()));
  EXPECT_TRUE(CheckStore(directory.path())->whole());
  EXPECT_EQ(std::filesystem::status(file).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const auto store = Open(directory.path());
  EXPECT_FALSE((*store->FindRun(7)).has_value());
  EXPECT_EQ(Text(**store->FindRun(8), true), TrueText(8, true));
  EXPECT_EQ(*store->InsertRun(SampleRun(14), "", ""), 14u) << "ids go on";
  EXPECT_EQ(*store->ReserveInstanceIds(1), 5001u);
}

TEST(StoreDoctor, FindsAWholeStoreWholeAndRefusesOneInUse) {
  const TemporaryDirectory directory;
  EXPECT_TRUE(absl::IsNotFound(CheckStore(directory.path()).status()));
  Fill(directory.path());
  const auto report = RepairStore(directory.path());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->whole());
  EXPECT_THAT(report->kept_file, IsEmpty()) << "nothing to do";
  EXPECT_EQ(report->runs, kRuns);
  EXPECT_EQ(report->traces, 2u);
  const auto store = Open(directory.path());
  EXPECT_THAT(std::string(CheckStore(directory.path()).status().message()), HasSubstr("in use by another server"));
}

TEST(StoreDoctor, ExportsWhatIsWhole) {
  const TemporaryDirectory directory;
  Fill(directory.path());
  ASSERT_TRUE(Open(directory.path())->UpdateRun(12, {.label = "renamed", .pinned = true}).ok());
  Tamper(directory.path(), "UPDATE run SET operations_done = 999 WHERE id = 3");
  const std::filesystem::path to = directory.path() / "out";
  const auto report = ExportStore(directory.path(), to);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->runs, kRuns - 1);
  EXPECT_THAT(report->damaged, ElementsAre(HasSubstr("run 3: ")));
  const std::string runs = ReadFile(to / "runs.jsonl");
  EXPECT_EQ(std::count(runs.begin(), runs.end(), '\n'), static_cast<std::ptrdiff_t>(kRuns - 1));
  EXPECT_THAT(runs, AllOf(HasSubstr("\"run number 11\""), HasSubstr("\"renamed\""), HasSubstr("\"pinned\":true")));
  EXPECT_EQ(ReadFile(to / "traces" / "digest 2"), SampleTrace(2, kTraceBytes).content);
  EXPECT_THAT(std::string(ExportStore(directory.path(), to).status().message()), HasSubstr("--to"));
}

}  // namespace
}  // namespace alloclab::server

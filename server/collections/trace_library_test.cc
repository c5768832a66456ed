#include "server/collections/trace_library.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "allocators/workload/alloctrace_writer.h"
#include "server/entities/host_budget.h"
#include "server/limits.h"
#include "server/store/sqlite_store.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;

// CMU's format: a header of four numbers, then operations on block numbers.
constexpr char kTrace[] = "100\n2\n4\n1\na 0 16\na 1 32\nf 0\nf 1\n";

class TraceLibraryTest : public testing::Test {
 protected:
  static RunRequest Of(decltype(RunRequest::workload) workload) {
    RunRequest request;
    request.workload = std::move(workload);
    return request;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<RunStore> store_ = *SqliteStore::Open(directory_.path());
  static std::shared_ptr<HostBudget> Budget(std::uint64_t bytes) {
    return std::make_shared<HostBudget>(HostBudgetLimits{.promised_ram_bytes = 0, .held_bytes = bytes, .handles = 0});
  }

  const std::shared_ptr<HostBudget> budget_ = Budget(1ull << 32);
  TraceLibrary traces_{*store_, budget_, 100};
};

TEST_F(TraceLibraryTest, LoadsWhatWasAdded) {
  const auto added = traces_.Add(kTrace, "small.rep");
  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_EQ(added->trace->operations.size(), 4u);
  const RunRequest request = Of(UploadedTrace{added->sha256});
  EXPECT_EQ(*traces_.CountOperations(request), 4u);
  EXPECT_EQ(*traces_.Load(request), added->trace) << "kept ready";
  TraceLibrary fresh(*store_, budget_, 100);
  const auto loaded = fresh.Load(request);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ((*loaded)->operations, added->trace->operations) << "read from the store";
}

TEST_F(TraceLibraryTest, OfFilesWithTheSameOperationsTheLastIsKept) {
  const auto first = traces_.Add(kTrace, "first.rep");
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string plain = "a 0 16\na 1 32\nf 0\nf 1\n";  // without a header, which is noted
  ASSERT_TRUE(traces_.Add(plain, "last.rep").ok());
  const RunRequest request = Of(UploadedTrace{first->sha256});
  EXPECT_EQ(*traces_.FileName(request), "last.rep");
  EXPECT_EQ(*store_->TraceBytes(), plain.size());
  ASSERT_TRUE(traces_.FileAtHand(request).has_value());
  EXPECT_EQ(traces_.FileAtHand(request)->notes.size(), 1u);
  TraceLibrary fresh(*store_, budget_, 100);
  EXPECT_FALSE(fresh.FileAtHand(request).has_value()) << "it was not read yet";
  EXPECT_EQ((*fresh.Load(request))->notes.size(), 1u);
}

TEST_F(TraceLibraryTest, CallSitesAreKeptAndOfTheBudgetAndThoseOfTheLastFileCount) {
  Trace told = **traces_.Load(Of(UploadedTrace{traces_.Add(kTrace, "small.rep")->sha256}));
  told.operation_sites = {1, 2, 0, 0};
  told.sites = {.frames = {{.function = "f"}}, .sites = {{0}}};
  TraceLibrary traces(*store_, budget_, 1 << 20);
  const auto added = traces.Add(*WriteAllocTrace(told), "told.alloctrace");
  ASSERT_TRUE(added.ok()) << added.status();
  const RunRequest request = Of(UploadedTrace{added->sha256});
  {
    TraceLibrary fresh(*store_, budget_, 1 << 20);
    const std::uint64_t held = budget_->held_bytes();
    const auto loaded = *fresh.Load(request);
    EXPECT_EQ(loaded->operation_sites, told.operation_sites);
    EXPECT_EQ(loaded->sites, told.sites);
    EXPECT_EQ(budget_->held_bytes() - held, loaded->host_bytes());
    EXPECT_GT(loaded->host_bytes(), loaded->operations.capacity() * sizeof(Operation) + sizeof(CallFrame));
  }
  ASSERT_EQ(traces.Add(kTrace, "small.rep")->sha256, added->sha256) << "call sites are no part of a trace's identity";
  EXPECT_TRUE((*traces.Load(request))->operation_sites.empty());
}

TEST_F(TraceLibraryTest, KeepsEqualTracesOnceAndRefusesWhatIsTooMuch) {
  ASSERT_TRUE(traces_.Add(kTrace, "small.rep").ok());
  ASSERT_TRUE(traces_.Add(kTrace, "again.rep").ok());
  EXPECT_EQ(*store_->TraceBytes(), sizeof kTrace - 1);
  std::string large = "100\n100\n200\n1\n";
  for (int i = 0; i < 100; ++i) large += "a " + std::to_string(i) + " 16\n";
  for (int i = 0; i < 100; ++i) large += "f " + std::to_string(i) + "\n";
  const absl::Status refused = traces_.Add(large, "large.rep").status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_EQ(*store_->TraceBytes(), sizeof kTrace - 1);
}

TEST_F(TraceLibraryTest, RefusesWhatIsNoTrace) {
  const absl::Status refused = traces_.Add("hello", "hello.txt").status();
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("hello.txt"));
}

TEST_F(TraceLibraryTest, UnknownTracesAndBuiltinsAreNotFound) {
  const RunRequest unknown = Of(UploadedTrace{std::string(64, '0')});
  EXPECT_TRUE(absl::IsNotFound(traces_.CountOperations(unknown).status()));
  EXPECT_TRUE(absl::IsNotFound(traces_.Load(unknown).status()));
  const absl::Status builtin = traces_.CountOperations(Of(BuiltinChoice{"steady-stat"})).status();
  EXPECT_TRUE(absl::IsNotFound(builtin)) << builtin;
  EXPECT_THAT(std::string(builtin.message()), HasSubstr("steady-state"));
}

TEST_F(TraceLibraryTest, CountsAreBounded) {
  WorkloadSpec spec;
  for (int i = 0; i < 3; ++i) spec.phases.push_back({.name = "p", .operations = kWorkloadOperationsMax / 2, .size = {}});
  EXPECT_TRUE(absl::IsInvalidArgument(traces_.CountOperations(Of(spec)).status()));
  spec.phases.resize(2);
  EXPECT_EQ(*traces_.CountOperations(Of(spec)), kWorkloadOperationsMax);
  for (Phase& phase : spec.phases) phase.operations = ~0ull;
  EXPECT_TRUE(absl::IsInvalidArgument(traces_.CountOperations(Of(spec)).status())) << "the sum must not wrap";
  EXPECT_TRUE(absl::IsInvalidArgument(
      traces_.CountOperations(Of(BuiltinChoice{"steady-state", 0, kWorkloadOperationsMax + 1})).status()));
}

TEST_F(TraceLibraryTest, TracesAreTakenFromTheBudgetWhileTheyLive) {
  Phase phase;
  phase.operations = 100'000;
  phase.live_blocks = 10;
  const RunRequest request = Of(WorkloadSpec{"x", 1, {phase}});
  {
    const auto trace = traces_.Load(request);
    ASSERT_TRUE(trace.ok()) << trace.status();
    EXPECT_EQ(budget_->held_bytes(), (*trace)->operations.capacity() * sizeof(Operation));
  }
  EXPECT_EQ(budget_->held_bytes(), 0u);
  ASSERT_TRUE(traces_.Add(kTrace, "small.rep").ok());
  EXPECT_GT(budget_->held_bytes(), 0u) << "it is kept ready";
  EXPECT_LT(budget_->held_bytes(), 100'000u) << "and what reading it took is given back";

  TraceLibrary poor(*store_, Budget(1'000'000), 1 << 20);
  EXPECT_TRUE(absl::IsResourceExhausted(poor.Load(request).status()));
  std::string large;
  for (int i = 0; i < 100'000; ++i) large += "a 0 1 f 0\n";
  EXPECT_TRUE(absl::IsResourceExhausted(poor.Add(large, "large.rep").status()));
  EXPECT_EQ(poor.budget()->held_bytes(), 0u) << "a refusal must take nothing";
  std::string fair;
  for (int i = 0; i < 10'000; ++i) fair += "a 0 1 f 0\n";
  TraceLibrary frugal(*store_, Budget(1'200'000), 1 << 20);
  ASSERT_TRUE(frugal.Add(fair, "fair.rep").ok());
  EXPECT_EQ(frugal.budget()->held_bytes(), 0u) << "a fourth of a small budget is not kept ready";
}

TEST_F(TraceLibraryTest, WhoReadsManyLosesHisOwnOfThoseKeptReady) {
  TraceLibrary traces(*store_, Budget(2'400'000), 1 << 20);  // a fourth has room for three
  const auto add = [&](int size, const std::string& owner) {
    std::string file;
    for (int i = 0; i < 5'000; ++i) file += fmt::format("a 0 {} f 0\n", size);
    const auto added = traces.Add(
        file, "some.rep", {}, [](std::uint64_t) {}, owner);
    EXPECT_TRUE(added.ok()) << added.status();
    return Of(UploadedTrace{added->sha256});
  };
  const RunRequest of_ada = add(1, "ada"), first = add(2, "bob");
  RunRequest last;
  for (int size = 3; size < 8; ++size) last = add(size, "bob");
  EXPECT_TRUE(traces.FileAtHand(of_ada));
  EXPECT_FALSE(traces.FileAtHand(first));
  EXPECT_TRUE(traces.FileAtHand(last));
}

TEST_F(TraceLibraryTest, LeavesOffWhenItIsInterrupted) {
  Phase phase;
  phase.operations = 30'000'000;
  phase.live_blocks = 10;
  int asked = 0;
  const Interrupt second = [&] { return ++asked == 2; };
  EXPECT_TRUE(absl::IsCancelled(traces_.Load(Of(WorkloadSpec{"x", 1, {phase}}), second).status()));
  EXPECT_EQ(asked, 2);
  std::string large;
  for (int i = 0; i < 20'000; ++i) large += "a 0 1 f 0\n";
  EXPECT_TRUE(absl::IsCancelled(traces_.Add(large, "large.rep", [] { return true; }).status()));
  EXPECT_EQ(budget_->held_bytes(), 0u);
}

}  // namespace
}  // namespace alloclab::server

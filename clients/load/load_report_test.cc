// What is asked for and what is told: configuration, report, progress, metrics.
#include "clients/load/load_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "allocators/workload/builtins.h"
#include "clients/load/demo.h"
#include "clients/load/load_config.h"
#include "clients/load/load_metrics.h"
#include "clients/load/load_progress.h"
#include "clients/load/workload_source.h"

namespace alloclab::load {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

v1::LoadConfig GoodConfig() {
  v1::LoadConfig config;
  config.set_connections(4);
  config.set_instances(2);
  config.set_batch(100);
  config.set_window(8);
  config.set_timeout_seconds(10);
  return config;
}

struct BadConfig {
  const char* flag;  // that the error names
  void (*spoil)(v1::LoadConfig&);
};

TEST(CheckConfig, NamesWhatIsOutOfRange) {
  EXPECT_TRUE(CheckConfig(GoodConfig()).ok());
  const BadConfig cases[] = {
      {"--connections 0", [](v1::LoadConfig& c) { c.set_connections(0); }},
      {"--connections 257", [](v1::LoadConfig& c) { c.set_connections(257); }},
      {"--instances 5", [](v1::LoadConfig& c) { c.set_instances(5); }},
      {"--instances 0", [](v1::LoadConfig& c) { c.set_instances(0); }},
      {"--batch 0", [](v1::LoadConfig& c) { c.set_batch(0); }},
      {"--batch 65537", [](v1::LoadConfig& c) { c.set_batch(65'537); }},
      {"--window 1025", [](v1::LoadConfig& c) { c.set_window(1'025); }},
      {"--rate", [](v1::LoadConfig& c) { c.set_rate(2e9); }},
      {"--rate", [](v1::LoadConfig& c) { c.set_rate(std::numeric_limits<double>::quiet_NaN()); }},
      {"--duration", [](v1::LoadConfig& c) { c.set_duration_seconds(1e9); }},
      {"--warmup", [](v1::LoadConfig& c) { c.set_warmup_seconds(-1); }},
      {"--timeout", [](v1::LoadConfig& c) { c.set_timeout_seconds(0); }},
      {"--catch-up", [](v1::LoadConfig& c) { c.set_catch_up(true); }},
      {"--arrival", [](v1::LoadConfig& c) { c.set_arrival(v1::LoadConfig::POISSON); }},
  };
  for (const BadConfig& bad : cases) {
    v1::LoadConfig config = GoodConfig();
    bad.spoil(config);
    const absl::Status status = CheckConfig(config);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << bad.flag;
    EXPECT_THAT(std::string(status.message()), HasSubstr(bad.flag));
    EXPECT_THAT(std::string(status.message()), HasSubstr("expected"));
  }
}

TEST(CheckScript, RefusesNothingToDoAndTooManyHandles) {
  Script script{.name = "w", .trace_sha256 = "", .operations = {}, .frees = {}};
  EXPECT_TRUE(absl::IsDataLoss(CheckScript(GoodConfig(), script)));
  script.operations.resize(1);
  script.heap_handles = 1 << 25;
  EXPECT_TRUE(CheckScript(GoodConfig(), script).ok());  // two connections for each instance
  script.heap_handles += 1;
  EXPECT_TRUE(absl::IsInvalidArgument(CheckScript(GoodConfig(), script)));
}

TEST(DefaultBatch, IsTenMillisecondsOfTheRate) {
  EXPECT_EQ(DefaultBatch(0, 7), 4096u);
  EXPECT_EQ(DefaultBatch(100'000, 1), 1'000u);
  EXPECT_EQ(DefaultBatch(100'000, 10), 100u);
  EXPECT_EQ(DefaultBatch(5, 1), 1u);
  EXPECT_EQ(DefaultBatch(1e9, 1), 4096u);
}

const std::vector<Operation> kBatch = {{.kind = OpKind::kMalloc}, {.kind = OpKind::kFree}, {.kind = OpKind::kFree}};

// Three answered batches of three, one of them with a double free; one batch lost; 6 operations dropped.
LoadCounts SomeCounts() {
  Meter meter;
  const std::vector<Outcome> outcomes = {Outcome::kOutOfMemory, Outcome::kOk, Outcome::kDoubleFree};
  for (int i = 0; i < 4; ++i) meter.Sent(3, milliseconds(i), 0.5);
  meter.Answered(kBatch, {}, milliseconds(1), milliseconds(1));
  meter.Answered(kBatch, {}, milliseconds(2), milliseconds(1));
  meter.Answered(kBatch, outcomes, milliseconds(10), milliseconds(8));
  meter.Lost(kBatch, LossReason::kRpcError);
  meter.Dropped(DropReason::kInflightLimit, 6);
  return meter.Read().counts;
}

TEST(FillReport, CountsEverythingAndExcludesNothing) {
  v1::LoadReport report;
  FillReport(SomeCounts(), std::chrono::seconds(2), report);
  EXPECT_EQ(report.operations(), 9u);
  EXPECT_EQ(report.failed_operations(), 2u);
  EXPECT_EQ(report.lost_operations(), 3u);
  EXPECT_DOUBLE_EQ(report.operations_per_second(), 4.5);
  EXPECT_EQ(report.schedule().scheduled(), 18u);
  EXPECT_EQ(report.schedule().dropped_inflight_limit(), 6u);
  EXPECT_EQ(report.response().count(), 3u);
  EXPECT_NEAR(report.response().p50_seconds(), 0.002, 0.002 / 128);
  EXPECT_NEAR(report.response().max_seconds(), 0.010, 0.010 / 128);
  EXPECT_NEAR(report.service().p99_seconds(), 0.008, 0.008 / 128);
  std::uint64_t total = 0;
  for (const v1::OutcomeCount& outcome : report.outcomes()) total += outcome.count();
  EXPECT_EQ(total, report.operations() + report.lost_operations());
}

TEST(FillReport, BucketsAreTheWholeHistogram) {
  v1::LoadReport report;
  FillReport(SomeCounts(), std::chrono::seconds(2), report);
  LatencyHistogram again;
  for (const v1::LatencyBucket& bucket : report.response().buckets()) {
    for (std::uint64_t i = 0; i < bucket.count(); ++i) again.Record(Nanos(bucket.upper_ns()));
  }
  EXPECT_EQ(again.counts(), SomeCounts().response.counts());
}

TEST(LoadCounts, SubtractToWhatHappenedBetween) {
  LoadCounts twice = SomeCounts();
  twice += SomeCounts();
  twice -= SomeCounts();
  EXPECT_EQ(twice.answered, SomeCounts().answered);
  EXPECT_EQ(twice.dropped, SomeCounts().dropped);
  EXPECT_EQ(twice.response, SomeCounts().response);
  EXPECT_EQ(twice.scheduled, SomeCounts().scheduled);
}

TEST(ReportDocument, SaysWhyTheRateWasNotHeld) {
  v1::LoadReport report;
  report.mutable_config()->set_rate(1000);
  report.set_order_is_trace(true);
  FillReport(SomeCounts(), std::chrono::seconds(2), report);
  AddError(absl::UnavailableError("the server is gone"), report);
  const std::string text = client::RenderTable(ReportDocument(report), client::Style(false));
  EXPECT_THAT(text, HasSubstr("The rate was not held: 33.3 %"));
  EXPECT_THAT(text, HasSubstr("UNAVAILABLE: the server is gone"));
  EXPECT_THAT(text, HasSubstr("double_free"));
  EXPECT_THAT(text, HasSubstr("rpc_error"));
  EXPECT_THAT(text, HasSubstr("intended start"));
  report.mutable_config()->set_rate(0);
  EXPECT_THAT(client::RenderTable(ReportDocument(report), client::Style(false)), Not(HasSubstr("intended start")));
}

TEST(Progress, ShowsWhatHappenedInTheInterval) {
  EXPECT_EQ(Sparkline({}), "");
  EXPECT_EQ(Sparkline({0, 0}), "▁▁");
  EXPECT_EQ(Sparkline({0, 50, 100}), "▁▅█");
  const std::string line = ProgressLine(SomeCounts(), {.target_per_second = 10, .lag = milliseconds(3)}, milliseconds(500));
  EXPECT_THAT(line, HasSubstr("lag 3.00 ms"));
  EXPECT_THAT(line, HasSubstr("dropped 6"));
  EXPECT_THAT(line, HasSubstr("failed 5"));
  EXPECT_THAT(ProgressLine({}, {}, milliseconds(500)), Not(HasSubstr("lag")));
}

TEST(Backoff, DoublesToALimitAndStartsOver) {
  Backoff backoff;
  EXPECT_EQ(backoff.Next(), milliseconds(500));
  EXPECT_EQ(backoff.Next(), milliseconds(1'000));
  for (int i = 0; i < 10; ++i) backoff.Next();
  EXPECT_EQ(backoff.Next(), milliseconds(10'000));
  backoff.Reset();
  EXPECT_EQ(backoff.Next(), milliseconds(500));
}

std::string Exposition(const LoadMetrics& metrics) {
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, metrics.Collect());
  return text.str();
}

TEST(LoadMetrics, TellWhatTheMeterCounted) {
  LoadMetrics metrics;
  const auto meter = metrics.MeterOf("h", {"run", "steady-state", "abc"});
  EXPECT_THAT(Exposition(metrics),
              HasSubstr("alloclab_load_operations_total{operation=\"malloc\",outcome=\"ok\",lab_instance=\"h\"} 0"));
  meter->Sent(3, milliseconds(7), 0.25);
  meter->Answered(kBatch, std::vector<Outcome>{Outcome::kFragmented, Outcome::kOk, Outcome::kDoubleFree}, Nanos(1 << 20),
                  milliseconds(1));
  meter->Dropped(DropReason::kOverrun, 5);
  const std::string text = Exposition(metrics);
  EXPECT_THAT(
      text, HasSubstr("alloclab_load_operations_total{operation=\"malloc\",outcome=\"alloc_failed\",lab_instance=\"h\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("alloclab_load_operations_total{operation=\"free\",outcome=\"ok\",lab_instance=\"h\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("alloclab_load_operations_total{operation=\"free\",outcome=\"invalid_use\",lab_instance=\"h\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("alloclab_load_dropped_operations_total{reason=\"overrun\",lab_instance=\"h\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("alloclab_load_schedule_lag_seconds{lab_instance=\"h\"} 0.007"));
  EXPECT_THAT(text, HasSubstr("alloclab_load_response_seconds_bucket{lab_instance=\"h\",le=\"0.000524288\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("alloclab_load_response_seconds_bucket{lab_instance=\"h\",le=\"0.001048576\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("alloclab_load_batch_operations_bucket{lab_instance=\"h\",le=\"4\"} 1\n"));
  EXPECT_THAT(
      text, HasSubstr("alloclab_load_run_info{run_id=\"run\",workload=\"steady-state\",trace=\"abc\",lab_instance=\"h\"} 1\n"));
}

TEST(LoadMetrics, AMeterOutlivesItsRun) {
  LoadMetrics metrics;
  metrics.MeterOf("h", {"1", "w", "t"})->PassBegun();
  metrics.MeterOf("h", {"2", "w", "t"})->PassBegun();
  const std::string text = Exposition(metrics);
  EXPECT_THAT(text, HasSubstr("alloclab_load_passes_total{lab_instance=\"h\"} 2\n"));
  EXPECT_THAT(text, Not(HasSubstr("run_id=\"1\"")));
}

TEST(LoadMetrics, PassPromtool) {
  LoadMetrics metrics;
  metrics.MeterOf("h", {"run", "w", "t"});
  const std::string path = testing::TempDir() + "load_metrics.txt";
  std::ofstream(path) << Exposition(metrics);
  std::FILE* const promtool = popen(("promtool check metrics < " + path + " 2>&1").c_str(), "r");
  ASSERT_NE(promtool, nullptr);
  std::string said(4096, '\0');
  said.resize(std::fread(said.data(), 1, said.size(), promtool));
  EXPECT_EQ(pclose(promtool), 0) << said;
  EXPECT_EQ(said, "");
}

TEST(Expose, RefusesWhatIsNoAddressAndAPortThatIsTaken) {
  const auto metrics = std::make_shared<LoadMetrics>();
  for (const char* listen : {"", "7415", ":7415", "localhost:", "localhost:99999", "localhost:x"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Expose(listen, metrics).status())) << listen;
  }
  const auto first = Expose("127.0.0.1:0", metrics);
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string taken = "127.0.0.1:" + std::to_string((*first)->GetListeningPorts().front());
  const absl::Status status = Expose(taken, metrics).status();
  EXPECT_TRUE(absl::IsInternal(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr(taken));
}

TEST(LoadWorkload, MakesTheSameOperationsAsTheLibrary) {
  const absl::StatusOr<LoadedWorkload> loaded = LoadWorkload("steady-state", 0);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->script->operations, MakeBuiltin("steady-state", 0, 0)->operations);
  EXPECT_EQ(loaded->source.builtin().name(), "steady-state");
}

TEST(LoadWorkload, ReadsASpecificationAndSaysWhereItIsWrong) {
  const std::string path = testing::TempDir() + "load_spec.yaml";
  std::ofstream(path) << "name: s\nseed: 3\nphases:\n  - name: a\n    operations: 100\n    live_blocks: 10\n"
                         "    size: {uniform: {min: 8, max: 64}}\n";
  const absl::StatusOr<LoadedWorkload> loaded = LoadWorkload(path, 0);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->script->operations.size(), 100u);
  std::ofstream(path) << "name: s\nphases:\n  - name: a\n    operations: 100\n    size: {uniform: {min: 9, max: 4}}\n";
  const absl::Status status = LoadWorkload(path, 0).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(path + ":5:"));
}

TEST(LoadWorkload, SaysWhatIsNotThere) {
  EXPECT_TRUE(absl::IsDataLoss(LoadWorkload("no-such-workload", 0).status()));
  EXPECT_TRUE(absl::IsDataLoss(LoadWorkload("./no-such-file.rep", 0).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(LoadWorkload("sha256:" + std::string(64, 'a'), 0).status()));
}

}  // namespace
}  // namespace alloclab::load

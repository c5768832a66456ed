// What is asked for and what is told: configuration, report, progress, metrics.
#include "clients/load/load_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "absl/strings/str_join.h"
#include "allocators/workload/builtins.h"
#include "clients/load/demo.h"
#include "clients/load/load_config.h"
#include "clients/load/load_document.h"
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
      {"--rate 2000000000: expected 1 to 1000000000", [](v1::LoadConfig& c) { c.set_rate(2e9); }},
      {"--rate", [](v1::LoadConfig& c) { c.set_rate(std::numeric_limits<double>::quiet_NaN()); }},
      {"--duration 277777h46m40s: expected 0 to 8784h", [](v1::LoadConfig& c) { c.set_duration_seconds(1e9); }},
      {"--warmup -1s", [](v1::LoadConfig& c) { c.set_warmup_seconds(-1); }},
      {"--timeout 0: expected 1ms to 8784h", [](v1::LoadConfig& c) { c.set_timeout_seconds(0); }},
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

v1::LoadConfig AtRate(double rate, std::uint32_t connections, double duration_seconds = 0, std::uint64_t operations = 0) {
  v1::LoadConfig config = GoodConfig();
  config.set_instances(1);
  config.set_rate(rate);
  config.set_connections(connections);
  config.set_duration_seconds(duration_seconds);
  config.set_operations(operations);
  return config;
}

TEST(DefaultBatch, IsTenMillisecondsOfTheRate) {
  EXPECT_EQ(DefaultBatch(AtRate(0, 7)), 4096u);
  EXPECT_EQ(DefaultBatch(AtRate(100'000, 1)), 1'000u);
  EXPECT_EQ(DefaultBatch(AtRate(100'000, 10)), 100u);
  EXPECT_EQ(DefaultBatch(AtRate(100'000, 10), 0.05), 500u);
  EXPECT_EQ(DefaultBatch(AtRate(5, 1)), 1u);
  EXPECT_EQ(DefaultBatch(AtRate(1e9, 1)), 4096u);
}

TEST(DefaultBatch, IsNoLongerThanTheLoad) {
  EXPECT_EQ(DefaultBatch(AtRate(100'000, 1, 0.002)), 200u);
  EXPECT_EQ(DefaultBatch(AtRate(100'000, 4, 0, 500)), 125u);
  EXPECT_EQ(DefaultBatch(AtRate(0, 1, 0, 500)), 4096u);  // a closed loop sends what there is
}

TEST(CheckConfig, RefusesABatchLongerThanTheLoadAtTheRate) {
  const auto check = [](v1::LoadConfig config, std::uint32_t batch) {
    config.set_batch(batch);
    return std::string(CheckConfig(config).message());
  };
  EXPECT_EQ(check(AtRate(100, 1, 10), 1'000), "");
  EXPECT_EQ(check(AtRate(100, 1, 10), 1'001),
            "--batch 1001: at --rate 100 one batch is 10.01s of load, more than --duration 10s; expected a --batch of at most "
            "1000");
  EXPECT_EQ(check(AtRate(100, 4, 10), 250), "");
  EXPECT_EQ(
      check(AtRate(100, 4, 10), 65'536),
      "--batch 65536: at --rate 100 over 4 connections one batch is 43m41.44s of load, more than --duration 10s; expected "
      "a --batch of at most 250");
  EXPECT_EQ(check(AtRate(1'000, 2, 0, 300), 151),
            "--batch 151: at --rate 1000 over 2 connections one batch is 302ms of load, more than --operations 300; expected a "
            "--batch of at most 150");
  EXPECT_THAT(check(AtRate(1, 4, 0.5), 1), HasSubstr("expected a longer load or fewer connections"));
  EXPECT_EQ(check(AtRate(1'000, 1), 65'536), "");  // until the workload ends, or for ever
  EXPECT_EQ(check(AtRate(0, 1, 0, 10), 4'096), "");
}

const std::vector<Operation> kBatch = {{.kind = OpKind::kMalloc}, {.kind = OpKind::kFree}, {.kind = OpKind::kFree}};

// Three answered batches of three, one of them with a double free; one batch lost; 6 operations dropped.
LoadCounts SomeCounts() {
  Meter meter;
  const std::vector<Outcome> outcomes = {Outcome::kOutOfMemory, Outcome::kOk, Outcome::kDoubleFree};
  for (int i = 0; i < 4; ++i) meter.Sent(Part::kMeasured, 3, milliseconds(i), i < 2, 0.5);
  const auto answered = [&](std::span<const Outcome> outcomes, int response, int service) {
    meter.Answered(Part::kMeasured, kBatch,
                   {.outcomes = outcomes,
                    .response = milliseconds(response),
                    .service = milliseconds(service),
                    .server = milliseconds(service) / 2});
  };
  answered({}, 1, 1);
  answered({}, 2, 1);
  answered(outcomes, 10, 8);
  meter.Lost(Part::kMeasured, kBatch, LossReason::kRpcError);
  meter.Dropped(DropReason::kInflightLimit, {.warm_up = 0, .measured = 2}, 3);
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
  EXPECT_NEAR(report.server().max_seconds(), 0.004, 0.004 / 128);
  EXPECT_EQ(report.schedule().lag().count(), 4u);
  EXPECT_EQ(report.schedule().own_lag().count(), 2u);
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
  EXPECT_EQ(twice.response.counts(), SomeCounts().response.counts());
  EXPECT_EQ(twice.scheduled, SomeCounts().scheduled);
}

TEST(Meter, KeepsTheWarmUpApart) {
  Meter meter;
  for (const Part part : {Part::kWarmUp, Part::kMeasured, Part::kWarmUp}) {
    meter.PassBegun(part);
    meter.Sent(part, 3, milliseconds(1), true, 0.5);
    meter.Answered(part, kBatch, {});
    meter.Paused(part, milliseconds(10));
  }
  meter.Dropped(DropReason::kOverrun, {.warm_up = 5, .measured = 7}, 3);
  const LoadCounts all = meter.Read().counts, measured = meter.Read(Part::kMeasured);
  EXPECT_EQ(all.Answered(), 9u);
  EXPECT_EQ(measured.Answered(), 3u);
  EXPECT_EQ(all.scheduled, 9u + 36);
  EXPECT_EQ(measured.scheduled, 3u + 21);
  EXPECT_EQ(measured.passes, 1u);
  EXPECT_EQ(measured.between_passes, milliseconds(10));
  EXPECT_EQ(all.batch_operations.count(), 3u);
  EXPECT_EQ(measured.lag.count(), 1u);
}

TEST(FillReport, FiguresOfOneOperationAgree) {
  Meter meter;
  meter.Sent(Part::kMeasured, 1, milliseconds(1), true, 1);
  meter.Answered(Part::kMeasured, std::span(kBatch).first(1), {.outcomes = {}, .response = Nanos(1'000'001)});
  v1::LoadReport report;
  FillReport(meter.Read(Part::kMeasured), std::chrono::seconds(1), report);
  const v1::Latency& latency = report.response();
  for (const double figure :
       {latency.min_seconds(), latency.mean_seconds(), latency.p50_seconds(), latency.p9999_seconds(), latency.max_seconds()}) {
    EXPECT_EQ(figure, 0.001000001);
  }
}

// A load of one connection and 10 s in which the window was full, with replies of 10 ms.
v1::LoadReport WindowWasFull(double server_seconds, double own_lag_seconds) {
  v1::LoadReport report;
  report.mutable_config()->set_rate(1000);
  report.mutable_config()->set_connections(1);
  report.mutable_config()->set_instances(1);
  report.set_elapsed_seconds(10);
  report.mutable_schedule()->set_scheduled(100);
  report.mutable_schedule()->set_dropped_inflight_limit(25);
  report.mutable_service()->set_mean_seconds(0.010);
  report.mutable_service()->set_p50_seconds(0.010);
  report.mutable_server()->set_count(1'000);
  report.mutable_server()->set_mean_seconds(server_seconds);
  report.mutable_schedule()->mutable_own_lag()->set_count(own_lag_seconds > 0 ? 75 : 0);
  report.mutable_schedule()->mutable_own_lag()->set_p90_seconds(own_lag_seconds);
  return report;
}

std::string Remarks(const v1::LoadReport& report) { return absl::StrJoin(ReportDocument(report).footer, "\n"); }

TEST(ReportDocument, BlamesTheServerOnlyIfItWasBusyAndTheGeneratorInTime) {
  const std::string busy = Remarks(WindowWasFull(0.009, 0.000'1));
  EXPECT_THAT(busy, HasSubstr("The rate was not held: 25.0 % of the scheduled operations were dropped"));
  EXPECT_THAT(busy, HasSubstr("the server worked on these batches 90.0 % of the time: it is at its capacity for them"));
  const std::string idle = Remarks(WindowWasFull(0.000'5, 0.000'1));
  EXPECT_THAT(idle, HasSubstr("the rest went by between the programs"));
  EXPECT_THAT(idle, Not(HasSubstr("capacity")));
  const std::string late = Remarks(WindowWasFull(0.009, 0.008));
  EXPECT_THAT(late, HasSubstr("this host is busy, and what the server could do is not known"));
  EXPECT_THAT(late, Not(HasSubstr("capacity")));
  EXPECT_THAT(Remarks(WindowWasFull(0.009, 0)), HasSubstr("no batch found room"));
}

TEST(ReportDocument, SaysThatThisProgramCameTooLate) {
  v1::LoadReport report = WindowWasFull(0.009, 0.05);
  report.mutable_schedule()->set_dropped_overrun(30);
  EXPECT_THAT(Remarks(report), HasSubstr("this program came too late"));
  EXPECT_THAT(Remarks(report), Not(HasSubstr("capacity")));
}

TEST(ReportDocument, SaysWhyTheHeapIsNotReproducible) {
  v1::LoadReport report;
  report.mutable_config()->set_connections(1);
  report.mutable_config()->set_instances(1);
  EXPECT_EQ(Remarks(report), "");
  report.mutable_config()->set_connections(2);
  EXPECT_THAT(Remarks(report), HasSubstr("Connections shared an instance"));
  report.mutable_config()->set_connections(1);
  report.mutable_config()->set_instances(0);
  report.mutable_config()->set_instance("mine");
  EXPECT_EQ(Remarks(report), "The instance existed before: its heap at the end follows from what was in it, too.");
}

TEST(ReportDocument, SaysWhyTheRateWasNotHeld) {
  v1::LoadReport report;
  report.mutable_config()->set_rate(1000);
  report.set_order_is_trace(true);
  FillReport(SomeCounts(), std::chrono::seconds(2), report);
  AddError(absl::UnavailableError("the server is gone"), report);
  const std::string text = client::RenderTable(ReportDocument(report), client::Style(false), 80);
  EXPECT_THAT(text, HasSubstr("The rate was not held: 33.3 %"));
  EXPECT_THAT(text, HasSubstr("UNAVAILABLE: the server is gone"));
  EXPECT_THAT(text, HasSubstr("double_free"));
  EXPECT_THAT(text, HasSubstr("rpc_error"));
  EXPECT_THAT(text, HasSubstr("due to reply"));
  report.mutable_config()->set_rate(0);
  EXPECT_THAT(client::RenderTable(ReportDocument(report), client::Style(false), 80), Not(HasSubstr("due to reply")));
}

TEST(Progress, ShowsWhatHappenedInTheInterval) {
  EXPECT_EQ(Sparkline({}), "");
  EXPECT_EQ(Sparkline({0, 0}), "▁▁");
  EXPECT_EQ(Sparkline({0, 50, 100}), "▁▅█");
  const std::string line = ProgressLine(SomeCounts(), {.target_per_second = 10, .lag = milliseconds(3)}, milliseconds(500));
  EXPECT_THAT(line, HasSubstr("lag 3ms"));
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
  EXPECT_THAT(Exposition(metrics), HasSubstr("alloclab_load_operations_total{operation=\"malloc\",outcome=\"ok\",lab_instance=\"h\"} 0"));
  meter->Sent(Part::kMeasured, 3, milliseconds(7), true, 0.25);
  const std::vector<Outcome> outcomes = {Outcome::kFragmented, Outcome::kOk, Outcome::kDoubleFree};
  meter->Answered(Part::kWarmUp, kBatch, {.outcomes = outcomes, .response = Nanos(1 << 20), .service = milliseconds(1)});
  meter->Dropped(DropReason::kOverrun, {.warm_up = 2, .measured = 3}, 1);
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
  metrics.MeterOf("h", {"1", "w", "t"})->PassBegun(Part::kWarmUp);
  metrics.MeterOf("h", {"2", "w", "t"})->PassBegun(Part::kMeasured);
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

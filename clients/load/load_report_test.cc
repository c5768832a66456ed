// What is counted and what is told of it: meter, report, progress, metrics.
#include "clients/load/load_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cstdio>
#include <sstream>

#include "clients/load/demo.h"
#include "clients/load/load_document.h"
#include "clients/load/load_metrics.h"
#include "clients/load/load_progress.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::load {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<Operation> kBatch = {{.kind = OpKind::kMalloc}, {.kind = OpKind::kFree}, {.kind = OpKind::kFree}};

// Three answered batches of three, one of them with a double free; one batch lost; 6 operations dropped.
LoadCounts SomeCounts() {
  Meter meter;
  const std::vector<Outcome> outcomes = {Outcome::kOutOfMemory, Outcome::kOk, Outcome::kDoubleFree};
  for (int i = 0; i < 4; ++i) meter.Sent(Part::kMeasured, 3, milliseconds(i), i < 2, 0.5);
  const auto answered = [&](std::span<const Outcome> told, int response, int service) {
    meter.Answered(Part::kMeasured, kBatch,
                   {.outcomes = told,
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
  EXPECT_EQ(again.buckets().counts(), SomeCounts().response.buckets().counts());
}

TEST(LoadCounts, SubtractToWhatHappenedBetween) {
  LoadCounts twice = SomeCounts();
  twice += SomeCounts();
  twice -= SomeCounts();
  EXPECT_EQ(twice.answered, SomeCounts().answered);
  EXPECT_EQ(twice.dropped, SomeCounts().dropped);
  EXPECT_EQ(twice.response.buckets().counts(), SomeCounts().response.buckets().counts());
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
  EXPECT_EQ(measured.lag.buckets().count(), 1u);
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
  EXPECT_THAT(Exposition(metrics),
              HasSubstr("alloclab_load_operations_total{operation=\"malloc\",outcome=\"ok\",lab_instance=\"h\"} 0"));
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
  const TemporaryDirectory directory;
  const std::string path = directory.Write("metrics", Exposition(metrics));
  std::FILE* const promtool = popen(("promtool check metrics < " + path + " 2>&1").c_str(), "r");
  ASSERT_NE(promtool, nullptr);
  std::string said(4096, '\0');
  said.resize(std::fread(said.data(), 1, said.size(), promtool));
  EXPECT_EQ(pclose(promtool), 0) << said;
  EXPECT_EQ(said, "");
}

}  // namespace
}  // namespace alloclab::load

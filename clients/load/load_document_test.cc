#include "clients/load/load_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_join.h"

namespace alloclab::load {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

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

TEST(ReportDocument, SaysWhatTheMachineCannotDo) {
  v1::LoadReport report;
  report.mutable_config()->set_connections(1);
  report.mutable_config()->set_instances(1);
  report.mutable_config()->mutable_instance_config()->set_heap_allocator("none");
  report.set_operations(1'500);
  v1::OutcomeCount& outcome = *report.add_outcomes();
  outcome.set_operation("malloc");
  outcome.set_outcome("unsupported");
  outcome.set_count(1'000);
  EXPECT_EQ(Remarks(report), "1,000 of 1,500 operations were unsupported and did nothing: the machine has no heap.");
}

TEST(WhyNothingWasMeasured, TellsTheWarmUpFromItsBacklog) {
  v1::LoadReport report;
  EXPECT_EQ(WhyNothingWasMeasured(report), "no operation was done");
  report.set_warmup_operations(500);
  EXPECT_THAT(WhyNothingWasMeasured(report), HasSubstr("the workload ended within --warmup"));
  report.mutable_schedule()->set_scheduled(90'000);
  report.mutable_schedule()->set_dropped_aborted(90'000);
  EXPECT_THAT(WhyNothingWasMeasured(report), HasSubstr("still waiting at the end; a lower --rate"));
  EXPECT_THAT(WhyNothingWasMeasured(report), Not(HasSubstr("ended within")));
}

TEST(ReportDocument, ShowsOfADigestWhatFitsALine) {
  v1::LoadReport report;
  report.set_trace_sha256(std::string(64, 'a'));
  const client::Document document = ReportDocument(report);
  EXPECT_THAT(client::RenderTable(document, client::Style(false), 80), HasSubstr(" aaaaaaaaaaaaaaaa…\n"));
  EXPECT_THAT(client::RenderCsv(document), HasSubstr("," + report.trace_sha256() + ",")) << "programs get all";
}

}  // namespace
}  // namespace alloclab::load

#include "clients/load/load_report.h"

#include <string>

namespace alloclab::load {
namespace {

void FillLatency(const LatencyHistogram& histogram, v1::Latency& latency) {
  const LogHistogram& buckets = histogram.buckets();
  latency.set_count(buckets.count());
  latency.set_mean_seconds(Seconds(histogram.Mean()));
  latency.set_min_seconds(Seconds(histogram.Min()));
  latency.set_p50_seconds(Seconds(histogram.Quantile(0.5)));
  latency.set_p90_seconds(Seconds(histogram.Quantile(0.9)));
  latency.set_p99_seconds(Seconds(histogram.Quantile(0.99)));
  latency.set_p999_seconds(Seconds(histogram.Quantile(0.999)));
  latency.set_p9999_seconds(Seconds(histogram.Quantile(0.9999)));
  latency.set_max_seconds(Seconds(histogram.Max()));
  for (int bucket = 0; bucket < LogHistogram::kBuckets; ++bucket) {
    if (buckets.counts()[bucket] == 0) continue;
    v1::LatencyBucket& added = *latency.add_buckets();
    added.set_upper_ns(LogHistogram::UpperBound(bucket));
    added.set_count(buckets.counts()[bucket]);
  }
}

void AddOutcome(std::uint32_t kind, std::string_view outcome, std::uint64_t count, v1::LoadReport& report) {
  if (count == 0) return;
  v1::OutcomeCount& added = *report.add_outcomes();
  added.set_operation(std::string(OpKindName(static_cast<OpKind>(kind))));
  added.set_outcome(std::string(outcome));
  added.set_count(count);
}

void FillOutcomes(const LoadCounts& counts, v1::LoadReport& report) {
  for (std::uint32_t kind = 0; kind < kOpKinds; ++kind) {
    for (std::uint32_t outcome = 0; outcome < kOutcomeSlots; ++outcome) {
      AddOutcome(kind, OutcomeName(static_cast<Outcome>(outcome)), counts.answered[kind][outcome], report);
    }
    for (std::uint32_t reason = 0; reason < kLossReasons; ++reason) {
      AddOutcome(kind, LossReasonName(static_cast<LossReason>(reason)), counts.lost[kind][reason], report);
    }
  }
}

}  // namespace

void FillReport(const LoadCounts& counts, Nanos elapsed, v1::LoadReport& report) {
  report.set_elapsed_seconds(Seconds(elapsed));
  report.set_between_passes_seconds(Seconds(counts.between_passes));
  report.set_operations(counts.Answered());
  report.set_failed_operations(counts.Failed());
  report.set_lost_operations(counts.Lost());
  if (elapsed > Nanos(0)) report.set_operations_per_second(static_cast<double>(counts.Answered()) / Seconds(elapsed));
  FillOutcomes(counts, report);
  v1::LoadSchedule& schedule = *report.mutable_schedule();
  schedule.set_scheduled(counts.scheduled);
  schedule.set_dropped_overrun(counts.dropped[static_cast<std::size_t>(DropReason::kOverrun)]);
  schedule.set_dropped_inflight_limit(counts.dropped[static_cast<std::size_t>(DropReason::kInflightLimit)]);
  schedule.set_dropped_aborted(counts.dropped[static_cast<std::size_t>(DropReason::kAborted)]);
  FillLatency(counts.lag, *schedule.mutable_lag());
  FillLatency(counts.own_lag, *schedule.mutable_own_lag());
  FillLatency(counts.response, *report.mutable_response());
  FillLatency(counts.service, *report.mutable_service());
  FillLatency(counts.server, *report.mutable_server());
}

void AddError(const absl::Status& error, v1::LoadReport& report) {
  v1::CallError& added = *report.add_errors();
  added.set_code(absl::StatusCodeToString(error.code()));
  added.set_message(std::string(error.message()));
  added.set_count(1);
}

}  // namespace alloclab::load

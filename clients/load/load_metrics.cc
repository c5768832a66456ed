#include "clients/load/load_metrics.h"

#include <prometheus/client_metric.h>

#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "clients/load/load_config.h"
#include "server/http/metric_family.h"

namespace alloclab::load {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;
using server::Family;

// Bounds of the exported latency buckets: every power of two from 8 us to 17 s. They are bounds of LogHistogram, too, so
// that nothing is lost.
constexpr int kShortestBits = 13, kLongestBits = 34;

// What a scrape says, family by family: what each means is said here, once.
struct Families {
  Family operations{"alloclab_load_operations_total",
                    "Operations by outcome: ok; alloc_failed (out of memory, heap limit, fragmented); invalid_use (all other "
                    "outcomes of the simulation); rpc_error and deadline (sent and never answered)",
                    MetricType::Counter};
  Family scheduled{"alloclab_load_scheduled_operations_total", "Operations that were due: sent or dropped",
                   MetricType::Counter};
  Family dropped{"alloclab_load_dropped_operations_total",
                 "Operations due and not sent: overrun (the generator came too late), inflight_limit (the window was full), "
                 "aborted (the load ended)",
                 MetricType::Counter};
  Family passes{"alloclab_load_passes_total", "Passes over the workload begun", MetricType::Counter};
  Family response{"alloclab_load_response_seconds", "Time from a batch's intended start to its reply", MetricType::Histogram};
  Family service{"alloclab_load_service_seconds", "Time from a batch's send to its reply", MetricType::Histogram};
  Family batch{"alloclab_load_batch_operations", "Operations per batch sent", MetricType::Histogram};
  Family lag{"alloclab_load_schedule_lag_seconds", "How late the last batch was sent, or the waiting one is",
             MetricType::Gauge};
  Family inflight{"alloclab_load_inflight_operations", "Operations sent and not answered yet", MetricType::Gauge};
  Family target{"alloclab_load_target_operations_per_second", "The rate asked for; 0 in a closed loop", MetricType::Gauge};
  Family position{"alloclab_load_trace_position_ratio", "How far the pass under way is", MetricType::Gauge};
  Family run_info{"alloclab_load_run_info", "What is replayed; always 1", MetricType::Gauge};
};

ClientMetric::Histogram ToHistogram(const LogHistogram& latency) {
  ClientMetric::Histogram histogram;
  for (int bits = kShortestBits; bits <= kLongestBits; ++bits) {
    histogram.bucket.push_back({latency.CountUpTo(bits), std::ldexp(1e-9, bits)});
  }
  histogram.bucket.push_back({latency.count(), std::numeric_limits<double>::infinity()});
  histogram.sample_count = latency.count();
  histogram.sample_sum = static_cast<double>(latency.sum()) * 1e-9;
  return histogram;
}

// All outcomes of every operation, the zeros too, so that rates exist from the start.
void AddOperations(const std::string& heap, const LoadCounts& counts, Family& family) {
  for (std::uint32_t kind = 0; kind < kOpKinds; ++kind) {
    std::uint64_t ok = 0, refused = 0, invalid = 0;
    for (std::uint32_t number = 0; number < kOutcomeSlots; ++number) {
      const auto outcome = static_cast<Outcome>(number);
      (Succeeded(outcome) ? ok : outcome <= Outcome::kFragmented ? refused : invalid) += counts.answered[kind][number];
    }
    const auto add = [&](std::string_view outcome, std::uint64_t value) {
      family.Add({{"operation", OpKindName(static_cast<OpKind>(kind))}, {"outcome", outcome}, {"lab_instance", heap}}, value);
    };
    add("ok", ok);
    add("alloc_failed", refused);
    add("invalid_use", invalid);
    for (const LossReason reason : {LossReason::kRpcError, LossReason::kDeadline}) {
      add(LossReasonName(reason), counts.lost[kind][static_cast<std::size_t>(reason)]);
    }
  }
}

void AddSeries(const std::string& heap, const LoadSnapshot& snapshot, const RunLabels& labels, Families& families) {
  const LoadCounts& counts = snapshot.counts;
  const LoadGauges& gauges = snapshot.gauges;
  const server::MetricLabels of_heap = {{"lab_instance", heap}};
  AddOperations(heap, counts, families.operations);
  families.scheduled.Add(of_heap, counts.scheduled);
  for (const DropReason reason : {DropReason::kOverrun, DropReason::kInflightLimit, DropReason::kAborted}) {
    families.dropped.Add({{"reason", DropReasonName(reason)}, {"lab_instance", heap}},
                         counts.dropped[static_cast<std::size_t>(reason)]);
  }
  families.passes.Add(of_heap, counts.passes);
  families.response.Add(of_heap, ToHistogram(counts.response.buckets()));
  families.service.Add(of_heap, ToHistogram(counts.service.buckets()));
  constexpr int kFirstBucket = 1, kLastBucket = Pow2Histogram::BucketOf(kBatchMax);
  families.batch.Add(of_heap, server::ToHistogram(counts.batch_operations, kFirstBucket, kLastBucket));
  families.lag.Add(of_heap, Seconds(gauges.lag));
  families.inflight.Add(of_heap, gauges.inflight_operations);
  families.target.Add(of_heap, gauges.target_per_second);
  families.position.Add(of_heap, gauges.position_ratio);
  families.run_info.Add(
      {{"run_id", labels.run_id}, {"workload", labels.workload}, {"trace", labels.trace}, {"lab_instance", heap}}, 1.0);
}

}  // namespace

std::shared_ptr<Meter> LoadMetrics::MeterOf(const std::string& heap, const RunLabels& labels) {
  const MutexLock lock(mutex_);
  Series& series = by_heap_[heap];
  series.labels = labels;
  return series.meter;
}

std::vector<prometheus::MetricFamily> LoadMetrics::Collect() const {
  Families families;
  {
    const MutexLock lock(mutex_);
    for (const auto& [heap, series] : by_heap_) AddSeries(heap, series.meter->Read(), series.labels, families);
  }
  std::vector<prometheus::MetricFamily> all;
  for (Family* family :
       {&families.operations, &families.scheduled, &families.dropped, &families.passes, &families.response, &families.service,
        &families.batch, &families.lag, &families.inflight, &families.target, &families.position, &families.run_info}) {
    all.push_back(std::move(*family).Take());
  }
  return all;
}

}  // namespace alloclab::load

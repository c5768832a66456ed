#include "clients/load/load_metrics.h"

#include <fmt/format.h>
#include <prometheus/metric_family.h>

#include <cmath>
#include <exception>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"

namespace alloclab::load {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// Bounds of the exported latency buckets: every power of two from 8 us to 17 s. They are bounds of LatencyHistogram, too, so
// that nothing is lost.
constexpr int kShortestBits = 13, kLongestBits = 34;

// The families in the order of metrics: what each means is said here, once.
enum Family {
  kOperations,
  kScheduled,
  kDropped,
  kPasses,
  kResponse,
  kService,
  kBatch,
  kLag,
  kInflight,
  kTarget,
  kPosition,
  kRunInfo,
  kFamilies
};

std::vector<MetricFamily> Families() {
  std::vector<MetricFamily> families(kFamilies);
  const auto describe = [&families](Family family, const char* name, MetricType type, const char* help) {
    families[family] = {.name = std::string("alloclab_load_") + name, .help = help, .type = type, .metric = {}};
  };
  describe(
      kOperations, "operations_total", MetricType::Counter,
      "Operations by outcome: ok; alloc_failed (out of memory, heap limit, fragmented); invalid_use (all other outcomes of the "
      "simulation); rpc_error and deadline (sent and never answered)");
  describe(kScheduled, "scheduled_operations_total", MetricType::Counter, "Operations that were due: sent or dropped");
  describe(
      kDropped, "dropped_operations_total", MetricType::Counter,
      "Operations due and not sent: overrun (the generator came too late), inflight_limit (the window was full), aborted (the "
      "load ended)");
  describe(kPasses, "passes_total", MetricType::Counter, "Passes over the workload begun");
  describe(kResponse, "response_seconds", MetricType::Histogram, "Time from a batch's intended start to its reply");
  describe(kService, "service_seconds", MetricType::Histogram, "Time from a batch's send to its reply");
  describe(kBatch, "batch_operations", MetricType::Histogram, "Operations per batch sent");
  describe(kLag, "schedule_lag_seconds", MetricType::Gauge, "How late the last batch was sent, or the waiting one is");
  describe(kInflight, "inflight_operations", MetricType::Gauge, "Operations sent and not answered yet");
  describe(kTarget, "target_operations_per_second", MetricType::Gauge, "The rate asked for; 0 in a closed loop");
  describe(kPosition, "trace_position_ratio", MetricType::Gauge, "How far the pass under way is");
  describe(kRunInfo, "run_info", MetricType::Gauge, "What is replayed; always 1");
  return families;
}

ClientMetric Labelled(const std::string& instance, std::vector<ClientMetric::Label> more = {}) {
  ClientMetric metric;
  metric.label = std::move(more);
  metric.label.push_back({"lab_instance", instance});
  return metric;
}

void AddCounter(MetricFamily& family, ClientMetric metric, std::uint64_t value) {
  metric.counter.value = static_cast<double>(value);
  family.metric.push_back(std::move(metric));
}

void AddGauge(MetricFamily& family, ClientMetric metric, double value) {
  metric.gauge.value = value;
  family.metric.push_back(std::move(metric));
}

void AddLatency(MetricFamily& family, const std::string& heap, const LatencyHistogram& histogram) {
  ClientMetric metric = Labelled(heap);
  for (int bits = kShortestBits; bits <= kLongestBits; ++bits) {
    metric.histogram.bucket.push_back({histogram.CountUpTo(bits), std::ldexp(1e-9, bits)});
  }
  metric.histogram.bucket.push_back({histogram.count(), std::numeric_limits<double>::infinity()});
  metric.histogram.sample_count = histogram.count();
  metric.histogram.sample_sum = static_cast<double>(histogram.sum_ns()) * 1e-9;
  family.metric.push_back(std::move(metric));
}

void AddBatches(MetricFamily& family, const std::string& heap, const Pow2Histogram& histogram) {
  constexpr int kLargestBucket = Pow2Histogram::BucketOf(65'536);
  ClientMetric metric = Labelled(heap);
  std::uint64_t cumulative = 0;
  for (int bucket = 0; bucket <= kLargestBucket; ++bucket) {
    cumulative += histogram.counts()[bucket];
    if (bucket > 0) metric.histogram.bucket.push_back({cumulative, static_cast<double>(Pow2Histogram::UpperBound(bucket))});
  }
  metric.histogram.bucket.push_back({histogram.count(), std::numeric_limits<double>::infinity()});
  metric.histogram.sample_count = histogram.count();
  metric.histogram.sample_sum = static_cast<double>(histogram.sum());
  family.metric.push_back(std::move(metric));
}

// All outcomes of every operation, the zeros too, so that rates exist from the start.
void AddOperations(MetricFamily& family, const std::string& heap, const LoadCounts& counts) {
  for (std::uint32_t kind = 0; kind < kOpKinds; ++kind) {
    std::uint64_t ok = 0, refused = 0, invalid = 0;
    for (std::uint32_t number = 0; number < kOutcomeSlots; ++number) {
      const auto outcome = static_cast<Outcome>(number);
      (Succeeded(outcome) ? ok : outcome <= Outcome::kFragmented ? refused : invalid) += counts.answered[kind][number];
    }
    const auto add = [&](std::string_view outcome, std::uint64_t value) {
      AddCounter(family,
                 Labelled(heap, {{"operation", std::string(OpKindName(static_cast<OpKind>(kind)))},
                                 {"outcome", std::string(outcome)}}),
                 value);
    };
    add("ok", ok);
    add("alloc_failed", refused);
    add("invalid_use", invalid);
    for (const LossReason reason : {LossReason::kRpcError, LossReason::kDeadline}) {
      add(LossReasonName(reason), counts.lost[kind][static_cast<std::size_t>(reason)]);
    }
  }
}

void AddSeries(const std::string& heap, const LoadSnapshot& snapshot, const RunLabels& labels,
               std::vector<MetricFamily>& families) {
  const LoadCounts& counts = snapshot.counts;
  AddOperations(families[kOperations], heap, counts);
  AddCounter(families[kScheduled], Labelled(heap), counts.scheduled);
  for (const DropReason reason : {DropReason::kOverrun, DropReason::kInflightLimit, DropReason::kAborted}) {
    AddCounter(families[kDropped], Labelled(heap, {{"reason", std::string(DropReasonName(reason))}}),
               counts.dropped[static_cast<std::size_t>(reason)]);
  }
  AddCounter(families[kPasses], Labelled(heap), counts.passes);
  AddLatency(families[kResponse], heap, counts.response);
  AddLatency(families[kService], heap, counts.service);
  AddBatches(families[kBatch], heap, counts.batch_operations);
  AddGauge(families[kLag], Labelled(heap), Seconds(snapshot.gauges.lag));
  AddGauge(families[kInflight], Labelled(heap), static_cast<double>(snapshot.gauges.inflight_operations));
  AddGauge(families[kTarget], Labelled(heap), snapshot.gauges.target_per_second);
  AddGauge(families[kPosition], Labelled(heap), snapshot.gauges.position_ratio);
  AddGauge(families[kRunInfo],
           Labelled(heap, {{"run_id", labels.run_id}, {"workload", labels.workload}, {"trace", labels.trace}}), 1);
}

}  // namespace

std::shared_ptr<Meter> LoadMetrics::MeterOf(const std::string& heap, const RunLabels& labels) {
  absl::MutexLock lock(&mutex_);
  Series& series = by_heap_[heap];
  series.labels = labels;
  return series.meter;
}

std::vector<MetricFamily> LoadMetrics::Collect() const {
  std::vector<MetricFamily> families = Families();
  absl::MutexLock lock(&mutex_);
  for (const auto& [heap, series] : by_heap_) AddSeries(heap, series.meter->Read(), series.labels, families);
  return families;
}

absl::StatusOr<std::unique_ptr<prometheus::Exposer>> Expose(const std::string& listen, std::shared_ptr<LoadMetrics> metrics) {
  const std::size_t colon = listen.rfind(':');
  std::uint32_t port = 0;
  if (colon == std::string::npos || colon == 0 || !absl::SimpleAtoi(listen.substr(colon + 1), &port) || port > 65'535) {
    return absl::InvalidArgumentError(fmt::format("--metrics-listen '{}': expected HOST:PORT, e.g. 127.0.0.1:7415", listen));
  }
  try {
    auto exposer = std::make_unique<prometheus::Exposer>(listen);
    exposer->RegisterCollectable(std::move(metrics));
    return exposer;
  } catch (const std::exception&) {
    return absl::InternalError(fmt::format("cannot serve metrics at {}: the port is taken, or may not be used", listen));
  }
}

}  // namespace alloclab::load

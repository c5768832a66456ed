#include "server/http/metric_family.h"

#include <limits>

namespace alloclab::server {

using prometheus::ClientMetric;
using prometheus::MetricType;

MetricLabels With(MetricLabels labels, std::string_view name, std::string_view value) {
  labels.emplace_back(name, value);
  return labels;
}

Family::Family(std::string_view name, std::string_view help, MetricType type) {
  family_.name = name;
  family_.help = help;
  family_.type = type;
}

ClientMetric& Family::AddSeries(const MetricLabels& labels) {
  ClientMetric& metric = family_.metric.emplace_back();
  for (const auto& [name, value] : labels) metric.label.push_back({std::string(name), std::string(value)});
  return metric;
}

void Family::Add(const MetricLabels& labels, double value) {
  ClientMetric& metric = AddSeries(labels);
  (family_.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
}

void Family::Add(const MetricLabels& labels, ClientMetric::Histogram histogram) {
  AddSeries(labels).histogram = std::move(histogram);
}

ClientMetric::Histogram ToHistogram(const Pow2Histogram& histogram, int first_bucket, int last_bucket) {
  ClientMetric::Histogram result;
  std::uint64_t cumulative = 0;
  for (int bucket = 0; bucket < Pow2Histogram::kBuckets; ++bucket) {
    cumulative += histogram.counts()[bucket];
    if (bucket >= first_bucket && bucket <= last_bucket) {
      result.bucket.push_back({cumulative, static_cast<double>(Pow2Histogram::UpperBound(bucket))});
    }
  }
  result.bucket.push_back({cumulative, std::numeric_limits<double>::infinity()});
  result.sample_count = cumulative;
  result.sample_sum = static_cast<double>(histogram.sum());
  return result;
}

}  // namespace alloclab::server

// One metric of a scrape, while it is put together.
#ifndef ALLOCLAB_SERVER_HTTP_METRIC_FAMILY_H_
#define ALLOCLAB_SERVER_HTTP_METRIC_FAMILY_H_

#include <prometheus/metric_family.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocators/common/pow2_histogram.h"

namespace alloclab::server {

using MetricLabels = std::vector<std::pair<std::string_view, std::string_view>>;

// The labels and one more.
MetricLabels With(MetricLabels labels, std::string_view name, std::string_view value);

// With all its series.
class Family {
 public:
  Family(std::string_view name, std::string_view help, prometheus::MetricType type);

  void Add(const MetricLabels& labels, double value);  // of a counter or a gauge
  void Add(const MetricLabels& labels, std::uint64_t value) { Add(labels, static_cast<double>(value)); }
  void Add(const MetricLabels& labels, prometheus::ClientMetric::Histogram histogram);

  prometheus::MetricFamily Take() && { return std::move(family_); }

 private:
  prometheus::ClientMetric& AddSeries(const MetricLabels& labels);
  prometheus::MetricFamily family_;
};

// Buckets from `first_bucket` to `last_bucket` as cumulative ones, and +Inf.
prometheus::ClientMetric::Histogram ToHistogram(const Pow2Histogram& histogram, int first_bucket, int last_bucket);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_METRIC_FAMILY_H_

#include "clients/load/load_figures.h"

#include <string_view>

#include "allocators/common/check.h"

namespace alloclab::load {
namespace {

using client::FigureInfo;
using client::Measurement;
using Unit = FigureInfo::Unit;
using Better = FigureInfo::Better;

const std::vector<std::string_view> kLatencyAggregates = {"mean", "p50", "p90", "p99", "p999", "p9999", "max"};

FigureInfo LatencyFigure(std::string_view name, std::string_view help) {
  return {name, help, Unit::kSeconds, Better::kLess, kLatencyAggregates, {}, false};
}

void Add(std::string_view figure, std::string_view aggregate, double value, std::vector<Measurement>& measurements) {
  const FigureInfo* info = client::FindFigure(LoadFigures(), figure);
  ALLOCLAB_CHECK(info != nullptr);
  measurements.push_back({info, aggregate, value});
}

void AddLatency(std::string_view figure, const v1::Latency& latency, std::vector<Measurement>& measurements) {
  if (latency.count() == 0) return;
  const double values[] = {latency.mean_seconds(), latency.p50_seconds(),   latency.p90_seconds(), latency.p99_seconds(),
                           latency.p999_seconds(), latency.p9999_seconds(), latency.max_seconds()};
  for (std::size_t i = 0; i < std::size(values); ++i) Add(figure, kLatencyAggregates[i], values[i], measurements);
}

}  // namespace

std::span<const FigureInfo> LoadFigures() {
  static const auto* const figures = new std::vector<FigureInfo>{
      LatencyFigure("response_seconds", "from a batch's intended start to its reply"),
      LatencyFigure("service_seconds", "from a batch's send to its reply"),
      LatencyFigure("server_seconds", "what the server says a batch took"),
      LatencyFigure("lag_seconds", "how late batches were sent"),
      {"operations_per_second", "answered", Unit::kPerSecond, Better::kMore, {"mean"}, {}, false},
      {"failed_operations", "answered with an outcome other than ok and zero_size", Unit::kCount, Better::kLess},
      {"lost_operations", "never answered", Unit::kCount, Better::kLess},
      {"dropped_operations", "due, but not sent", Unit::kCount, Better::kLess},
      {"operations", "operations by kind and outcome", Unit::kCount, Better::kNeither, {"count"}, client::OperationLabels()},
  };
  return *figures;
}

std::vector<Measurement> MeasurementsOf(const v1::LoadReport& report) {
  std::vector<Measurement> measurements;
  AddLatency("response_seconds", report.response(), measurements);
  AddLatency("service_seconds", report.service(), measurements);
  AddLatency("server_seconds", report.server(), measurements);
  AddLatency("lag_seconds", report.schedule().lag(), measurements);
  Add("operations_per_second", "mean", report.operations_per_second(), measurements);
  Add("failed_operations", "value", static_cast<double>(report.failed_operations()), measurements);
  Add("lost_operations", "value", static_cast<double>(report.lost_operations()), measurements);
  const v1::LoadSchedule& schedule = report.schedule();
  Add("dropped_operations", "value",
      static_cast<double>(schedule.dropped_overrun() + schedule.dropped_inflight_limit() + schedule.dropped_aborted()),
      measurements);
  const FigureInfo* operations = client::FindFigure(LoadFigures(), "operations");
  for (const v1::OutcomeCount& outcome : report.outcomes()) {
    measurements.push_back({operations,
                            "count",
                            static_cast<double>(outcome.count()),
                            {{"operation", outcome.operation()}, {"outcome", outcome.outcome()}}});
  }
  return measurements;
}

}  // namespace alloclab::load

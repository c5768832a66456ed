#include "clients/common/measurement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/time/time.h"
#include "allocators/common/outcome.h"
#include "allocators/workload/operation.h"

namespace alloclab::client {

const FigureInfo* FindFigure(std::span<const FigureInfo> figures, std::string_view name) {
  const auto found = std::find_if(figures.begin(), figures.end(), [name](const FigureInfo& info) { return info.name == name; });
  return found == figures.end() ? nullptr : &*found;
}

const Measurement* FindMeasurement(std::span<const Measurement> measurements, std::string_view figure,
                                   std::string_view aggregate) {
  const auto found = std::find_if(measurements.begin(), measurements.end(), [&](const Measurement& measurement) {
    return measurement.figure->name == figure && measurement.aggregate == aggregate;
  });
  return found == measurements.end() ? nullptr : &*found;
}

std::vector<std::pair<std::string_view, std::vector<std::string_view>>> OperationLabels() {
  std::vector<std::string_view> kinds, outcomes;
  for (std::uint32_t kind = 0; kind < kOpKinds; ++kind) kinds.push_back(OpKindName(static_cast<OpKind>(kind)));
  for (std::uint32_t number = 0; number < kOutcomeSlots; ++number) {
    if (const std::optional<Outcome> outcome = OutcomeFromNumber(number)) outcomes.push_back(OutcomeName(*outcome));
  }
  return {{"operation", kinds}, {"outcome", outcomes}};
}

std::string FigureKey(std::string_view figure, std::string_view aggregate) {
  return aggregate == "value" ? std::string(figure) : fmt::format("{}.{}", figure, aggregate);
}

Cell ValueCell(FigureInfo::Unit unit, double value) {
  switch (unit) {
    case FigureInfo::Unit::kBytes:
      return BytesCell(static_cast<std::uint64_t>(value));
    case FigureInfo::Unit::kRatio:
      return RatioCell(value);
    case FigureInfo::Unit::kSeconds:
      return DurationCell(absl::Seconds(value));
    default:
      break;
  }
  if (value == std::floor(value)) return CountCell(static_cast<std::uint64_t>(value));
  return {value < 100 ? fmt::format("{:.1f}", value) : CountCell(static_cast<std::uint64_t>(value + 0.5)).text,
          fmt::format("{:.6f}", value)};
}

}  // namespace alloclab::client

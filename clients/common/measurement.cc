#include "clients/common/measurement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "allocators/common/outcome.h"
#include "allocators/common/suggestion.h"
#include "allocators/workload/operation.h"

namespace alloclab::client {

const FigureInfo* FindFigure(std::span<const FigureInfo> figures, std::string_view name) {
  const auto found = std::find_if(figures.begin(), figures.end(), [name](const FigureInfo& info) { return info.name == name; });
  return found == figures.end() ? nullptr : &*found;
}

std::string Stripped(std::string_view text) {
  return std::string(absl::StripAsciiWhitespace(absl::string_view(text.data(), text.size())));
}

absl::StatusOr<FigureName> ParseFigureName(std::string_view text, std::span<const FigureInfo> figures) {
  const std::size_t colon = text.find(':');
  const std::string name = Stripped(text.substr(0, colon));
  const FigureInfo* figure = FindFigure(figures, name);
  if (figure == nullptr) {
    std::vector<std::string_view> names;
    for (const FigureInfo& info : figures) names.push_back(info.name);
    return absl::InvalidArgumentError(UnknownName("figure", name, names));
  }
  std::string aggregate = colon == std::string_view::npos ? "" : Stripped(text.substr(colon + 1));
  const std::vector<std::string_view>& known = figure->aggregates;
  if (aggregate.empty() && known.size() == 1) aggregate = known.front();
  if (!aggregate.empty() && std::find(known.begin(), known.end(), aggregate) == known.end()) {
    return absl::InvalidArgumentError(UnknownName("aggregate of " + name, aggregate, known));
  }
  return FigureName{figure, std::move(aggregate)};
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

// Named figures of a result with their values: what thresholds, baselines and comparisons speak of, whether the result is of a
// run or of a load.
#ifndef ALLOCLAB_CLIENTS_COMMON_MEASUREMENT_H_
#define ALLOCLAB_CLIENTS_COMMON_MEASUREMENT_H_

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/common/document.h"

namespace alloclab::client {

struct FigureInfo {
  enum class Unit { kCount, kBytes, kRatio, kSeconds, kPerSecond };
  enum class Better { kLess, kMore, kNeither };

  std::string_view name;  // "external_fragmentation"
  std::string_view help;
  Unit unit = Unit::kCount;
  Better better = Better::kNeither;
  std::vector<std::string_view> aggregates = {"value"};  // "mean", "p99"; of a figure with one value: "value"
  // The labels of its values, and what each may be.
  std::vector<std::pair<std::string_view, std::vector<std::string_view>>> labels = {};
  bool exact = true;  // the same on every computer
};

struct Measurement {
  const FigureInfo* figure;
  std::string_view aggregate;
  double value;
  std::vector<std::pair<std::string_view, std::string>> labels = {};
};

const FigureInfo* FindFigure(std::span<const FigureInfo> figures, std::string_view name);
// "cycles_386: p99", "peak_ram_bytes".
struct FigureName {
  const FigureInfo* figure;
  std::string aggregate;  // empty: none is given, though the figure has several
};
// INVALID_ARGUMENT names what does not exist, and the nearest of what does. The figure is one of `figures`.
absl::StatusOr<FigureName> ParseFigureName(std::string_view text, std::span<const FigureInfo> figures);
// Without the spaces around it.
std::string Stripped(std::string_view text);

// Null: the result has no such value.
const Measurement* FindMeasurement(std::span<const Measurement> measurements, std::string_view figure,
                                   std::string_view aggregate);

// The labels of the figure that counts operations: its kind, its outcome.
std::vector<std::pair<std::string_view, std::vector<std::string_view>>> OperationLabels();

// "cycles_386.p99", "peak_ram_bytes": the name of one value in JSON.
std::string FigureKey(std::string_view figure, std::string_view aggregate);

// "1,234", "1.5 KiB", "12.5 %", "2ms".
Cell ValueCell(FigureInfo::Unit unit, double value);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_MEASUREMENT_H_

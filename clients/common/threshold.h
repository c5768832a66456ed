// Thresholds: what a result has to keep, for scripts that decide by the exit code (ExitCode::kThreshold).
//
//   FIGURE[{label=value,...}]: AGGREGATE OP VALUE
//
//   external_fragmentation: max<0.4           cycles_386: p99<2000
//   response_seconds: p99<2ms                 operations{outcome=out_of_memory}: count==0
//
// A figure with one value has no aggregate: peak_ram_bytes<64Mi. OP is <, <=, >, >=, == or !=. Sizes may be spelled as 64Mi,
// times as 2ms, ratios as 40%.
#ifndef ALLOCLAB_CLIENTS_COMMON_THRESHOLD_H_
#define ALLOCLAB_CLIENTS_COMMON_THRESHOLD_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/common/json.h"
#include "clients/common/measurement.h"

namespace alloclab::client {

class Threshold {
 public:
  // INVALID_ARGUMENT names what is wrong, and the nearest name of those that `figures` have.
  static absl::StatusOr<Threshold> Parse(std::string_view text, std::span<const FigureInfo> figures);

  // What it is about: of a figure with labels the sum of all values that fit. Nothing: the result has no such value.
  std::optional<double> ValueIn(std::span<const Measurement> measurements) const;
  // Whether the result keeps it; without a value it does not.
  bool HoldsFor(std::span<const Measurement> measurements) const;

  const std::string& text() const { return text_; }
  FigureInfo::Unit unit() const { return figure_->unit; }

 private:
  enum class Op { kLess, kLessEqual, kGreater, kGreaterEqual, kEqual, kNotEqual };

  absl::Status ReadFigure(std::string_view text, std::span<const FigureInfo> figures);
  absl::Status ReadLabels(std::string_view text);
  absl::Status ReadValue(std::string_view text);

  std::string text_;
  const FigureInfo* figure_ = nullptr;
  std::string aggregate_;
  std::vector<std::pair<std::string, std::string>> labels_;
  Op op_ = Op::kLess;
  double bound_ = 0;
};

// A list of them from a text of one a line; what is behind # and empty lines do not count. Errors name `name` and the line.
absl::StatusOr<std::vector<Threshold>> ParseThresholds(std::string_view text, std::string_view name,
                                                       std::span<const FigureInfo> figures);

// A line for each, "✓ cycles_386: p99<2000" with its value. `subject` says of what; may be empty.
Section ThresholdSection(std::span<const Threshold> thresholds, std::span<const Measurement> measurements,
                         std::string_view subject = "");
// [{"threshold", "kept", "value"}].
google::protobuf::Value ThresholdsJson(std::span<const Threshold> thresholds, std::span<const Measurement> measurements);
bool AllHold(std::span<const Threshold> thresholds, std::span<const Measurement> measurements);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_THRESHOLD_H_

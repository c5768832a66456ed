#include "clients/common/threshold.h"

#include <fmt/format.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "allocators/common/quantity.h"
#include "allocators/common/suggestion.h"

namespace alloclab::client {
namespace {

constexpr std::string_view kExpects = "expected FIGURE: AGGREGATE OP VALUE, e.g. cycles_386: p99<2000";

}  // namespace

absl::StatusOr<Threshold> Threshold::Parse(std::string_view text, std::span<const FigureInfo> figures) {
  Threshold threshold;
  threshold.text_ = Stripped(text);
  const std::string_view whole = threshold.text_;
  // An = inside of braces belongs to a label.
  const std::size_t brace = whole.find('}');
  if (brace == std::string_view::npos && whole.find('{') != std::string_view::npos) {
    return absl::InvalidArgumentError(fmt::format("'{}': the braces of the labels are not closed", text));
  }
  const std::size_t op = whole.find_first_of("<>=!", brace == std::string_view::npos ? 0 : brace);
  if (op == std::string_view::npos || op == 0) {
    return absl::InvalidArgumentError(fmt::format("'{}' is no threshold; {}", text, kExpects));
  }
  const bool two = op + 1 < whole.size() && whole[op + 1] == '=';
  const std::string_view sign = whole.substr(op, two ? 2 : 1);
  constexpr std::pair<std::string_view, Op> kOps[] = {{"<", Op::kLess},          {"<=", Op::kLessEqual}, {">", Op::kGreater},
                                                      {">=", Op::kGreaterEqual}, {"==", Op::kEqual},     {"!=", Op::kNotEqual}};
  const auto found = std::find_if(std::begin(kOps), std::end(kOps), [sign](const auto& known) { return known.first == sign; });
  if (found == std::end(kOps)) {
    return absl::InvalidArgumentError(fmt::format("'{}': '{}' compares nothing; expected <, <=, >, >=, == or !=", text, sign));
  }
  threshold.op_ = found->second;
  absl::Status status = threshold.ReadFigure(whole.substr(0, op), figures);
  if (status.ok()) status = threshold.ReadValue(whole.substr(op + sign.size()));
  if (!status.ok()) return absl::InvalidArgumentError(fmt::format("'{}': {}", text, std::string(status.message())));
  return threshold;
}

absl::Status Threshold::ReadFigure(std::string_view text, std::span<const FigureInfo> figures) {
  const std::size_t colon = text.rfind(':');
  std::string name = Stripped(text.substr(0, colon));
  const std::size_t brace = name.find('{');
  std::string labels;
  if (brace != std::string::npos) {
    if (name.back() != '}') return absl::InvalidArgumentError("expected nothing between the labels and the aggregate");
    labels = name.substr(brace + 1, name.size() - brace - 2);
    name = Stripped(name.substr(0, brace));
  }
  const std::string aggregate = colon == std::string_view::npos ? "" : std::string(text.substr(colon));
  absl::StatusOr<FigureName> parsed = ParseFigureName(name + aggregate, figures);
  if (!parsed.ok()) return parsed.status();
  figure_ = parsed->figure;
  aggregate_ = std::move(parsed->aggregate);
  if (aggregate_.empty()) {
    return absl::InvalidArgumentError(fmt::format("{} needs one of {}", name, fmt::join(figure_->aggregates, ", ")));
  }
  return labels.empty() ? absl::OkStatus() : ReadLabels(labels);
}

absl::Status Threshold::ReadLabels(std::string_view text) {
  std::vector<std::string_view> names;
  for (const auto& [name, values] : figure_->labels) names.push_back(name);
  for (const std::string& item : std::vector<std::string>(absl::StrSplit(absl::string_view(text.data(), text.size()), ','))) {
    const std::size_t equals = item.find('=');
    if (equals == std::string::npos) {
      return absl::InvalidArgumentError(fmt::format("'{}' is no label; expected NAME=VALUE", item));
    }
    const std::string name = Stripped(std::string_view(item).substr(0, equals));
    const std::string value = Stripped(std::string_view(item).substr(equals + 1));
    const auto label = std::find_if(figure_->labels.begin(), figure_->labels.end(),
                                    [&name](const auto& known) { return known.first == name; });
    if (label == figure_->labels.end()) {
      if (names.empty()) return absl::InvalidArgumentError(fmt::format("{} has no labels", figure_->name));
      return absl::InvalidArgumentError(UnknownName("label", name, names));
    }
    if (std::find(label->second.begin(), label->second.end(), value) == label->second.end()) {
      return absl::InvalidArgumentError(UnknownName(name, value, label->second));
    }
    labels_.emplace_back(name, value);
  }
  return absl::OkStatus();
}

absl::Status Threshold::ReadValue(std::string_view text) {
  const std::string value = Stripped(text);
  if (absl::SimpleAtod(value, &bound_)) return absl::OkStatus();
  if (figure_->unit == FigureInfo::Unit::kBytes) {
    if (const auto bytes = ParseQuantity(value); bytes.ok()) return bound_ = static_cast<double>(*bytes), absl::OkStatus();
    return absl::InvalidArgumentError(fmt::format("'{}' is no size; expected {}", value, kQuantityExpects));
  }
  absl::Duration duration;
  if (figure_->unit == FigureInfo::Unit::kSeconds && absl::ParseDuration(value, &duration)) {
    return bound_ = absl::ToDoubleSeconds(duration), absl::OkStatus();
  }
  const bool percent = figure_->unit == FigureInfo::Unit::kRatio && value.ends_with('%');
  if (percent && absl::SimpleAtod(value.substr(0, value.size() - 1), &bound_)) return bound_ /= 100, absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("'{}' is no number", value));
}

std::optional<double> Threshold::ValueIn(std::span<const Measurement> measurements) const {
  std::optional<double> sum;
  for (const Measurement& measurement : measurements) {
    if (measurement.figure->name != figure_->name || measurement.aggregate != aggregate_) continue;
    const bool fits = std::all_of(labels_.begin(), labels_.end(), [&measurement](const auto& wanted) {
      return std::any_of(measurement.labels.begin(), measurement.labels.end(),
                         [&wanted](const auto& label) { return label.first == wanted.first && label.second == wanted.second; });
    });
    if (fits) sum = sum.value_or(0) + measurement.value;
  }
  if (!sum && !figure_->labels.empty()) sum = 0;  // what did not happen
  return sum;
}

bool Threshold::HoldsFor(std::span<const Measurement> measurements) const {
  const std::optional<double> value = ValueIn(measurements);
  if (!value) return false;
  switch (op_) {
    case Op::kLess:
      return *value < bound_;
    case Op::kLessEqual:
      return *value <= bound_;
    case Op::kGreater:
      return *value > bound_;
    case Op::kGreaterEqual:
      return *value >= bound_;
    case Op::kEqual:
      return *value == bound_;
    case Op::kNotEqual:
      break;
  }
  return *value != bound_;
}

absl::StatusOr<std::vector<Threshold>> ParseThresholds(std::string_view text, std::string_view name,
                                                       std::span<const FigureInfo> figures) {
  std::vector<Threshold> thresholds;
  int number = 0;
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(absl::string_view(text.data(), text.size()), '\n'))) {
    ++number;
    const std::string content = Stripped(std::string_view(line).substr(0, line.find('#')));
    if (content.empty()) continue;
    absl::StatusOr<Threshold> threshold = Threshold::Parse(content, figures);
    if (!threshold.ok()) {
      return absl::InvalidArgumentError(fmt::format("{}:{}: {}", name, number, std::string(threshold.status().message())));
    }
    thresholds.push_back(*std::move(threshold));
  }
  return thresholds;
}

Section ThresholdSection(std::span<const Threshold> thresholds, std::span<const Measurement> measurements,
                         std::string_view subject) {
  Section section;
  section.title = subject.empty() ? "thresholds" : fmt::format("thresholds, {}", subject);
  section.columns = {{"kept"}, {"threshold"}, {"value", true}};
  for (const Threshold& threshold : thresholds) {
    const bool holds = threshold.HoldsFor(measurements);
    const std::optional<double> value = threshold.ValueIn(measurements);
    section.rows.push_back({Cell{holds ? "✓" : "✗", holds ? "true" : "false", holds ? Tone::kGood : Tone::kBad},
                            TextCell(threshold.text()),
                            value ? ValueCell(threshold.unit(), *value) : Cell{"no value", "", Tone::kDim}});
  }
  return section;
}

google::protobuf::Value ThresholdsJson(std::span<const Threshold> thresholds, std::span<const Measurement> measurements) {
  google::protobuf::Value json;
  auto& list = *json.mutable_list_value();
  for (const Threshold& threshold : thresholds) {
    auto& fields = *list.add_values()->mutable_struct_value()->mutable_fields();
    fields["threshold"].set_string_value(threshold.text());
    fields["kept"].set_bool_value(threshold.HoldsFor(measurements));
    if (const std::optional<double> value = threshold.ValueIn(measurements)) fields["value"].set_number_value(*value);
  }
  return json;
}

bool AllHold(std::span<const Threshold> thresholds, std::span<const Measurement> measurements) {
  return std::all_of(thresholds.begin(), thresholds.end(),
                     [&](const Threshold& threshold) { return threshold.HoldsFor(measurements); });
}

}  // namespace alloclab::client

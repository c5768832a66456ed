#include "clients/cli/baseline.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "allocators/common/suggestion.h"
#include "clients/cli/run_figures.h"
#include "clients/common/text_file.h"

namespace alloclab::client {
namespace {

using google::protobuf::Struct;

const google::protobuf::Value* Find(const Struct& object, const char* name) {
  const auto found = object.fields().find(name);
  return found == object.fields().end() ? nullptr : &found->second;
}

std::string TextOf(const Struct& object, const char* name) {
  const google::protobuf::Value* value = Find(object, name);
  return value == nullptr ? "" : value->string_value();
}

// What makes a run the same one: "sqlite, tlsf, RAM 64 MiB, heap.fit=best".
std::string NameOf(const Struct& run) {
  const google::protobuf::Value* ram = Find(run, "ram_bytes");
  std::string name = fmt::format("{}, {}, RAM {}", TextOf(run, "workload"), TextOf(run, "heap_allocator"),
                                 BytesCell(ram == nullptr ? 0 : static_cast<std::uint64_t>(ram->number_value())).text);
  if (const std::string pages = TextOf(run, "page_allocator"); !pages.empty()) name += ", " + pages;
  std::map<std::string, std::string> parameters;  // in order
  if (const google::protobuf::Value* given = Find(run, "parameters"); given != nullptr) {
    for (const auto& [key, value] : given->struct_value().fields()) parameters[key] = value.string_value();
  }
  for (const auto& [key, value] : parameters) name += fmt::format(", {}={}", key, value);
  return name;
}

std::map<std::string, const Struct*> RunsOf(const Struct& comparison) {
  std::map<std::string, const Struct*> runs;
  const google::protobuf::Value* list = Find(comparison, "runs");
  if (list == nullptr) return runs;
  for (const google::protobuf::Value& run : list->list_value().values()) runs[NameOf(run.struct_value())] = &run.struct_value();
  return runs;
}

std::optional<double> FigureOf(const Struct& run, const std::string& key) {
  const google::protobuf::Value* figures = Find(run, "figures");
  const google::protobuf::Value* value = figures == nullptr ? nullptr : Find(figures->struct_value(), key.c_str());
  if (value == nullptr) return std::nullopt;
  return value->number_value();
}

double Change(double before, double now) {
  if (before == now) return 0;
  return before == 0 ? std::numeric_limits<double>::infinity() : (now - before) / before;
}

void AddChange(const std::string& run, const ChangeRule& rule, double before, double now, Section& section) {
  const FigureInfo& info = *FindFigure(RunFigures(), rule.key.substr(0, rule.key.find('.')));
  const double change = Change(before, now);
  section.rows.push_back({TextCell(run), TextCell(rule.text), ValueCell(info.unit, before), ValueCell(info.unit, now),
                          Cell{fmt::format("{:+.2f} %", 100 * change), fmt::format("{:.6f}", change), Tone::kBad}});
}

}  // namespace

absl::StatusOr<ChangeRule> ChangeRule::Parse(std::string_view text) {
  const auto wrong = [text](const std::string& why) { return absl::InvalidArgumentError(fmt::format("'{}': {}", text, why)); };
  ChangeRule rule{.text = Stripped(text), .key = ""};
  const std::size_t op = rule.text.find_first_of("<>");
  if (op == std::string::npos || !rule.text.ends_with('%')) {
    return wrong("expected FIGURE[: AGGREGATE]>+N% or <-N%, e.g. cycles_386: p99>+2%");
  }
  rule.more = rule.text[op] == '>';
  const std::string number = Stripped(std::string_view(rule.text).substr(op + 1, rule.text.size() - op - 2));
  if (!absl::SimpleAtod(number, &rule.change)) return wrong(fmt::format("'{}%' is no change; expected e.g. +2%", number));
  rule.change /= 100;
  std::vector<FigureInfo> exact;  // those that a baseline has
  for (const FigureInfo& info : RunFigures()) {
    if (info.exact && info.labels.empty()) exact.push_back(info);
  }
  const absl::StatusOr<FigureName> name = ParseFigureName(std::string_view(rule.text).substr(0, op), exact);
  if (!name.ok()) return wrong(std::string(name.status().message()));
  rule.key = FigureKey(name->figure->name, name->aggregate.empty() ? name->figure->aggregates.front() : name->aggregate);
  return rule;
}

bool ChangeRule::Fails(double before, double now) const {
  const double difference = Change(before, now);
  return more ? difference > change : difference < change;
}

absl::StatusOr<Struct> ReadBaseline(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadTextFile(path);
  if (!text.ok()) return text.status();
  Struct baseline;
  const auto status = google::protobuf::util::JsonStringToMessage(*text, &baseline);
  if (!status.ok() || Find(baseline, "runs") == nullptr || !Find(baseline, "runs")->has_list_value()) {
    return absl::DataLossError(fmt::format("{}: is no baseline; expected what `alloclab compare --output json` prints", path));
  }
  return baseline;
}

BaselineReport CompareWithBaseline(const Struct& now, const Struct& baseline, const std::vector<ChangeRule>& rules) {
  BaselineReport report;
  report.changes.title = "worse than the baseline";
  report.changes.columns = {{"run"}, {"fails"}, {"baseline", true}, {"now", true}, {"change", true, "ratio"}};
  const auto before_runs = RunsOf(baseline), now_runs = RunsOf(now);
  for (const auto& [name, run] : now_runs) {
    const auto before = before_runs.find(name);
    if (before == before_runs.end()) {
      report.notes.push_back(fmt::format("{}: not in the baseline", name));
      continue;
    }
    ++report.compared;
    for (const ChangeRule& rule : rules) {
      const std::optional<double> was = FigureOf(*before->second, rule.key), is = FigureOf(*run, rule.key);
      if (was && is && rule.Fails(*was, *is)) AddChange(name, rule, *was, *is, report.changes);
      if (was.has_value() != is.has_value()) {
        report.notes.push_back(fmt::format("{}: {} has a value only {}", name, rule.key, was ? "in the baseline" : "now"));
      }
    }
  }
  for (const auto& [name, run] : before_runs) {
    if (!now_runs.contains(name)) report.notes.push_back(fmt::format("{}: only in the baseline", name));
  }
  return report;
}

}  // namespace alloclab::client

#include "clients/cli/run_compare.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "alloclab/v1/run.grpc.pb.h"
#include "clients/cli/run_argument.h"
#include "clients/cli/run_figures.h"
#include "clients/cli/run_view.h"

namespace alloclab::client {
namespace {

// One figure of all runs.
struct Row {
  const FigureInfo* figure;
  std::string_view aggregate;
  std::vector<std::optional<double>> values;
  std::vector<std::optional<std::pair<double, double>>> intervals = {};  // of a mean that has one

  bool differs() const {
    for (const std::optional<double>& value : values) {
      if (value != values.front()) return true;
    }
    return false;
  }
};

std::optional<std::pair<double, double>> IntervalOf(const std::vector<Measurement>& measurements, std::string_view figure) {
  const Measurement* const low = FindMeasurement(measurements, figure, "low");
  const Measurement* const high = FindMeasurement(measurements, figure, "high");
  return low != nullptr && high != nullptr ? std::optional(std::pair(low->value, high->value)) : std::nullopt;
}

std::vector<Row> RowsOf(const std::vector<v1::Run>& runs, bool all) {
  std::vector<std::vector<Measurement>> measured;
  for (const v1::Run& run : runs) measured.push_back(MeasurementsOf(run.result()));
  std::vector<Row> rows;
  for (const FigureInfo& figure : RunFigures()) {
    if (!figure.labels.empty()) continue;
    for (const std::string_view aggregate : figure.aggregates) {
      Row row{&figure, aggregate, {}};
      bool any = false;
      for (const std::vector<Measurement>& measurements : measured) {
        const Measurement* found = FindMeasurement(measurements, figure.name, aggregate);
        row.values.push_back(found == nullptr ? std::nullopt : std::optional(found->value));
        row.intervals.push_back(aggregate == "mean" ? IntervalOf(measurements, figure.name) : std::nullopt);
        any = any || found != nullptr;
      }
      if (any && (all || row.differs())) rows.push_back(std::move(row));
    }
  }
  return rows;
}

// Of the run at this place against the first one. What was measured decides nothing unless the intervals lie apart.
const char* Verdict(const Row& row, std::size_t run) {
  const FigureInfo& figure = *row.figure;
  const std::optional<double> first = row.values.front(), value = row.values[run];
  if (!first || !value) return "";
  if (*first == *value) return "same";
  const auto &of_first = row.intervals.front(), &own = row.intervals[run];
  const bool apart = of_first && own && (of_first->second < own->first || own->second < of_first->first);
  if (!figure.exact && !apart) return "inconclusive";
  if (figure.better == FigureInfo::Better::kNeither) return "";
  return (*value < *first) == (figure.better == FigureInfo::Better::kLess) ? "better" : "worse";
}

std::optional<double> Change(std::optional<double> first, std::optional<double> value) {
  if (!first || !value || *first == 0) return std::nullopt;
  return (*value - *first) / *first;
}

Cell CellOf(const Row& row, std::size_t run) {
  const std::optional<double> value = row.values[run];
  if (!value) return {"-", "", Tone::kDim};
  Cell cell = ValueCell(row.figure->unit, *value);
  if (run == 0) return cell;
  const std::string verdict = Verdict(row, run);
  if (const std::optional<double> change = Change(row.values.front(), value))
    cell.text += fmt::format(" ({:+.1f} %)", 100 * *change);
  cell.tone = verdict == "better" ? Tone::kGood : verdict == "worse" ? Tone::kBad : Tone::kDim;
  if (verdict == "better") cell.text += " ✓";
  if (verdict == "worse") cell.text += " ✗";
  if (verdict == "inconclusive") cell.text += " ?";
  return cell;
}

std::string TitleOf(const v1::Run& run) {
  return fmt::format("run {}: {}", run.id(), run.result().exact().config().heap_allocator());
}

CommandResult Compare(Session& session, const std::vector<std::uint64_t>& ids, bool all, bool force) {
  if (ids.size() < 2) return absl::InvalidArgumentError("RUN: expected two runs or more");
  std::vector<v1::Run> runs;
  for (const std::uint64_t id : ids) {
    v1::GetRunRequest request;
    request.set_id(id);
    absl::StatusOr<v1::Run> run = session.connection().Call(&v1::Runs::Stub::GetRun, request);
    if (!run.ok()) return run.status();
    runs.push_back(*std::move(run));
  }
  if (absl::Status status = CheckComparable(runs, force); !status.ok()) return status;
  return Done(session.Show(RunComparisonStruct(runs, all), RunComparison(runs, all)));
}

}  // namespace

absl::Status CheckComparable(const std::vector<v1::Run>& runs, bool force) {
  const std::string& trace = runs.front().result().exact().trace_sha256();
  for (const v1::Run& run : runs) {
    if (!run.has_result()) {
      return absl::FailedPreconditionError(fmt::format("run {} is {} and has no result", run.id(), StateName(run.state())));
    }
    if (force || run.result().exact().trace_sha256() == trace) continue;
    return absl::FailedPreconditionError(fmt::format(
        "run {} replayed another trace than run {}; --force compares them all the same", run.id(), runs.front().id()));
  }
  return absl::OkStatus();
}

Document RunComparison(const std::vector<v1::Run>& runs, bool all) {
  Document document;
  document.heading = fmt::format("{} against run {}", WorkloadName(runs.front().workload()), runs.front().id());
  Section table;
  table.columns = {{"figure"}};
  for (const v1::Run& run : runs) table.columns.push_back({TitleOf(run), true});
  for (const Row& row : RowsOf(runs, all)) {
    std::vector<Cell> cells = {TextCell(FigureKey(row.figure->name, row.aggregate))};
    for (std::size_t i = 0; i < runs.size(); ++i) cells.push_back(CellOf(row, i));
    table.rows.push_back(std::move(cells));
  }
  if (table.rows.empty()) document.footer.push_back("They agree in every figure.");
  if (!table.rows.empty()) {
    document.footer.push_back(
        "✓ better, ✗ worse than the first run, ? inconclusive. Exact figures are compared exactly, native_ns by the intervals "
        "of "
        "its mean; what was measured once decides nothing.");
    document.sections.push_back(std::move(table));
  }
  return document;
}

google::protobuf::Struct RunComparisonStruct(const std::vector<v1::Run>& runs, bool all) {
  google::protobuf::Struct result;
  auto& list = *(*result.mutable_fields())["runs"].mutable_list_value();
  for (const v1::Run& run : runs) {
    auto& fields = *list.add_values()->mutable_struct_value()->mutable_fields();
    fields["run"].set_string_value(std::to_string(run.id()));
    fields["label"].set_string_value(run.label());
    fields["heap_allocator"].set_string_value(run.result().exact().config().heap_allocator());
  }
  auto& figures = *(*result.mutable_fields())["figures"].mutable_list_value();
  const auto add = [](google::protobuf::ListValue& to, std::optional<double> value) {
    value ? to.add_values()->set_number_value(*value) : to.add_values()->set_null_value(google::protobuf::NULL_VALUE);
  };
  for (const Row& row : RowsOf(runs, all)) {
    auto& fields = *figures.add_values()->mutable_struct_value()->mutable_fields();
    fields["figure"].set_string_value(FigureKey(row.figure->name, row.aggregate));
    for (std::size_t i = 0; i < row.values.size(); ++i) {
      add(*fields["values"].mutable_list_value(), row.values[i]);
      add(*fields["changes"].mutable_list_value(), Change(row.values.front(), row.values[i]));
      fields["verdicts"].mutable_list_value()->add_values()->set_string_value(Verdict(row, i));
    }
  }
  return result;
}

void RegisterRunCompare(CLI::App& group, Command& chosen) {
  struct Given {
    std::vector<std::uint64_t> ids;
    bool all = false, force = false;
  };
  const auto given = std::make_shared<Given>();
  CLI::App* compare = AddCommand(group, "compare", "What differs between runs of one workload, and what is better",
                                 "alloclab runs compare 7 8 9", chosen,
                                 [given](Session& session) { return Compare(session, given->ids, given->all, given->force); });
  AddRunNumbers(*compare, "RUN", given->ids)->required();
  compare->add_flag("--all", given->all, "The figures that are equal, too");
  compare->add_flag("--force", given->force, "Also if they replayed different traces");
}

}  // namespace alloclab::client

#include "clients/cli/run_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "clients/cli/native_view.h"
#include "clients/cli/run_view.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

// A property of runs that may make a column.
struct Property {
  Column column;
  std::function<Cell(const v1::Run&)> of;
};

bool HasFileName(const v1::Run& run) { return run.workload().has_trace_sha256() && !run.label().empty(); }

// The label of a recorded trace is the name of its file, unless the user chose another one.
Cell WorkloadCell(const v1::Run& run) {
  return TextCell(HasFileName(run) ? run.label() : WorkloadName(run.workload()), Tone::kBold);
}
Cell LabelCell(const v1::Run& run) { return TextCell(HasFileName(run) ? "" : run.label()); }

Cell OwnerCell(const v1::Run& run) { return TextCell(run.owner()); }
Cell PinnedCell(const v1::Run& run) { return TextCell(run.pinned() ? "yes" : ""); }

Cell StateCell(const v1::Run& run) {
  std::string text = StateName(run.state());
  if (run.state() == v1::Run::RUNNING && run.operations_total() > 0) {
    text += " " + Percent(static_cast<double>(run.operations_done()) / static_cast<double>(run.operations_total()));
  }
  return {std::move(text), StateName(run.state()), ToneOf(run.state())};
}

Cell FailedCell(const v1::Run& run) {
  Cell cell = CountCell(run.summary().failed_operations());
  if (run.summary().failed_operations() > 0) cell.tone = Tone::kWarning;
  return cell;
}

// A cell of what only a run with a result has.
std::function<Cell(const v1::Run&)> OfSummary(std::function<Cell(const v1::Run&)> of) {
  return [of = std::move(of)](const v1::Run& run) { return run.has_summary() ? of(run) : Cell{"-", "", Tone::kDim}; };
}

// A cell of what only a simulated machine has.
std::function<Cell(const v1::Run&)> OfMachine(std::function<Cell(const v1::Run&)> of) {
  return [of = std::move(of)](const v1::Run& run) { return IsNative(run.config()) ? Cell{"-", "", Tone::kDim} : of(run); };
}

Cell ParameterCell(const v1::Run& run, const std::string& name) {
  const auto found = run.config().parameters().find(name);
  return found == run.config().parameters().end() ? Cell{"-", "", Tone::kDim} : TextCell(found->second);
}

Cell ParametersCell(const v1::Run& run) {
  const std::map<std::string, std::string> sorted(run.config().parameters().begin(), run.config().parameters().end());
  std::vector<std::string> texts;
  for (const auto& [name, value] : sorted) texts.push_back(name + "=" + value);
  return TextCell(fmt::format("{}", fmt::join(texts, " ")));
}

std::vector<Property> Machine() {
  return {{{"heap allocator"}, [](const v1::Run& run) { return TextCell(run.config().heap_allocator()); }},
          {{"page allocator"}, OfMachine([](const v1::Run& run) { return TextCell(run.config().page_allocator()); })},
          {{"RAM", true, "bytes"}, OfMachine([](const v1::Run& run) { return BytesCell(run.config().ram_bytes()); })},
          {{"guarded"}, OfMachine([](const v1::Run& run) { return TextCell(run.config().unguarded() ? "no" : "yes"); })}};
}

std::vector<Property> Found() {
  return {
      {{"operations", true}, [](const v1::Run& run) { return CountCell(run.operations_done()); }},
      {{"failed", true}, OfSummary(FailedCell)},
      {{"peak heap", true, "bytes"},
       OfMachine(OfSummary([](const v1::Run& run) { return BytesCell(run.summary().heap_peak_bytes()); }))},
      {{"386 cycles", true}, OfMachine(OfSummary([](const v1::Run& run) { return CountCell(run.summary().cycles_386()); }))}};
}

bool AllTheSame(const v1::ListRunsResponse& list, const Property& property) {
  return std::all_of(list.runs().begin(), list.runs().end(),
                     [&](const v1::Run& run) { return property.of(run).raw == property.of(list.runs(0)).raw; });
}

// A column for each parameter that has more than one value.
std::vector<Property> DifferingParameters(const v1::ListRunsResponse& list) {
  std::map<std::string, std::set<std::string>> values;
  for (const v1::Run& run : list.runs()) {
    for (const auto& [name, value] : run.config().parameters()) values[name].insert(value);
  }
  std::vector<Property> properties;
  for (const auto& [name, different] : values) {
    if (different.size() < 2) continue;
    properties.push_back({{name}, [parameter = name](const v1::Run& run) { return ParameterCell(run, parameter); }});
  }
  return properties;
}

Section Table(const v1::ListRunsResponse& list, const std::vector<Property>& properties) {
  Section table;
  for (const Property& property : properties) table.columns.push_back(property.column);
  for (const v1::Run& run : list.runs()) {
    std::vector<Cell> row;
    for (const Property& property : properties) row.push_back(property.of(run));
    table.rows.push_back(std::move(row));
  }
  return table;
}

void Append(std::vector<Property>& properties, std::vector<Property> more) {
  std::move(more.begin(), more.end(), std::back_inserter(properties));
}

Property Number() {
  return {{"run", true}, [](const v1::Run& run) { return TextCell(std::to_string(run.id())); }};
}

}  // namespace

Document RunListForPeople(const v1::ListRunsRequest& request, const v1::ListRunsResponse& list) {
  Document document;
  if (list.runs().empty()) {
    const bool filtered = !request.workload().empty() || !request.label().empty() || !request.allocator().empty() ||
                          !request.states().empty() || !request.owner().empty();
    document.footer.push_back(filtered ? "No run fits." : "No runs. Start one: alloclab submit steady-state");
    return document;
  }
  std::vector<Property> columns = {Number(), {{"workload"}, WorkloadCell}, {{"state"}, StateCell}};
  std::vector<std::string> same;
  for (Property& property : Machine()) {
    if (AllTheSame(list, property)) {
      same.push_back(fmt::format("{} {}", property.column.name, property.of(list.runs(0)).text));
    } else {
      columns.push_back(std::move(property));
    }
  }
  Append(columns, DifferingParameters(list));
  Append(columns, Found());
  if (const Property label{{"label"}, LabelCell}; !AllTheSame(list, label) || !LabelCell(list.runs(0)).raw.empty()) {
    columns.push_back(label);
  }
  if (const Property owner{{"owner"}, OwnerCell}; !AllTheSame(list, owner)) columns.push_back(owner);
  const auto is_pinned = [](const v1::Run& run) { return run.pinned(); };
  if (std::any_of(list.runs().begin(), list.runs().end(), is_pinned)) columns.push_back({{"pinned"}, PinnedCell});
  document.sections.push_back(Table(list, columns));
  if (list.runs_size() > 1 && !same.empty()) document.footer.push_back(fmt::format("All: {}.", fmt::join(same, ", ")));
  if (list.runs_size() == 1) document.footer.push_back(fmt::format("{}.", fmt::join(same, ", ")));
  return document;
}

Document RunListForPrograms(const v1::ListRunsResponse& list) {
  std::vector<Property> columns = {Number(),
                                   {{"workload"}, [](const v1::Run& run) { return TextCell(WorkloadName(run.workload())); }},
                                   {{"label"}, [](const v1::Run& run) { return TextCell(run.label()); }},
                                   {{"state"}, StateCell}};
  Append(columns, Machine());
  columns.push_back({{"parameters"}, ParametersCell});
  Append(columns, Found());
  columns.push_back({{"submitted"}, [](const v1::Run& run) { return TimeCell(run.submit_time()); }});
  columns.push_back({{"owner"}, OwnerCell});
  columns.push_back({{"pinned"}, PinnedCell});
  Document document;
  document.sections.push_back(Table(list, columns));
  return document;
}

std::string RunNumbers(const v1::ListRunsResponse& list) {
  std::string numbers;
  for (const v1::Run& run : list.runs()) numbers += fmt::format("{}\n", run.id());
  return numbers;
}

}  // namespace alloclab::client

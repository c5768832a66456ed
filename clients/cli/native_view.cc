#include "clients/cli/native_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "clients/cli/run_figures.h"
#include "clients/cli/run_view.h"
#include "clients/common/measurement.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

constexpr std::string_view kPrefix = "native:";

Cell NsCell(double ns) { return DurationCell(absl::Nanoseconds(ns)); }

// With one decimal where there is little of it.
Cell EachCell(double total, std::uint64_t operations) {
  const double each = operations > 0 ? total / static_cast<double>(operations) : 0;
  return {fmt::format("{:.{}f}", each, each < 100 ? 2 : 0), fmt::format("{:.6f}", each)};
}

Cell Dash() { return {"-", "", Tone::kDim}; }

struct Figure {
  const char* name;  // of the column
  const char* unit;
  bool narrow;  // there is room for it in 80 columns
  std::optional<double> (*value)(const v1::NativeResult&);
  Cell (*cell)(const v1::NativeResult&);
};

using Native = const v1::NativeResult&;
using Value = std::optional<double>;

constexpr std::size_t kMean = 1;  // in kFigures
const Figure kFigures[] = {
    {"refused", "", true, [](Native n) { return Value(static_cast<double>(n.refused_operations())); },
     [](Native n) { return CountCell(n.refused_operations()); }},
    {"time/op", "s", true, [](Native n) { return Value(n.ns_mean()); }, [](Native n) { return NsCell(n.ns_mean()); }},
    {"± 95 %", "s", true, [](Native) { return Value(); }, [](Native n) { return NsCell((n.ns_high() - n.ns_low()) / 2); }},
    {"fastest", "s", false, [](Native n) { return Value(n.ns_fastest()); }, [](Native n) { return NsCell(n.ns_fastest()); }},
    {"p50", "s", false, [](Native n) { return Value(static_cast<double>(n.latency().p50())); },
     [](Native n) { return NsCell(static_cast<double>(n.latency().p50())); }},
    {"p99", "s", true, [](Native n) { return Value(static_cast<double>(n.latency().p99())); },
     [](Native n) { return NsCell(static_cast<double>(n.latency().p99())); }},
    {"p99.9", "s", false, [](Native n) { return Value(static_cast<double>(n.latency().p999())); },
     [](Native n) { return NsCell(static_cast<double>(n.latency().p999())); }},
    {"longest", "s", true, [](Native n) { return Value(static_cast<double>(n.latency().max())); },
     [](Native n) { return NsCell(static_cast<double>(n.latency().max())); }},
    {"peak RSS", "bytes", true, [](Native n) { return Value(static_cast<double>(n.peak_rss_bytes())); },
     [](Native n) { return BytesCell(n.peak_rss_bytes()); }},
    {"page faults", "", true, [](Native n) { return Value(n.page_faults()); },
     [](Native n) {
       return Cell{Count(static_cast<std::uint64_t>(n.page_faults() + 0.5)), fmt::format("{:.1f}", n.page_faults())};
     }},
    {"instructions/op", "", false, [](Native n) { return n.has_instructions() ? Value(n.instructions()) : Value(); },
     [](Native n) { return n.has_instructions() ? EachCell(n.instructions(), n.operations()) : Dash(); }},
    {"cache misses/op", "", false, [](Native n) { return n.has_cache_misses() ? Value(n.cache_misses()) : Value(); },
     [](Native n) { return n.has_cache_misses() ? EachCell(n.cache_misses(), n.operations()) : Dash(); }},
};

const v1::NativeResult* ResultOf(const ComparedRun& run) {
  return run.run.result().measured().has_native() ? &run.run.result().measured().native() : nullptr;
}

// Less is better, of every figure. What is best is marked if not all are alike; of the mean every one that the interval of the
// fastest reaches: which of them is faster the repeats do not say.
bool IsBest(const std::vector<const ComparedRun*>& rows, const Figure& figure, const v1::NativeResult& native) {
  const Value own = figure.value(native);
  if (!own) return false;
  bool differ = false, best = true;
  for (const ComparedRun* row : rows) {
    const v1::NativeResult* const other = ResultOf(*row);
    if (other == nullptr || other == &native) continue;
    const Value value = figure.value(*other);
    if (!value) continue;
    differ = differ || *value != *own;
    best = best && (&figure == &kFigures[kMean] ? native.ns_low() <= other->ns_high() : *own <= *value);
  }
  return differ && best;
}

std::string ShortName(const ComparedRun& run) { return run.config.heap_allocator().substr(kPrefix.size()); }

// Parameters of which not all runs have the same value.
bool DifferInRepeats(const std::vector<const ComparedRun*>& rows) {
  std::set<std::uint32_t> repeats;
  for (const ComparedRun* row : rows) {
    if (const v1::NativeResult* native = ResultOf(*row)) repeats.insert(native->repeats());
  }
  return repeats.size() > 1;
}

Section Table(const std::string& workload, const std::vector<const ComparedRun*>& rows, bool narrow) {
  Section section;
  section.title = workload + ", measured";
  section.columns = {{"allocator"}};
  const bool repeats = DifferInRepeats(rows);
  if (repeats) section.columns.push_back({"repeats", true});
  for (const Figure& figure : kFigures) {
    if (figure.narrow || !narrow) section.columns.push_back({figure.name, true, figure.unit});
  }
  for (const ComparedRun* row : rows) {
    const v1::NativeResult* const native = ResultOf(*row);
    std::vector<Cell> cells = {TextCell(ShortName(*row))};
    if (repeats) cells.push_back(native != nullptr ? CountCell(native->repeats()) : Dash());
    for (const Figure& figure : kFigures) {
      if (narrow && !figure.narrow) continue;
      Cell cell = native != nullptr ? figure.cell(*native) : Dash();
      if (&figure != &kFigures[0] && native != nullptr && IsBest(rows, figure, *native))
        cell.text += "*", cell.tone = Tone::kGood;
      if (&figure == &kFigures[0] && native != nullptr && native->refused_operations() > 0) cell.tone = Tone::kWarning;
      cells.push_back(std::move(cell));
    }
    section.rows.push_back(std::move(cells));
  }
  return section;
}

std::string Trouble(const ComparedRun& run) {
  if (!run.not_run.empty()) return run.not_run;
  if (run.run.state() == v1::Run::SUCCEEDED) return "";
  return fmt::format("run {} {}{}", run.run.id(), StateName(run.run.state()),
                     run.run.error().empty() ? "" : ": " + run.run.error());
}

}  // namespace

bool IsNative(const v1::InstanceConfig& config) { return config.heap_allocator().starts_with(kPrefix); }

std::vector<Section> NativeSections(const v1::NativeResult& native) {
  Section time = Facts("measured time of an operation");
  AddFact(time, "mean", NsCell(native.ns_mean()));
  AddFact(time, "95 % interval",
          {.text = fmt::format("{} to {}, of {}", NsCell(native.ns_low()).text, NsCell(native.ns_high()).text,
                               Count(native.repeats(), "repeat")),
           .raw = fmt::format("{:g} {:g}", native.ns_low() * 1e-9, native.ns_high() * 1e-9),
           .unit = "s"});
  AddFact(time, "fastest repeat", NsCell(native.ns_fastest()));
  const v1::Distribution& latency = native.latency();
  for (const auto& [name, ns] :
       {std::pair("p50", latency.p50()), std::pair("p90", latency.p90()), std::pair("p99", latency.p99()),
        std::pair("p99.9", latency.p999()), std::pair("longest", latency.max())}) {
    AddFact(time, name, NsCell(static_cast<double>(ns)));
  }
  AddFact(time, "clock alone", NsCell(static_cast<double>(native.clock_ns())));
  Section memory = Facts("measured memory");
  AddFact(memory, "peak live", BytesCell(native.peak_live_bytes()));
  AddFact(memory, "peak RSS", BytesCell(native.peak_rss_bytes()));
  AddFact(memory, "page faults",
          {Count(static_cast<std::uint64_t>(native.page_faults() + 0.5)), fmt::format("{:.1f}", native.page_faults())});
  Section counted = Facts("measured replays");
  AddFact(counted, "operations", CountCell(native.operations()));
  AddFact(counted, "left out", CountCell(native.skipped_operations()));
  AddFact(counted, "refused", CountCell(native.refused_operations()));
  if (native.has_instructions()) AddFact(counted, "instructions/op", EachCell(native.instructions(), native.operations()));
  if (native.has_cache_misses()) AddFact(counted, "cache misses/op", EachCell(native.cache_misses(), native.operations()));
  AddFact(counted, "library", TextCell(native.library()));
  AddFact(counted, "processor", TextCell(std::to_string(native.cpu())));
  return {std::move(time), std::move(memory), std::move(counted)};
}

std::vector<std::string> NativeRemarks(const v1::NativeResult& native) {
  std::vector<std::string> remarks = {
      "Measured on the server's host, in processes of its own: another run gives other figures. Times include touching a byte "
      "of each "
      "page "
      "of a new block, p50 to longest also the clock."};
  if (native.skipped_operations() > 0) {
    remarks.push_back(fmt::format("{} left out: on pages, misuse, or larger than a 32-bit program may ask for.",
                                  Count(native.skipped_operations(), "operation")));
  }
  if (!native.has_instructions()) remarks.push_back("This kernel or processor does not count instructions for the server.");
  return remarks;
}

void AddMeasured(const std::vector<ComparedRun>& runs, bool narrow, Document& document) {
  std::vector<std::pair<std::string, std::vector<const ComparedRun*>>> tables;
  for (const ComparedRun& run : runs) {
    auto table = std::find_if(tables.begin(), tables.end(), [&](const auto& t) { return t.first == run.workload; });
    if (table == tables.end()) table = tables.insert(table, {run.workload, {}});
    table->second.push_back(&run);
  }
  for (const auto& [workload, rows] : tables) document.sections.push_back(Table(workload, rows, narrow));
  if (tables.empty()) return;
  document.footer.push_back(
      "Measured on the server's host, each replay in a fresh process: true of this host and this hour only. * of time/op: no "
      "other "
      "is faster beyond both intervals. RSS: memory that the process grew by.");
  for (const ComparedRun& run : runs) {
    if (const std::string trouble = Trouble(run); !trouble.empty()) {
      document.footer.push_back(fmt::format("{} on {}: {}", run.config.heap_allocator(), run.workload, trouble));
    }
  }
}

google::protobuf::Value MeasuredJson(const std::vector<ComparedRun>& runs) {
  google::protobuf::Value json;
  json.mutable_list_value();
  for (const ComparedRun& run : runs) {
    auto& fields = *json.mutable_list_value()->add_values()->mutable_struct_value()->mutable_fields();
    fields["workload"].set_string_value(run.workload);
    fields["heap_allocator"].set_string_value(run.config.heap_allocator());
    if (const std::string trouble = Trouble(run); !trouble.empty()) fields["trouble"].set_string_value(trouble);
    if (run.run.id() != 0) fields["run"].set_string_value(std::to_string(run.run.id()));
    auto& figures = *fields["figures"].mutable_struct_value()->mutable_fields();
    for (const Measurement& measurement : MeasurementsOf(run.run.result())) {
      figures[FigureKey(measurement.figure->name, measurement.aggregate)].set_number_value(measurement.value);
    }
  }
  return json;
}

}  // namespace alloclab::client

#include "clients/cli/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "clients/cli/run_figures.h"
#include "clients/cli/run_view.h"
#include "clients/common/measurement.h"
#include "clients/common/terminal.h"

namespace alloclab::client {
namespace {

using Value = std::optional<double>;

// A column: one figure of the result.
struct Figure {
  const char* name;  // of the column
  const char* figure;
  const char* aggregate;
  bool narrow;  // there is room for it in 80 columns
};
constexpr Figure kFigures[] = {
    {"refused", "refused_operations", "value", true},
    {"peak RAM", "peak_ram_bytes", "value", true},
    {"peak heap", "peak_heap_bytes", "value", false},
    {"util.", "utilisation", "value", true},
    {"frag.", "external_fragmentation", "mean", true},
    {"worst frag.", "external_fragmentation", "max", false},
    {"frag. at end", "external_fragmentation", "end", false},
    {"steps", "search_steps", "mean", false},
    {"p99 steps", "search_steps", "p99", false},
    {"longest search", "search_steps", "max", false},
    {"cycles", "cycles_386", "mean", true},
    {"p50 cycles", "cycles_386", "p50", false},
    {"p99 cycles", "cycles_386", "p99", false},
    {"longest", "cycles_386", "max", true},
    {"486 cycles", "cycles_486", "mean", false},
    {"page faults", "page_faults", "value", false},
    {"words touched", "words_touched", "value", false},
};
constexpr std::size_t kFigureCount = std::size(kFigures);

const FigureInfo& InfoOf(std::size_t figure) { return *FindFigure(RunFigures(), kFigures[figure].figure); }

std::string UnitName(const Figure& figure) {
  const FigureInfo::Unit unit = FindFigure(RunFigures(), figure.figure)->unit;
  return unit == FigureInfo::Unit::kBytes ? "bytes" : unit == FigureInfo::Unit::kRatio ? "ratio" : "";
}

constexpr std::size_t kRefused = 0, kUtilisation = 3, kCycles = 10;

struct Row {
  const ComparedRun* run;
  std::vector<Value> figures;
  Value score;
  std::size_t rank = 0;  // from 1; 0: none
};

struct Table {
  std::string title;
  std::vector<Row> rows;
};

bool IsRanked(const Row& row) { return row.score.has_value(); }

void AddScores(Table& table, const std::string& reference, const Score& score) {
  const auto found = std::find_if(table.rows.begin(), table.rows.end(), [&](const Row& row) {
    return row.run->config.heap_allocator() == reference && row.figures[kCycles].has_value();
  });
  const double reference_cycles = found == table.rows.end() ? 0 : *found->figures[kCycles];
  for (Row& row : table.rows) {
    if (!row.figures[kCycles]) continue;
    const double cycles = reference_cycles + *row.figures[kCycles];
    const double speed = cycles > 0 ? reference_cycles / cycles : 0;
    const auto operations = static_cast<double>(row.run->run.result().exact().operations());
    const double completed = operations > 0 ? 1 - *row.figures[kRefused] / operations : 0;
    row.score = score.utilisation * row.figures[kUtilisation].value_or(0) + score.speed * speed + score.completed * completed;
  }
  std::vector<Row*> order;
  for (Row& row : table.rows) {
    if (IsRanked(row)) order.push_back(&row);
  }
  std::stable_sort(order.begin(), order.end(), [](const Row* a, const Row* b) {
    return std::pair(*a->figures[kRefused], -*a->score) < std::pair(*b->figures[kRefused], -*b->score);
  });
  for (std::size_t i = 0; i < order.size(); ++i) order[i]->rank = i + 1;
}

std::vector<Table> Tables(const std::vector<ComparedRun>& runs, const std::string& reference, const Score& score) {
  std::vector<Table> tables;
  for (const ComparedRun& run : runs) {
    const std::string title = TableTitle(run);
    auto table = std::find_if(tables.begin(), tables.end(), [&](const Table& t) { return t.title == title; });
    if (table == tables.end()) table = tables.insert(table, Table{title, {}});
    Row row{&run, std::vector<Value>(kFigureCount), std::nullopt};
    if (run.run.has_result()) {
      const std::vector<Measurement> measurements = MeasurementsOf(run.run.result());
      for (std::size_t i = 0; i < kFigureCount; ++i) {
        const Measurement* found = FindMeasurement(measurements, kFigures[i].figure, kFigures[i].aggregate);
        if (found != nullptr) row.figures[i] = found->value;
      }
    }
    table->rows.push_back(std::move(row));
  }
  for (Table& table : tables) AddScores(table, reference, score);
  return tables;
}

Value FewestRefused(const Table& table) {
  Value fewest;
  for (const Row& row : table.rows) {
    if (const Value& refused = row.figures[kRefused]; refused) fewest = std::min(fewest.value_or(*refused), *refused);
  }
  return fewest;
}

// The best value of a column if not all are alike, of those that refused fewest: who refuses has less to do and to keep.
Value Best(const Table& table, std::size_t figure) {
  const Value fewest = FewestRefused(table);
  Value best;
  bool differ = false;
  for (const Row& row : table.rows) {
    const Value& value = row.figures[figure];
    if (!value || row.figures[kRefused] != fewest) continue;
    differ = differ || (best && *best != *value);
    const bool more = InfoOf(figure).better == FigureInfo::Better::kMore;
    if (!best || (more ? *value > *best : *value < *best)) best = value;
  }
  return differ ? best : std::nullopt;
}

// Parameters that the runs were asked for with different values.
std::set<std::string> DifferingParameters(const std::vector<ComparedRun>& runs) {
  std::map<std::string, std::set<std::string>> values;
  for (const ComparedRun& run : runs) {
    for (const auto& [name, value] : run.config.parameters()) values[name].insert(value);
  }
  std::set<std::string> names;
  for (const auto& [name, different] : values) {
    if (different.size() > 1) names.insert(name);
  }
  return names;
}

bool DifferInPages(const std::vector<ComparedRun>& runs) {
  return std::any_of(runs.begin(), runs.end(), [&](const ComparedRun& run) {
    return run.config.page_allocator() != runs.front().config.page_allocator();
  });
}

// What a row differs by takes the room of figures, as long as the terminal has too little.
void MakeFit(Section& section) {
  constexpr std::size_t kColumns = 80;
  for (const std::string_view less : {"peak RAM", "frag.", "longest"}) {
    std::size_t width = 0;
    for (std::size_t i = 0; i < section.columns.size(); ++i) {
      std::size_t widest = DisplayWidth(section.columns[i].name);
      for (const std::vector<Cell>& row : section.rows) widest = std::max(widest, DisplayWidth(row[i].text));
      width += widest + (i == 0 ? 0 : 2);
    }
    if (width <= kColumns) return;
    const auto found = std::find_if(section.columns.begin(), section.columns.end(),
                                    [less](const Column& column) { return column.name == less; });
    const auto at = found - section.columns.begin();
    section.columns.erase(found);
    for (std::vector<Cell>& row : section.rows) row.erase(row.begin() + at);
  }
}

Section TableSection(const Table& table, bool pages, const std::set<std::string>& parameters, bool narrow) {
  Section section;
  section.title = table.title;
  section.columns = {{"heap allocator"}};
  if (pages) section.columns.push_back({"page allocator"});
  for (const std::string& name : parameters) section.columns.push_back({name});
  for (const Figure& figure : kFigures) {
    if (figure.narrow || !narrow) section.columns.push_back({figure.name, true, UnitName(figure)});
  }
  if (!narrow) section.columns.push_back({"score", true});
  section.columns.push_back({"rank", true});
  const Value fewest = FewestRefused(table);
  std::vector<Value> best(kFigureCount);
  for (std::size_t i = 0; i < kFigureCount; ++i) best[i] = Best(table, i);
  for (const Row& row : table.rows) {
    std::vector<Cell> cells = {TextCell(row.run->config.heap_allocator(), row.rank == 1 ? Tone::kBold : Tone::kPlain)};
    if (pages) cells.push_back(TextCell(row.run->config.page_allocator()));
    for (const std::string& name : parameters) {
      const auto found = row.run->config.parameters().find(name);
      cells.push_back(found == row.run->config.parameters().end() ? Cell{"-", "", Tone::kDim} : TextCell(found->second));
    }
    for (std::size_t i = 0; i < kFigureCount; ++i) {
      if (narrow && !kFigures[i].narrow) continue;
      Cell cell = row.figures[i] ? ValueCell(InfoOf(i).unit, *row.figures[i]) : Cell{"-", "", Tone::kDim};
      const bool compared = i != kRefused && row.figures[i] && row.figures[kRefused] == fewest;
      if (compared && best[i] == row.figures[i]) cell.text += "*", cell.tone = Tone::kGood;
      if (i == kRefused && row.figures[i].value_or(0) > 0) cell.tone = Tone::kWarning;
      cells.push_back(std::move(cell));
    }
    if (!narrow) {
      cells.push_back(row.score ? Cell{fmt::format("{:.3f}", *row.score), fmt::format("{:.6f}", *row.score)}
                                : Cell{"-", "", Tone::kDim});
    }
    cells.push_back(row.rank != 0 ? CountCell(row.rank) : Cell{"-", "", Tone::kDim});
    section.rows.push_back(std::move(cells));
  }
  if (narrow) MakeFit(section);
  return section;
}

std::string Describe(const Score& score) {
  std::vector<std::string> terms;
  for (const auto& [name, weight] : {std::pair("utilisation", score.utilisation), std::pair("speed", score.speed),
                                     std::pair("completed", score.completed)}) {
    if (weight != 0) terms.push_back(fmt::format("{}*{:g}", name, weight));
  }
  return fmt::format("{}", fmt::join(terms, " + "));
}

// Why a run has no figures, or only a part of them; empty: it has all.
std::string Trouble(const ComparedRun& run) {
  if (!run.not_run.empty()) return run.not_run;
  if (run.run.state() == v1::Run::SUCCEEDED) return "";
  return fmt::format("run {} {}{}", run.run.id(), StateName(run.run.state()),
                     run.run.error().empty() ? "" : ": " + run.run.error());
}

// Which heaps of a table gave more than the RAM of their machines; empty: none. The faults of a program that writes there are
// not simulated.
std::string LongerThanRam(const Table& table) {
  std::vector<std::string> heaps;
  for (const Row& row : table.rows) {
    const ComparedRun& run = *row.run;
    if (run.run.result().exact().peak_ram_bytes() > run.config.ram_bytes()) heaps.push_back(run.config.heap_allocator());
  }
  if (heaps.empty()) return "";
  return fmt::format(
      "On {}, a program that writes to all that it was given could not go on, as it is more than the RAM, with {}.",
      table.title, fmt::join(heaps, ", "));
}

}  // namespace

absl::StatusOr<Score> Score::Parse(std::string_view text) {
  Score score{0, 0, 0};
  for (const std::string& term : std::vector<std::string>(absl::StrSplit(std::string(text), '+'))) {
    std::vector<std::string> parts = absl::StrSplit(term, absl::MaxSplits('*', 1));
    for (std::string& part : parts) absl::StripAsciiWhitespace(&part);
    const std::string& name = parts[0];
    double weight = 1;
    const bool number = parts.size() == 1 || absl::SimpleAtod(parts[1], &weight);
    double* const of = name == "utilisation" ? &score.utilisation
                       : name == "speed"     ? &score.speed
                       : name == "completed" ? &score.completed
                                             : nullptr;
    if (of == nullptr || !number || !(weight >= 0 && weight <= 1e6)) {
      return absl::InvalidArgumentError(
          fmt::format("'{}' is not a term of a score; expected utilisation, speed or completed, times a number from 0 on: "
                      "utilisation*0.6+speed*0.4",
                      term));
    }
    *of += weight;
  }
  return score;
}

std::string TableTitle(const ComparedRun& run) {
  return fmt::format("{}, RAM {}", run.workload, BytesCell(run.config.ram_bytes()).text);
}

Document ComparisonDocument(const std::vector<ComparedRun>& runs, const std::string& reference, const Score& score,
                            bool narrow) {
  Document document;
  const std::set<std::string> parameters = DifferingParameters(runs);
  const bool pages = DifferInPages(runs);
  std::vector<std::string> remarks;
  for (const Table& table : Tables(runs, reference, score)) {
    document.sections.push_back(TableSection(table, pages, parameters, narrow));
    if (std::string remark = LongerThanRam(table); !remark.empty()) remarks.push_back(std::move(remark));
  }
  document.footer = {
      "* is the best of its column, of those that refused fewest. util.: most bytes asked for and live of the peak RAM; frag.: "
      "external fragmentation, the "
      "mean over the run; steps, cycles: blocks looked at and cycles of a 386DX-33, the mean of a heap operation; longest: the "
      "most cycles that one took.",
      fmt::format("Ranked by refused operations, then by the score {}; speed is relative to {}, 0.5 is as quick.",
                  Describe(score), reference)};
  document.footer.insert(document.footer.end(), remarks.begin(), remarks.end());
  for (const ComparedRun& run : runs) {
    if (const std::string trouble = Trouble(run); !trouble.empty()) {
      document.footer.push_back(fmt::format("{} on {}, RAM {}: {}", run.config.heap_allocator(), run.workload,
                                            BytesCell(run.config.ram_bytes()).text, trouble));
    }
  }
  return document;
}

google::protobuf::Struct ComparisonStruct(const std::vector<ComparedRun>& runs, const std::string& reference,
                                          const Score& score) {
  google::protobuf::Struct result;
  auto& fields = *result.mutable_fields();
  fields["reference"].set_string_value(reference);
  fields["score"].set_string_value(Describe(score));
  auto& list = *fields["runs"].mutable_list_value();
  for (const Table& table : Tables(runs, reference, score)) {
    for (const Row& row : table.rows) {
      auto& run = *list.add_values()->mutable_struct_value()->mutable_fields();
      run["workload"].set_string_value(row.run->workload);
      run["heap_allocator"].set_string_value(row.run->config.heap_allocator());
      if (const std::string& pages = row.run->config.page_allocator(); !pages.empty())
        run["page_allocator"].set_string_value(pages);
      run["ram_bytes"].set_number_value(static_cast<double>(row.run->config.ram_bytes()));
      auto& parameters = *run["parameters"].mutable_struct_value()->mutable_fields();
      for (const auto& [name, value] : row.run->config.parameters()) parameters[name].set_string_value(value);
      if (const std::string trouble = Trouble(*row.run); !trouble.empty()) run["trouble"].set_string_value(trouble);
      if (row.run->run.id() != 0) run["run"].set_string_value(std::to_string(row.run->run.id()));
      auto& figures = *run["figures"].mutable_struct_value()->mutable_fields();
      for (const Measurement& measurement : MeasurementsOf(row.run->run.result())) {
        if (measurement.labels.empty() && measurement.figure->exact) {
          figures[FigureKey(measurement.figure->name, measurement.aggregate)].set_number_value(measurement.value);
        }
      }
      if (row.score) run["score"].set_number_value(*row.score);
      if (row.rank != 0) run["rank"].set_number_value(static_cast<double>(row.rank));
    }
  }
  return result;
}

}  // namespace alloclab::client

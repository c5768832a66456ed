#include "clients/cli/guest_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "allocators/common/printable.h"
#include "clients/cli/disassembly.h"
#include "clients/cli/grading.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

// A fact for people, and the same for programs.
class FactList {
 public:
  FactList(Section& section, google::protobuf::Struct& message) : section_(section), fields_(*message.mutable_fields()) {}
  void Add(const std::string& name, const std::string& key, const Cell& cell) {
    AddFact(section_, name, cell);
    fields_[key].set_string_value(cell.raw);
  }

 private:
  Section& section_;
  google::protobuf::Map<std::string, google::protobuf::Value>& fields_;
};

double Ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

Cell PerOperation(std::uint64_t count, std::uint64_t operations) {
  const double each = Ratio(count, operations);
  return {fmt::format("{:.1f}", each), fmt::format("{:.6f}", each)};
}

Section KindSection(const TrialResult& result) {
  Section table;
  table.title = "operations";
  table.columns = {{"kind"},           {"count", true},     {"instr./op", true},
                   {"loads/op", true}, {"stores/op", true}, {"cycles/op", true}};
  const auto row = [&table](std::string name, const TrialCosts& costs) {
    table.rows.push_back({TextCell(std::move(name)), CountCell(costs.operations),
                          PerOperation(costs.instructions, costs.operations), PerOperation(costs.loads, costs.operations),
                          PerOperation(costs.stores, costs.operations), PerOperation(costs.Cycles(), costs.operations)});
  };
  for (std::uint32_t kind = 0; kind < kOpKinds; ++kind) {
    if (result.costs[kind].operations != 0) row(std::string(OpKindName(static_cast<OpKind>(kind))), result.costs[kind]);
  }
  row("all", result.total());
  return table;
}

std::vector<Cell> CostCells(const InstructionCosts& costs, const InstructionCosts& all) {
  return {CountCell(costs.instructions), RatioCell(Ratio(costs.instructions, all.instructions)), CountCell(costs.loads),
          CountCell(costs.stores), CountCell(costs.page_faults)};
}

const std::vector<Column> kCostColumns = {
    {"instructions", true}, {"share", true}, {"loads", true}, {"stores", true}, {"page faults", true}};

template <class Key>
std::vector<std::pair<Key, InstructionCosts>> CostliestFirst(const std::map<Key, InstructionCosts>& costs) {
  std::vector<std::pair<Key, InstructionCosts>> sorted(costs.begin(), costs.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second.instructions > b.second.instructions; });
  return sorted;
}

std::vector<std::string> LinesOfFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return {};
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return absl::StrSplit(text, '\n');
}

std::string Html(const std::string& text) {
  return absl::StrReplaceAll(Printable(text), {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

}  // namespace

Document TrialDocument(const std::string& program, const LocalWorkload& workload, const TrialResult& result,
                       const BuiltGuest& built, google::protobuf::Struct& message) {
  Document document;
  const TrialCosts total = result.total();
  document.heading = fmt::format("{} under {}: {}", program, workload.name, result.violation ? "wrong" : "right");
  Section section = Facts("");
  FactList facts(section, message);
  facts.Add("operations", "operations", CountCell(result.operations));
  facts.Add("instructions", "instructions", CountCell(total.instructions));
  facts.Add("loads", "loads", CountCell(total.loads));
  facts.Add("stores", "stores", CountCell(total.stores));
  facts.Add("cycles (386DX-33)", "cycles", CountCell(total.Cycles()));
  facts.Add("page faults", "page_faults", CountCell(result.page_faults));
  facts.Add("peak live", "live_peak_bytes", BytesCell(result.live_peak_bytes));
  facts.Add(workload.trace.page_handles != 0 ? "peak arena" : "peak heap", "heap_peak_bytes",
            BytesCell(result.heap_peak_bytes));
  facts.Add("utilisation", "utilisation", RatioCell(Ratio(result.live_peak_bytes, result.heap_peak_bytes)));
  facts.Add("costliest operation", "costliest_operation", CountCell(result.costliest_operation));
  facts.Add("its instructions", "costliest_instructions", CountCell(result.costliest_instructions));
  if (result.printed_bytes != 0) facts.Add("printed", "printed", TextCell(result.printed));
  document.sections.push_back(std::move(section));
  document.sections.push_back(KindSection(result));
  if (result.violation) {
    const std::string what = Describe(*result.violation, workload, built);
    (*message.mutable_fields())["violation"].set_string_value(what);
    document.footer.push_back(what);
  }
  return document;
}

absl::StatusOr<std::string> LastInstructions(const BuiltGuest& built, const Trace& trace, const TrialOptions& options,
                                             const TrialResult& result, std::uint64_t count) {
  const std::uint64_t last = trace.operations.size() - 1;
  const std::uint64_t operation = result.violation ? std::min(result.violation->operation, last) : last;
  std::optional<std::uint32_t> changed;
  if (result.violation) changed = result.violation->changed;
  const auto steps = LastSteps(built.program, trace, options, operation,
                               static_cast<std::size_t>(std::min(count, kInstructionsShownMax)), changed);
  if (!steps.ok()) return steps.status();
  std::vector<std::uint32_t> addresses;
  for (const I386Cpu::State& step : *steps) addresses.push_back(step.eip);
  const std::map<std::uint32_t, SourceLine> lines = FindLines(built.program->line_sections(), addresses);
  std::string text = fmt::format("\nlast instructions of operation {}, with the registers before each\n", operation);
  for (const I386Cpu::State& step : *steps) {
    const auto& r = step.registers;
    const auto line = lines.find(step.eip);
    text += fmt::format("{:08x}  {:36}  {:24}  {}\n", step.eip, Disassemble(*built.program, step.eip),
                        built.program->Describe(step.eip), line != lines.end() ? ShortName(line->second) : "");
    text += fmt::format("          eax {:08x} ecx {:08x} edx {:08x} ebx {:08x} esp {:08x} ebp {:08x} esi {:08x} edi {:08x}\n",
                        r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7]);
  }
  return text;
}

ProfileView::ProfileView(const BuiltGuest& built, const LocalWorkload& workload, const Profile& profile)
    : workload_(workload), profile_(profile) {
  std::vector<std::uint32_t> addresses;
  for (const auto& [address, costs] : profile.by_address) addresses.push_back(address);
  std::map<std::uint32_t, SourceLine> places = FindLines(built.program->line_sections(), addresses);
  for (const auto& [address, costs] : profile.by_address) {
    const std::string where = built.program->Describe(address);
    functions_[where.substr(0, where.find('+'))].Add(costs);
    lines_[places[address]].Add(costs);
    all_.Add(costs);
  }
}

Document ProfileView::ToDocument(std::uint64_t lines, google::protobuf::Struct& message) const {
  Document document;
  const TrialResult& result = profile_.result;
  document.heading = fmt::format("{}: {} operations, {} instructions{}", workload_.name, Count(result.operations),
                                 Count(all_.instructions), result.violation ? "; then: " + result.violation->what : "");
  document.sections.push_back(KindSection(result));
  const auto table = [&](const std::string& title, const std::string& key, const auto& costs, std::uint64_t most,
                         const auto& name) {
    Section section;
    section.title = title;
    section.columns = {{key}};
    section.columns.insert(section.columns.end(), kCostColumns.begin(), kCostColumns.end());
    auto& list = *(*message.mutable_fields())[key].mutable_list_value();
    for (const auto& [what, cost] : CostliestFirst(costs)) {
      auto& fields = *list.add_values()->mutable_struct_value()->mutable_fields();
      fields["name"].set_string_value(name(what));
      fields["instructions"].set_string_value(fmt::to_string(cost.instructions));
      fields["loads"].set_string_value(fmt::to_string(cost.loads));
      fields["stores"].set_string_value(fmt::to_string(cost.stores));
      fields["page_faults"].set_string_value(fmt::to_string(cost.page_faults));
      if (section.rows.size() >= most) continue;
      std::vector<Cell> row = CostCells(cost, all_);
      row.insert(row.begin(), TextCell(name(what)));
      section.rows.push_back(std::move(row));
    }
    document.sections.push_back(std::move(section));
  };
  table("functions", "function", functions_, ~0ull, [](const std::string& function) { return function; });
  table("source lines", "line", lines_, lines,
        [](const SourceLine& line) { return line.file.empty() ? "not known" : ShortName(line); });
  document.footer.push_back(fmt::format("costliest: operation {}, {} instructions", result.costliest_operation,
                                        Count(result.costliest_instructions)));
  return document;
}

std::string ProfileView::AnnotatedSource() const {
  std::string text;
  std::string shown;
  for (const auto& [first, unused] : lines_) {
    if (first.file.empty() || first.file == shown) continue;
    shown = first.file;
    const std::vector<std::string> source = LinesOfFile(shown);
    if (source.empty()) continue;
    text += fmt::format("\n{}\n{:>12} {:>10} {:>10}\n", shown, "instructions", "loads", "stores");
    for (std::size_t i = 0; i < source.size(); ++i) {
      const auto found = lines_.find({shown, static_cast<int>(i + 1)});
      const std::string costs = found == lines_.end() ? std::string(34, ' ')
                                                      : fmt::format("{:>12} {:>10} {:>10}", Count(found->second.instructions),
                                                                    Count(found->second.loads), Count(found->second.stores));
      text += fmt::format("{} {:>5}  {}\n", costs, i + 1, Printable(source[i]));
    }
  }
  return text;
}

std::string ProfileView::ToHtml(const std::string& title) const {
  std::string html = fmt::format(
      "<!DOCTYPE html><meta charset=\"utf-8\"><title>{0}</title><style>body{{font-family:sans-serif}}td{{padding:0 .6em;"
      "white-space:pre;font-family:monospace}}td.n{{text-align:right}}</style><h1>{0} under {1}</h1>"
      "<p>{2} operations, {3} instructions.</p>",
      Html(title), Html(workload_.name), Count(profile_.result.operations), Count(all_.instructions));
  std::string shown;
  for (const auto& [first, unused] : lines_) {
    if (first.file.empty() || first.file == shown) continue;
    shown = first.file;
    const std::vector<std::string> source = LinesOfFile(shown);
    if (source.empty()) continue;
    html +=
        fmt::format("<h2>{}</h2><table><tr><th>instructions<th>loads<th>stores<th>page faults<th>line<th></tr>\n", Html(shown));
    for (std::size_t i = 0; i < source.size(); ++i) {
      const auto found = lines_.find({shown, static_cast<int>(i + 1)});
      if (found == lines_.end()) {
        html += "<tr><td><td><td><td>";
      } else {
        const InstructionCosts& costs = found->second;
        const int heat = static_cast<int>(100 * Ratio(costs.instructions, all_.instructions));
        html += fmt::format(
            "<tr style=\"background:rgba(255,80,0,{:.2f})\"><td class=n>{}<td class=n>{}<td class=n>{}<td class=n>{}",
            std::min(0.9, 0.05 + heat / 40.0), Count(costs.instructions), Count(costs.loads), Count(costs.stores),
            Count(costs.page_faults));
      }
      html += fmt::format("<td class=n>{}<td>{}</tr>\n", i + 1, Html(source[i]));
    }
    html += "</table>\n";
  }
  return html;
}

}  // namespace alloclab::client

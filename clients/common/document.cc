#include "clients/common/document.h"

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

using Widths = std::vector<std::size_t>;

void Widen(Widths& widths, const Section& section) {
  if (widths.size() < section.columns.size()) widths.resize(section.columns.size());
  for (std::size_t c = 0; c < section.columns.size(); ++c) {
    if (!section.headless) widths[c] = std::max(widths[c], DisplayWidth(section.columns[c].name));
    for (const auto& row : section.rows) widths[c] = std::max(widths[c], DisplayWidth(Printable(row[c].text)));
  }
}

// Widths of each section; the headless ones have the same.
std::vector<Widths> WidthsOf(const Document& document) {
  Widths shared;
  for (const Section& section : document.sections) {
    if (section.headless) Widen(shared, section);
  }
  std::vector<Widths> all;
  for (const Section& section : document.sections) {
    Widths own;
    if (!section.headless) Widen(own, section);
    all.push_back(section.headless ? shared : own);
  }
  return all;
}

std::string Line(const std::vector<Column>& columns, const std::vector<Cell>& row, const Widths& widths, const Style& style) {
  std::string line;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const std::string text = Printable(row[c].text);
    const std::string space(widths[c] - DisplayWidth(text), ' ');
    const std::string painted = style.Paint(row[c].tone, text);
    line += columns[c].right ? space + painted : painted + space;
    line += "  ";
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::vector<Cell> Names(const Section& section, Tone tone) {
  std::vector<Cell> names;
  for (const Column& column : section.columns) names.push_back(TextCell(column.name, tone));
  return names;
}

std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return fmt::format("\"{}\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}));
}

std::string CsvLine(std::vector<std::string> fields) {
  for (std::string& field : fields) field = CsvField(field);
  return fmt::format("{}\n", fmt::join(fields, ","));
}

bool SameColumns(const Section& a, const Section& b) {
  return std::equal(a.columns.begin(), a.columns.end(), b.columns.begin(), b.columns.end(),
                    [](const Column& x, const Column& y) { return x.name == y.name; });
}

std::string MarkdownLine(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) line += fmt::format(" {} |", absl::StrReplaceAll(Printable(cell), {{"|", "\\|"}}));
  return line + "\n";
}

std::string MarkdownSection(const Section& section) {
  std::string out;
  if (!section.title.empty()) out += fmt::format("\n### {}\n\n", section.title);
  if (!section.rows.empty()) {
    std::vector<std::string> names, rules;
    for (const Column& column : section.columns) {
      names.push_back(column.name);
      rules.push_back(column.right ? "--:" : "---");
    }
    out += MarkdownLine(names) + MarkdownLine(rules);
    for (const auto& row : section.rows) {
      std::vector<std::string> cells;
      for (const Cell& cell : row) cells.push_back(cell.text);
      out += MarkdownLine(cells);
    }
  }
  if (!section.picture.empty()) out += fmt::format("\n```text\n{}```\n", section.picture);
  return out;
}

}  // namespace

Cell TextCell(std::string text, Tone tone) { return {text, text, tone}; }
Cell CountCell(std::uint64_t value) { return {Count(value), std::to_string(value)}; }
Cell BytesCell(std::uint64_t bytes) { return {Bytes(bytes), std::to_string(bytes)}; }
Cell AddressCell(std::uint32_t address) { return TextCell(Address(address)); }
Cell TimeCell(const google::protobuf::Timestamp& time) {
  return {Time(time.seconds()), google::protobuf::util::TimeUtil::ToString(time)};
}
Cell RatioCell(double ratio) { return {Percent(ratio), fmt::format("{:.6f}", ratio)}; }

Section Facts(std::string title) {
  return {.title = std::move(title), .columns = {{"name"}, {"value"}}, .rows = {}, .headless = true, .picture = {}};
}

void AddFact(Section& section, std::string name, Cell value) {
  section.rows.push_back({TextCell(std::move(name)), std::move(value)});
}

std::string RenderTable(const Document& document, const Style& style) {
  std::string out;
  if (!document.heading.empty()) out += style.Paint(Tone::kBold, Printable(document.heading)) + "\n";
  const std::vector<Widths> widths = WidthsOf(document);
  for (std::size_t s = 0; s < document.sections.size(); ++s) {
    const Section& section = document.sections[s];
    if (!out.empty()) out += "\n";
    if (!section.title.empty()) out += style.Paint(Tone::kBold, absl::AsciiStrToUpper(section.title)) + "\n";
    const bool header = !section.headless && !section.columns.empty();
    if (header) out += Line(section.columns, Names(section, Tone::kBold), widths[s], style);
    for (const auto& row : section.rows) out += Line(section.columns, row, widths[s], style);
    out += section.picture;
  }
  if (!document.footer.empty()) out += "\n";
  for (const std::string& line : document.footer) out += line + "\n";
  return out;
}

std::string RenderCsv(const Document& document) {
  const bool titled =
      std::any_of(document.sections.begin(), document.sections.end(), [](const Section& s) { return !s.title.empty(); });
  std::string out;
  const Section* previous = nullptr;
  for (const Section& section : document.sections) {
    if (section.columns.empty()) continue;
    if (previous == nullptr || !SameColumns(*previous, section)) {
      if (previous != nullptr) out += "\n";
      std::vector<std::string> names;
      if (titled) names.push_back("section");
      for (const Column& column : section.columns) names.push_back(column.name);
      out += CsvLine(std::move(names));
    }
    previous = &section;
    for (const auto& row : section.rows) {
      std::vector<std::string> fields;
      if (titled) fields.push_back(section.title);
      for (const Cell& cell : row) fields.push_back(cell.raw);
      out += CsvLine(std::move(fields));
    }
  }
  return out;
}

std::string RenderMarkdown(const Document& document) {
  std::string out;
  if (!document.heading.empty()) out += fmt::format("**{}**\n", Printable(document.heading));
  for (const Section& section : document.sections) {
    if (!out.empty() && section.title.empty()) out += "\n";
    out += MarkdownSection(section);
  }
  if (!document.footer.empty()) out += "\n";
  for (const std::string& line : document.footer) out += line + "\n";
  return out;
}

}  // namespace alloclab::client

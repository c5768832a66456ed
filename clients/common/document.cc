#include "clients/common/document.h"

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "clients/common/table_layout.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

void AddNeeds(const Section& section, std::vector<ColumnNeed>& needs) {
  if (needs.size() < section.columns.size()) needs.resize(section.columns.size());
  for (std::size_t c = 0; c < section.columns.size(); ++c) {
    if (!section.headless) needs[c].AddName(section.columns[c].name);
    const bool whole = section.columns[c].right || (section.headless && c == 0);  // numbers, and names of facts
    for (const auto& row : section.rows) {
      const std::string text = Printable(row[c].text);
      whole ? needs[c].AddWhole(text) : needs[c].AddText(text);
    }
  }
}

using Layout = std::vector<ColumnPlace>;

// The layout of each section; the headless ones have the same.
std::vector<Layout> LayoutsOf(const Document& document, std::size_t width) {
  std::vector<ColumnNeed> shared;
  for (const Section& section : document.sections) {
    if (section.headless) AddNeeds(section, shared);
  }
  std::vector<Layout> all;
  for (const Section& section : document.sections) {
    std::vector<ColumnNeed> own;
    if (!section.headless) AddNeeds(section, own);
    all.push_back(LayOut(section.headless ? shared : own, width));
  }
  return all;
}

// A row's columns from `first` to `last`, which stand side by side, in as many lines as the longest of them needs.
std::string Lines(const std::vector<Column>& columns, const std::vector<Cell>& row, const Layout& layout, std::size_t first,
                  std::size_t last, const Style& style) {
  std::vector<std::vector<std::string>> wrapped;
  std::size_t height = 1;
  for (std::size_t c = first; c < last; ++c) {
    wrapped.push_back(WrapWords(Printable(row[c].text), layout[c].width));
    height = std::max(height, wrapped.back().size());
  }
  std::string out;
  for (std::size_t l = 0; l < height; ++l) {
    std::string line(layout[first].line > 0 ? kLineIndent : 0, ' ');
    for (std::size_t c = first; c < last; ++c) {
      const std::vector<std::string>& lines = wrapped[c - first];
      const std::string text = l < lines.size() ? lines[l] : "";
      const std::string space(layout[c].width - std::min(layout[c].width, DisplayWidth(text)), ' ');
      const std::string painted = style.Paint(row[c].tone, text);
      line += columns[c].right ? space + painted : painted + space;
      line += std::string(kColumnGap, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string Row(const std::vector<Column>& columns, const std::vector<Cell>& row, const Layout& layout, const Style& style) {
  std::string out;
  for (std::size_t first = 0, last = 0; first < columns.size(); first = last) {
    while (last < columns.size() && layout[last].line == layout[first].line) ++last;
    out += Lines(columns, row, layout, first, last, style);
  }
  return out;
}

std::vector<Cell> Names(const Section& section, Tone tone) {
  std::vector<Cell> names;
  for (const Column& column : section.columns) names.push_back(TextCell(column.name, tone));
  return names;
}

std::string Paragraph(const std::string& text, Tone tone, std::size_t width, const Style& style) {
  std::string out;
  for (const std::string& line : WrapWords(text, width)) out += style.Paint(tone, line) + "\n";
  return out;
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
                    [](const Column& x, const Column& y) { return x.name == y.name && x.unit == y.unit; });
}

// The sections that CSV can show.
std::vector<const Section*> Tabular(const Document& document) {
  std::vector<const Section*> sections;
  for (const Section& section : document.sections) {
    if (!section.columns.empty()) sections.push_back(&section);
  }
  return sections;
}

// Lists of the same things: a column for each of theirs.
std::string WideCsv(const std::vector<const Section*>& sections) {
  const bool titled = std::any_of(sections.begin(), sections.end(), [](const Section* s) { return !s->title.empty(); });
  std::vector<std::string> names;
  if (titled) names.push_back("section");
  for (const Column& column : sections.front()->columns) {
    names.push_back(column.unit.empty() ? column.name : fmt::format("{} ({})", column.name, column.unit));
  }
  std::string out = CsvLine(std::move(names));
  for (const Section* section : sections) {
    for (const auto& row : section->rows) {
      std::vector<std::string> fields;
      if (titled) fields.push_back(section->title);
      for (const Cell& cell : row) fields.push_back(cell.raw);
      out += CsvLine(std::move(fields));
    }
  }
  return out;
}

// Sections of all kinds: a line for each value.
std::string LongCsv(const std::vector<const Section*>& sections) {
  std::string out = CsvLine({"section", "row", "name", "value", "unit"});
  for (const Section* section : sections) {
    for (std::size_t r = 0; r < section->rows.size(); ++r) {
      const std::vector<Cell>& row = section->rows[r];
      if (section->headless) {
        out += CsvLine({section->title, "", row[0].raw, row[1].raw, row[1].unit});
        continue;
      }
      for (std::size_t c = 0; c < row.size(); ++c) {
        const Column& column = section->columns[c];
        out += CsvLine(
            {section->title, std::to_string(r + 1), column.name, row[c].raw, row[c].unit.empty() ? column.unit : row[c].unit});
      }
    }
  }
  return out;
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

Cell TextCell(std::string text, Tone tone) { return {.text = text, .raw = text, .tone = tone}; }
Cell CountCell(std::uint64_t value) { return {.text = Count(value), .raw = std::to_string(value)}; }
Cell BytesCell(std::uint64_t bytes) { return {.text = Bytes(bytes), .raw = std::to_string(bytes), .unit = "bytes"}; }
Cell AddressCell(std::uint32_t address) { return TextCell(Address(address)); }
Cell TimeCell(const google::protobuf::Timestamp& time) {
  return {.text = Time(time.seconds()), .raw = google::protobuf::util::TimeUtil::ToString(time)};
}
Cell DurationCell(absl::Duration duration) {
  return {.text = Duration(duration), .raw = fmt::format("{:.12g}", absl::ToDoubleSeconds(duration)), .unit = "s"};
}
Cell RatioCell(double ratio) { return {.text = Percent(ratio), .raw = fmt::format("{:.6f}", ratio), .unit = "ratio"}; }
Cell DigestCell(const std::string& sha256) {
  constexpr std::size_t kDigitsShown = 16;
  if (sha256.empty()) return TextCell("none");
  return {.text = sha256.size() > kDigitsShown ? sha256.substr(0, kDigitsShown) + "…" : sha256, .raw = sha256};
}

Section Facts(std::string title) {
  return {.title = std::move(title), .columns = {{"name"}, {"value"}}, .rows = {}, .headless = true, .picture = {}};
}

void AddFact(Section& section, std::string name, Cell value) {
  section.rows.push_back({TextCell(std::move(name)), std::move(value)});
}

std::string RenderTable(const Document& document, const Style& style, int width) {
  const auto columns = static_cast<std::size_t>(width);
  std::string out;
  if (!document.heading.empty()) out += Paragraph(Printable(document.heading), Tone::kBold, columns, style);
  const std::vector<Layout> layouts = LayoutsOf(document, columns);
  for (std::size_t s = 0; s < document.sections.size(); ++s) {
    const Section& section = document.sections[s];
    if (!out.empty()) out += "\n";
    if (!section.title.empty()) out += style.Paint(Tone::kBold, absl::AsciiStrToUpper(section.title)) + "\n";
    if (!section.headless) out += Row(section.columns, Names(section, Tone::kBold), layouts[s], style);
    for (const auto& row : section.rows) out += Row(section.columns, row, layouts[s], style);
    out += section.picture;
  }
  if (!document.footer.empty() || !document.command.empty()) out += "\n";
  for (const std::string& line : document.footer) out += Paragraph(line, Tone::kPlain, columns, style);
  if (!document.command.empty()) out += document.command + "\n";
  return out;
}

std::string RenderCsv(const Document& document) {
  const std::vector<const Section*> sections = Tabular(document);
  if (sections.empty()) return "";
  const bool alike = std::all_of(sections.begin(), sections.end(), [&](const Section* section) {
    return !section->headless && SameColumns(*section, *sections.front());
  });
  return alike ? WideCsv(sections) : LongCsv(sections);
}

std::string RenderMarkdown(const Document& document) {
  std::string out;
  if (!document.heading.empty()) out += fmt::format("**{}**\n", Printable(document.heading));
  for (const Section& section : document.sections) {
    if (!out.empty() && section.title.empty()) out += "\n";
    out += MarkdownSection(section);
  }
  if (!document.footer.empty() || !document.command.empty()) out += "\n";
  for (const std::string& line : document.footer) out += line + "\n";
  if (!document.command.empty()) out += fmt::format("```sh\n{}\n```\n", document.command);
  return out;
}

}  // namespace alloclab::client

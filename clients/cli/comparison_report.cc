#include "clients/cli/comparison_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/str_replace.h"
#include "clients/cli/run_curve.h"
#include "clients/common/units.h"
#include "clients/common/version.h"

namespace alloclab::client {
namespace {

using Values = std::vector<double>;

// Colours that differ for colour-blind eyes too (Okabe and Ito).
constexpr const char kHead[] = R"(<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>alloclab compare</title>
<style>
:root { color-scheme: light dark; --line: #8884; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 104rem; padding: 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; display: block; overflow-x: auto; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }
th:first-child, td:first-child { position: sticky; left: 0; background: Canvas; }
.r { text-align: right; }
.good { font-weight: 600; color: #009e73; } .bad { font-weight: 600; color: #d55e00; } .warning { color: #d55e00; } .dim { opacity: .6; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1rem 1.5rem; }
figure { margin: 0; } figcaption { font-size: .85rem; } svg { width: 100%; height: 6rem; border-bottom: 1px solid var(--line); }
svg path { fill: none; stroke-width: 1.5; vector-effect: non-scaling-stroke; }
.live { stroke: #0072b2; } .heap { stroke: #e69f00; } .frag { stroke: #d55e00; } .cycles { stroke: #009e73; } .steps { stroke: #cc79a7; }
b.live { color: #0072b2; } b.heap { color: #e69f00; } b.frag { color: #d55e00; } b.cycles { color: #009e73; } b.steps { color: #cc79a7; }
</style>
<h1>alloclab compare</h1>
)";

std::string Escaped(const std::string& text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

const char* ClassOf(Tone tone) {
  switch (tone) {
    case Tone::kGood:
      return " good";
    case Tone::kBad:
      return " bad";
    case Tone::kWarning:
      return " warning";
    case Tone::kDim:
      return " dim";
    default:
      return "";
  }
}

void AddTable(const Section& section, std::string& html) {
  html += "<table><thead><tr>";
  for (const Column& column : section.columns) {
    html += fmt::format("<th class=\"{}\">{}</th>", column.right ? "r" : "", Escaped(column.name));
  }
  html += "</tr></thead><tbody>\n";
  for (const std::vector<Cell>& row : section.rows) {
    html += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      html += fmt::format("<td class=\"{}{}\">{}</td>", section.columns[i].right ? "r" : "", ClassOf(row[i].tone),
                          Escaped(row[i].text));
    }
    html += "</tr>\n";
  }
  html += "</tbody></table>\n";
}

// What is drawn of a run: one figure over the operations.
struct Line {
  const char* style;
  Values (*of)(const v1::Curve&);
};

// In powers of ten, as allocators differ by orders of magnitude.
Values Logarithms(Values values) {
  for (double& value : values) value = std::log10(1 + value);
  return values;
}

// Nothing of an arena, which is as large at every point: a line far above all others would press these to the ground.
Values GrowingHeap(const v1::Curve& curve) {
  Values values = ValuesOf(curve.heap_bytes());
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return values.empty() || *least == *most ? Values() : values;
}

struct Chart {
  const char* title;  // HTML
  std::vector<Line> lines;
  std::string (*scale)(double top);  // what a height means, in words
};
const std::vector<Chart>& Charts() {
  static const auto* const charts = new std::vector<Chart>{
      {"<b class=\"live\">Live bytes</b> and <b class=\"heap\">size of the heap</b> where it grows",
       {{"heap", GrowingHeap}, {"live", [](const v1::Curve& curve) { return ValuesOf(curve.live_bytes()); }}},
       [](double top) { return Bytes(static_cast<std::uint64_t>(top)); }},
      {"<b class=\"frag\">External fragmentation</b>",
       {{"frag", DrawnFragmentation}},
       [](double) { return std::string("100 %"); }},
      {"<b class=\"cycles\">Cycles per operation</b> of a 386DX-33 and <b class=\"steps\">search steps</b>, logarithmic",
       {{"cycles", [](const v1::Curve& curve) { return Logarithms(PerOperation(curve.cycles_386(), curve)); }},
        {"steps", [](const v1::Curve& curve) { return Logarithms(PerOperation(curve.search_steps(), curve)); }}},
       [](double top) { return Count(static_cast<std::uint64_t>(std::pow(10, top))); }},
  };
  return *charts;
}

double Largest(const Values& values) { return values.empty() ? 0 : *std::max_element(values.begin(), values.end()); }

constexpr double kChartWidth = 1000, kChartHeight = 100;

std::string Path(const Values& values, double top) {
  std::string path;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double x = kChartWidth * static_cast<double>(i + 1) / static_cast<double>(values.size());
    const double y = kChartHeight * (1 - (top > 0 ? values[i] / top : 0));
    path += fmt::format("{}{:.0f} {:.1f}", i == 0 ? "M" : "L", x, y);
  }
  return path;
}

// The most that is drawn: all of it, unless one heap dwarfs what lives in all of them and would press the others to the ground.
double TopOf(const Chart& chart, const std::vector<const ComparedRun*>& runs) {
  constexpr double kRoomAboveLive = 3;
  if (std::string_view(chart.lines[0].style) == "frag") return 1;
  double top = 0, live = 0;
  for (const ComparedRun* run : runs) {
    for (const Line& line : chart.lines) {
      const double largest = Largest(line.of(run->run.result().exact().curve()));
      top = std::max(top, largest);
      if (std::string_view(line.style) == "live") live = std::max(live, largest);
    }
  }
  return live > 0 ? std::min(top, kRoomAboveLive * live) : top;
}

// What of a chart's lines lies above the picture, for its caption.
std::string Above(const Chart& chart, const v1::Curve& curve, double top) {
  std::string above;
  for (const Line& line : chart.lines) {
    if (const double largest = Largest(line.of(curve)); largest > top) above += ", up to " + chart.scale(largest);
  }
  return above;
}

void AddChart(const Chart& chart, const std::vector<const ComparedRun*>& runs, std::string& html) {
  const double top = TopOf(chart, runs);
  html += fmt::format("<h3>{}, from 0 to {}</h3>\n<div class=\"charts\">\n", chart.title, chart.scale(top));
  for (const ComparedRun* run : runs) {
    std::string name = Escaped(run->config.heap_allocator());
    if (!run->config.page_allocator().empty()) name += " over " + Escaped(run->config.page_allocator());
    for (const auto& [key, value] : run->config.parameters()) name += Escaped(fmt::format(" {}={}", key, value));
    html +=
        fmt::format("<figure><svg viewBox=\"0 0 {:.0f} {:.0f}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">",
                    kChartWidth, kChartHeight, name);
    for (const Line& line : chart.lines) {
      html += fmt::format("<path class=\"{}\" d=\"{}\"/>", line.style, Path(line.of(run->run.result().exact().curve()), top));
    }
    html += fmt::format("</svg><figcaption>{}, run {}{}</figcaption></figure>\n", name, run->run.id(),
                        Above(chart, run->run.result().exact().curve(), top));
  }
  html += "</div>\n";
}

}  // namespace

std::string ComparisonReport(const std::vector<ComparedRun>& runs, const Document& document) {
  std::string html = kHead;
  for (const Section& section : document.sections) {
    html += fmt::format("<h2>{}</h2>\n", Escaped(section.title));
    AddTable(section, html);
    std::vector<const ComparedRun*> drawn;
    for (const ComparedRun& run : runs) {
      if (TableTitle(run) == section.title && run.run.result().exact().curve().operation_size() > 1) drawn.push_back(&run);
    }
    if (drawn.empty()) continue;
    for (const Chart& chart : Charts()) AddChart(chart, drawn, html);
  }
  for (const std::string& line : document.footer) html += fmt::format("<p>{}</p>\n", Escaped(line));
  html += fmt::format(
      "<p class=\"dim\">What is not called measured was counted on simulated machines: the same on every computer. alloclab "
      "{}.</p>\n"
      "</html>\n",
      Escaped(std::string(Version())));
  return html;
}

}  // namespace alloclab::client

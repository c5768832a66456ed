#include "clients/cli/trace_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "allocators/common/quantity.h"
#include "clients/common/chart.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

constexpr int kChartRows = 8;

void Set(Struct& object, const std::string& name, double value) { (*object.mutable_fields())[name].set_number_value(value); }
void Set(Struct& object, const std::string& name, std::uint64_t value) { Set(object, name, static_cast<double>(value)); }
void Set(Struct& object, const std::string& name, const std::string& value) {
  (*object.mutable_fields())[name].set_string_value(value);
}
Struct& AddObject(Struct& object, const std::string& list) {
  return *(*object.mutable_fields())[list].mutable_list_value()->add_values()->mutable_struct_value();
}

std::vector<std::uint64_t> CountsOf(const Pow2Histogram& histogram) {
  return {histogram.counts().begin(), histogram.counts().end()};
}

// Rows of half blocks, the highest on top, with the scale before them.
std::string DrawCourse(const std::vector<LivePoint>& course, std::uint64_t operations, int width) {
  const std::string top = Bytes(std::max_element(course.begin(), course.end(), [](const LivePoint& a, const LivePoint& b) {
                                  return a.bytes < b.bytes;
                                })->bytes);
  const int columns = std::clamp(width - static_cast<int>(top.size()) - 3, 10, 100);
  std::vector<std::uint64_t> most(static_cast<std::size_t>(columns), 0);
  std::uint64_t before = 0, highest = 1;
  for (const LivePoint& point : course) {
    const auto column = [&](std::uint64_t operation) {
      return std::min<std::uint64_t>(operation * static_cast<std::uint64_t>(columns) / std::max<std::uint64_t>(1, operations),
                                     most.size() - 1);
    };
    for (std::uint64_t at = column(before); at <= column(point.operation - 1); ++at) most[at] = std::max(most[at], point.bytes);
    before = point.operation - 1;
    highest = std::max(highest, point.bytes);
  }
  std::string picture;
  for (int row = kChartRows - 1; row >= 0; --row) {
    const std::string label = row == kChartRows - 1 ? top : row == 0 ? "0 B" : "";
    picture += fmt::format("{:>{}} ", label, top.size());
    for (const std::uint64_t bytes : most) {
      const int eighths = static_cast<int>(static_cast<double>(bytes) / static_cast<double>(highest) * kChartRows * 2 + 0.5);
      picture += eighths >= 2 * row + 2 ? "█" : eighths == 2 * row + 1 ? "▄" : " ";
    }
    picture += '\n';
  }
  return picture;
}

Section Picture(std::string title, std::string picture) {
  Section section;
  section.title = std::move(title);
  section.headless = true;
  section.picture = std::move(picture);
  return section;
}

Section Operations(const NamedSummary& trace) {
  const TraceSummary& summary = trace.summary;
  Section facts = Facts("trace");
  AddFact(facts, "file", TextCell(trace.name, Tone::kBold));
  AddFact(facts, "format", TextCell(trace.format));
  AddFact(facts, "operations", CountCell(summary.operations));
  for (std::uint32_t kind = 0; kind < kOpKinds; ++kind) {
    if (summary.kinds[kind] != 0)
      AddFact(facts, "  " + std::string(OpKindName(static_cast<OpKind>(kind))), CountCell(summary.kinds[kind]));
  }
  if (!summary.threads.empty()) AddFact(facts, "threads", CountCell(summary.threads.size()));
  AddFact(facts, "bytes asked for", BytesCell(summary.requested_bytes));
  AddFact(facts, "peak live", BytesCell(summary.peak_bytes));
  AddFact(facts, "  at operation", CountCell(summary.peak_operation));
  AddFact(facts, "peak live blocks", CountCell(summary.peak_blocks));
  if (summary.page_peak_bytes != 0) AddFact(facts, "peak live pages", BytesCell(summary.page_peak_bytes));
  AddFact(facts, "live at the end", BytesCell(summary.leaked_bytes));
  AddFact(facts, "  blocks", CountCell(summary.leaked_blocks));
  AddFact(facts, "largest request", BytesCell(summary.largest_request));
  return facts;
}

Section HotSizes(const TraceSummary& summary) {
  Section section;
  section.title = "sizes asked for most";
  section.columns = {{"size", true, "bytes"}, {"requests", true}, {"of all", true}};
  for (const auto& [size, count] : summary.hot_sizes) {
    section.rows.push_back(
        {Cell{Count(size) + " B", fmt::format("{}", size)}, CountCell(count),
         RatioCell(static_cast<double>(count) / static_cast<double>(std::max<std::uint64_t>(1, summary.sizes.count())))});
  }
  return section;
}

Section Threads(const TraceSummary& summary) {
  Section section;
  section.title = "threads";
  section.columns = {{"thread", true}, {"operations", true}};
  for (std::size_t i = 0; i < summary.threads.size() && i < 16; ++i) {
    section.rows.push_back({CountCell(i), CountCell(summary.threads[i])});
  }
  return section;
}

Section Longest(const TraceSummary& summary) {
  Section section;
  section.title = "longest lived blocks";
  section.columns = {{"allocated at", true}, {"lived", true, "operations"}, {"size", true, "bytes"}, {"freed"}};
  for (const BlockLife& life : summary.longest) {
    section.rows.push_back(
        {CountCell(life.born), CountCell(life.lifetime), BytesCell(life.size), TextCell(life.freed ? "yes" : "no")});
  }
  return section;
}

// Those that hold the most when most is live.
Section Sites(const NamedSummary& trace, std::size_t sites_max) {
  Section section;
  section.title = "call sites that hold the most at the peak";
  section.columns = {{"site", true}, {"at peak", true, "bytes"}, {"at end", true, "bytes"}, {"requests", true}, {"called by"}};
  for (const SiteUse& use : trace.summary.sites) {
    if (section.rows.size() == sites_max) break;
    section.rows.push_back({CountCell(use.site), BytesCell(use.peak_bytes), BytesCell(use.end_bytes), CountCell(use.requests),
                            TextCell(use.site == 0 ? "not known" : ShortSiteName(trace.sites, use.site))});
  }
  return section;
}

void SetSites(const NamedSummary& trace, Struct& object) {
  for (const SiteUse& use : trace.summary.sites) {
    Struct& row = AddObject(object, "sites");
    Set(row, "site", std::uint64_t{use.site});
    Set(row, "peak_live_bytes", use.peak_bytes);
    Set(row, "peak_live_blocks", use.peak_blocks);
    Set(row, "end_live_bytes", use.end_bytes);
    Set(row, "end_live_blocks", use.end_blocks);
    Set(row, "requests", use.requests);
    Set(row, "requested_bytes", use.requested_bytes);
    if (use.site == 0 || use.site > trace.sites.sites.size()) continue;
    for (const std::uint32_t number : trace.sites.sites[use.site - 1]) {
      const CallFrame& frame = trace.sites.frames[number];
      Struct& call = AddObject(row, "frames");
      Set(call, "module", frame.module);
      Set(call, "offset", frame.offset);
      if (!frame.function.empty()) Set(call, "function", frame.function);
      if (frame.source.empty()) continue;
      Set(call, "source", frame.source);
      Set(call, "line", std::uint64_t{frame.line});
    }
  }
}

}  // namespace

Document SummaryDocument(const NamedSummary& trace, int width, std::size_t sites_max) {
  const TraceSummary& summary = trace.summary;
  Document document;
  document.sections.push_back(Operations(trace));
  if (summary.peak_bytes != 0) {
    document.sections.push_back(
        Picture("live bytes over the operations", DrawCourse(summary.course, summary.operations, width)));
  }
  if (summary.sizes.count() != 0) {
    document.sections.push_back(Picture("sizes asked for, in bytes", DrawHistogram(Pow2Rows(CountsOf(summary.sizes)), width)));
    document.sections.push_back(HotSizes(summary));
  }
  if (summary.lifetimes.count() != 0) {
    document.sections.push_back(
        Picture("lifetimes of what was freed, in operations", DrawHistogram(Pow2Rows(CountsOf(summary.lifetimes)), width)));
  }
  if (!summary.sites.empty()) document.sections.push_back(Sites(trace, sites_max));
  if (!summary.longest.empty()) document.sections.push_back(Longest(summary));
  if (!summary.threads.empty()) document.sections.push_back(Threads(summary));
  document.footer = trace.notes;
  return document;
}

Struct SummaryStruct(const NamedSummary& trace) {
  const TraceSummary& summary = trace.summary;
  Struct object;
  Set(object, "name", trace.name);
  Set(object, "format", trace.format);
  Set(object, "operations", summary.operations);
  Struct& kinds = *(*object.mutable_fields())["kinds"].mutable_struct_value();
  for (std::uint32_t kind = 0; kind < kOpKinds; ++kind)
    Set(kinds, std::string(OpKindName(static_cast<OpKind>(kind))), summary.kinds[kind]);
  Set(object, "requested_bytes", summary.requested_bytes);
  Set(object, "peak_live_bytes", summary.peak_bytes);
  Set(object, "peak_operation", summary.peak_operation);
  Set(object, "peak_live_blocks", summary.peak_blocks);
  Set(object, "page_peak_live_bytes", summary.page_peak_bytes);
  Set(object, "end_live_bytes", summary.leaked_bytes);
  Set(object, "end_live_blocks", summary.leaked_blocks);
  Set(object, "largest_request", summary.largest_request);
  for (const auto& [size, count] : summary.hot_sizes) {
    Struct& hot = AddObject(object, "hot_sizes");
    Set(hot, "size", size);
    Set(hot, "count", count);
  }
  for (int bucket = 0; bucket < Pow2Histogram::kBuckets; ++bucket) {
    const std::uint64_t sizes = summary.sizes.counts()[static_cast<std::size_t>(bucket)];
    const std::uint64_t lifetimes = summary.lifetimes.counts()[static_cast<std::size_t>(bucket)];
    if (sizes == 0 && lifetimes == 0) continue;
    Struct& row = AddObject(object, "histograms");
    Set(row, "up_to", Pow2Histogram::UpperBound(bucket));
    Set(row, "sizes", sizes);
    Set(row, "lifetimes", lifetimes);
  }
  for (const LivePoint& point : summary.course) {
    Struct& row = AddObject(object, "course");
    Set(row, "operation", point.operation);
    Set(row, "live_bytes", point.bytes);
  }
  for (const BlockLife& life : summary.longest) {
    Struct& row = AddObject(object, "longest");
    Set(row, "allocated_at", life.born);
    Set(row, "lifetime", life.lifetime);
    Set(row, "size", life.size);
    Set(row, "freed", std::uint64_t{life.freed});
  }
  SetSites(trace, object);
  for (const std::uint64_t operations : summary.threads) {
    (*object.mutable_fields())["threads"].mutable_list_value()->add_values()->set_number_value(static_cast<double>(operations));
  }
  for (const std::string& note : trace.notes)
    (*object.mutable_fields())["notes"].mutable_list_value()->add_values()->set_string_value(note);
  return object;
}

std::uint64_t SuggestedRam(const TraceSummary& summary) {
  constexpr std::uint64_t kLeast = 1 << 20, kMost = 1ull << 32;
  return std::min(kMost, std::bit_ceil(std::max(kLeast, summary.peak_both_bytes + summary.peak_both_bytes / 2 + (512 << 10))));
}

std::vector<Finding> LintTrace(const TraceSummary& summary, std::uint64_t ram_bytes) {
  std::vector<Finding> findings;
  const auto add = [&findings](const char* what, const Occurrences& found, const char* consequence) {
    if (found.count != 0) findings.push_back({what, found.count, found.first, consequence});
  };
  add("double free", summary.double_frees, "a guarded heap answers double_free; without the guard the heap breaks");
  add("free of a block never allocated", summary.wild_frees, "nothing happens: the handle is null");
  add("realloc of a block that is not live", summary.dead_reallocs, "a guarded heap answers double_free");
  add("allocation over a live block", summary.overwritten, "the old block leaks");
  add("size of 4 GiB or more", summary.too_large, "size_overflow on every machine");
  add("request of 0 bytes", summary.zero_sizes, "what comes back differs by allocator: null or a block");
  if (summary.leaked_blocks != 0) {
    findings.push_back(
        {"blocks live at the end", summary.leaked_blocks, 0, fmt::format("{} leak", Bytes(summary.leaked_bytes))});
  }
  if (ram_bytes == 0) return findings;
  if (summary.largest_request > ram_bytes) {
    findings.push_back({"request above RAM", 1, summary.largest_operation,
                        fmt::format("{} can never be had on {}", Bytes(summary.largest_request), Bytes(ram_bytes))});
  }
  if (summary.peak_both_bytes > ram_bytes) {
    findings.push_back(
        {"peak live above RAM", 1, summary.peak_operation,
         fmt::format("{} are live at once on {}: requests will be refused", Bytes(summary.peak_both_bytes), Bytes(ram_bytes))});
  } else if (SuggestedRam(summary) > ram_bytes) {
    findings.push_back({"peak live near RAM", 1, summary.peak_operation,
                        fmt::format("{} of {} are live at once: fragmentation may refuse requests",
                                    Bytes(summary.peak_both_bytes), Bytes(ram_bytes))});
  }
  return findings;
}

Document LintDocument(const NamedSummary& trace, const std::vector<Finding>& findings, std::uint64_t ram_bytes) {
  Document document;
  Section section;
  section.title = "findings";
  section.columns = {{"what"}, {"times", true}, {"first at", true}, {"what comes of it"}};
  for (const Finding& finding : findings) {
    section.rows.push_back({TextCell(finding.what, Tone::kWarning), CountCell(finding.count),
                            finding.first != 0 ? CountCell(finding.first) : TextCell("-"), TextCell(finding.consequence)});
  }
  if (!findings.empty()) document.sections.push_back(std::move(section));
  document.footer = trace.notes;
  if (findings.empty()) document.footer.push_back("Nothing that a machine would not like.");
  document.footer.push_back(fmt::format("Peak live {}{}; suggested: --ram {}", Bytes(trace.summary.peak_both_bytes),
                                        ram_bytes != 0 ? " of " + Bytes(ram_bytes) : "",
                                        FormatQuantity(SuggestedRam(trace.summary))));
  return document;
}

Struct LintStruct(const NamedSummary& trace, const std::vector<Finding>& findings, std::uint64_t ram_bytes) {
  Struct object;
  Set(object, "name", trace.name);
  Set(object, "format", trace.format);
  Set(object, "ram_bytes", ram_bytes);
  Set(object, "peak_live_bytes", trace.summary.peak_both_bytes);
  Set(object, "suggested_ram_bytes", SuggestedRam(trace.summary));
  for (const Finding& finding : findings) {
    Struct& row = AddObject(object, "findings");
    Set(row, "what", finding.what);
    Set(row, "count", finding.count);
    Set(row, "first_operation", finding.first);
    Set(row, "consequence", finding.consequence);
  }
  for (const std::string& note : trace.notes)
    (*object.mutable_fields())["notes"].mutable_list_value()->add_values()->set_string_value(note);
  return object;
}

Document DiffDocument(const NamedSummary& a, const NamedSummary& b, const std::string& first_difference) {
  Section table;
  table.columns = {{"what"}, {"first", true}, {"second", true}};
  table.rows.push_back({TextCell("format"), TextCell(a.format), TextCell(b.format)});
  const auto count = [&table](const std::string& what, std::uint64_t in_a, std::uint64_t in_b) {
    if (in_a != 0 || in_b != 0)
      table.rows.push_back({TextCell(what, in_a != in_b ? Tone::kWarning : Tone::kPlain), CountCell(in_a), CountCell(in_b)});
  };
  const auto bytes = [&table](const std::string& what, std::uint64_t in_a, std::uint64_t in_b) {
    if (in_a != 0 || in_b != 0)
      table.rows.push_back({TextCell(what, in_a != in_b ? Tone::kWarning : Tone::kPlain), BytesCell(in_a), BytesCell(in_b)});
  };
  count("operations", a.summary.operations, b.summary.operations);
  for (std::uint32_t kind = 0; kind < kOpKinds; ++kind) {
    count(std::string(OpKindName(static_cast<OpKind>(kind))), a.summary.kinds[kind], b.summary.kinds[kind]);
  }
  bytes("bytes asked for", a.summary.requested_bytes, b.summary.requested_bytes);
  bytes("peak live", a.summary.peak_bytes, b.summary.peak_bytes);
  count("peak live blocks", a.summary.peak_blocks, b.summary.peak_blocks);
  bytes("peak live pages", a.summary.page_peak_bytes, b.summary.page_peak_bytes);
  bytes("live at the end", a.summary.leaked_bytes, b.summary.leaked_bytes);
  bytes("largest request", a.summary.largest_request, b.summary.largest_request);
  count("double frees", a.summary.double_frees.count, b.summary.double_frees.count);
  Document document;
  document.sections.push_back(std::move(table));
  document.footer.push_back(first_difference);
  return document;
}

}  // namespace alloclab::client

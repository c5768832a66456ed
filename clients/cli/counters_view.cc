#include "clients/cli/counters_view.h"

#include <fmt/format.h>

#include <numeric>
#include <string>
#include <utility>

#include "clients/cli/declarations.h"
#include "clients/common/chart.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

std::optional<double> Ratio(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

// Of a whole that the part is a part of.
std::optional<double> Share(std::uint64_t part, std::uint64_t whole) {
  return part > whole ? std::nullopt : Ratio(part, whole);
}

std::optional<double> OneMinus(std::optional<double> ratio) {
  if (ratio) ratio = 1 - *ratio;
  return ratio;
}

Cell UnlessUnknown(bool unknown, Cell cell) { return unknown ? Cell{"unknown", "", Tone::kBad} : std::move(cell); }

Cell OptionalRatio(std::optional<double> ratio) { return ratio ? RatioCell(*ratio) : Cell{"-", "", Tone::kDim}; }

std::uint64_t Total(const v1::Pow2Histogram& histogram) {
  return std::accumulate(histogram.counts().begin(), histogram.counts().end(), std::uint64_t{0});
}

Cell MeanCell(const v1::Pow2Histogram& histogram) {
  const std::optional<double> mean = Ratio(histogram.sum(), Total(histogram));
  if (!mean) return {"-", "", Tone::kDim};
  return TextCell(fmt::format("{:.2f}", *mean));
}

std::string Histogram(const v1::Pow2Histogram& histogram, int width) {
  return DrawHistogram(Pow2Rows({histogram.counts().begin(), histogram.counts().end()}), width);
}

Section OutcomeSection(const v1::Counters& counters) {
  Section section = Facts("outcomes");
  AddFact(section, "operations", CountCell(counters.operations()));
  for (const v1::OutcomeCount& outcome : counters.outcomes()) {
    Cell count = CountCell(outcome.count());
    if (outcome.outcome() != "ok" && outcome.outcome() != "zero_size") count.tone = Tone::kWarning;
    AddFact(section, outcome.operation() + " " + outcome.outcome(), std::move(count));
  }
  return section;
}

Section MemorySection(const CountersView& view) {
  const v1::Counters& counters = view.counters;
  const v1::HeapShape& heap = *view.heap;
  const MemoryRatios ratios = RatiosOf(counters, heap);
  const bool unknown = heap.has_broken();
  Section section = Facts("heap memory");
  AddFact(section, "requested", BytesCell(counters.requested_bytes()));
  AddFact(section, "peak live", BytesCell(counters.live_requested_peak_bytes()));
  AddFact(section, "peak live blocks", CountCell(counters.live_blocks_peak()));
  AddFact(section, "peak heap", BytesCell(counters.heap_size_peak_bytes()));
  AddFact(section, "peak utilisation", OptionalRatio(ratios.peak_utilisation));
  AddFact(section, "live now", BytesCell(counters.live_requested_bytes()));
  AddFact(section, "live blocks now", CountCell(counters.live_blocks()));
  AddFact(section, "heap now", BytesCell(heap.brk() - heap.start()));
  AddFact(section, "free now", UnlessUnknown(unknown, BytesCell(heap.free_bytes())));
  AddFact(section, "free blocks now", UnlessUnknown(unknown, CountCell(heap.free_blocks())));
  AddFact(section, "largest free block", UnlessUnknown(unknown, BytesCell(heap.largest_free_bytes())));
  AddFact(section, "internal fragmentation", UnlessUnknown(unknown, OptionalRatio(ratios.internal_fragmentation)));
  AddFact(section, "external fragmentation", UnlessUnknown(unknown, OptionalRatio(ratios.external_fragmentation)));
  return section;
}

// "merges with below".
std::string NameOf(const v1::Counter& counter) {
  std::string name = PlainName(counter.name());
  for (const v1::Label& label : counter.labels()) name += fmt::format(" {} {}", label.name(), PlainName(label.value()));
  return name;
}

// What an allocator declares, in its order.
void AddCounters(Section& section, const google::protobuf::RepeatedPtrField<v1::Counter>& counters) {
  for (const v1::Counter& counter : counters) {
    AddFact(section, NameOf(counter), InBytes(counter.name()) ? BytesCell(counter.value()) : CountCell(counter.value()));
  }
}

void AddFigures(Section& section, const google::protobuf::RepeatedPtrField<v1::Figure>& figures, const FigureUnits& units) {
  for (const v1::Figure& figure : figures) {
    AddFact(section, PlainName(figure.name()), FigureCell(figure.value(), units.Of(figure.name())));
  }
}

Section SearchSection(const CountersView& view) {
  const v1::Counters& counters = view.counters;
  Section section = Facts("heap search");
  AddFact(section, "searches", CountCell(Total(counters.heap_search_steps())));
  AddFact(section, "mean steps", MeanCell(counters.heap_search_steps()));
  AddFact(section, "most steps", CountCell(counters.search_max()));
  section.picture = Histogram(counters.heap_search_steps(), view.width);
  if (!section.picture.empty()) section.picture = "blocks looked at per search\n" + section.picture;
  return section;
}

Section HeapWorkSection(const CountersView& view) {
  Section section = Facts("heap work");
  AddCounters(section, view.counters.heap());
  AddFigures(section, view.heap->figures(), view.units);
  return section;
}

Section PageSection(const CountersView& view) {
  Section section = Facts("pages");
  if (view.pages != nullptr) {
    const bool unknown = view.pages->has_broken();
    AddFact(section, "arena", BytesCell(view.pages->arena_bytes()));
    AddFact(section, "free", UnlessUnknown(unknown, BytesCell(view.pages->free_bytes())));
    AddFact(section, "free blocks", UnlessUnknown(unknown, CountCell(view.pages->free_blocks())));
    AddFact(section, "largest free block", UnlessUnknown(unknown, BytesCell(view.pages->largest_free_bytes())));
  }
  AddFact(section, "peak live", BytesCell(view.counters.page_live_peak_bytes()));
  AddFact(section, "mean steps of a search", MeanCell(view.counters.page_search_steps()));
  AddCounters(section, view.counters.pages());
  if (view.pages != nullptr) AddFigures(section, view.pages->figures(), view.units);
  return section;
}

Section MachineSection(const CountersView& view) {
  Section section = Facts("virtual memory");
  AddCounters(section, view.counters.machine());
  AddFigures(section, view.counters.machine_figures(), view.units);
  return section;
}

}  // namespace

MemoryRatios RatiosOf(const v1::Counters& counters, const v1::HeapShape& heap) {
  return {.peak_utilisation = Share(counters.live_requested_peak_bytes(), counters.heap_size_peak_bytes()),
          .internal_fragmentation = OneMinus(Share(counters.live_requested_bytes(), heap.live_block_bytes())),
          .external_fragmentation = OneMinus(Share(heap.largest_free_bytes(), heap.free_bytes()))};
}

std::vector<Section> CounterSections(const CountersView& view) {
  std::vector<Section> sections = {OutcomeSection(view.counters)};
  if (view.heap != nullptr) {
    sections.push_back(MemorySection(view));
    sections.push_back(SearchSection(view));
    sections.push_back(HeapWorkSection(view));
  }
  sections.push_back(PageSection(view));
  if (view.heap != nullptr) sections.push_back(MachineSection(view));
  return sections;
}

}  // namespace alloclab::client

#include "clients/cli/counters_view.h"

#include <fmt/format.h>

#include <numeric>
#include <string>
#include <utility>

#include "clients/common/chart.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

std::optional<double> Ratio(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

std::optional<double> OneMinus(std::optional<double> ratio) {
  if (ratio) ratio = 1 - *ratio;
  return ratio;
}

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

std::uint64_t At(const google::protobuf::RepeatedField<std::uint64_t>& values, int index) {
  return index < values.size() ? values.Get(index) : 0;
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
  Section section = Facts("heap memory");
  AddFact(section, "requested", BytesCell(counters.requested_bytes()));
  AddFact(section, "peak live", BytesCell(counters.live_requested_peak_bytes()));
  AddFact(section, "peak live blocks", CountCell(counters.live_blocks_peak()));
  AddFact(section, "peak heap", BytesCell(counters.heap_size_peak_bytes()));
  AddFact(section, "peak utilisation", OptionalRatio(ratios.peak_utilisation));
  AddFact(section, "live now", BytesCell(counters.live_requested_bytes()));
  AddFact(section, "live blocks now", CountCell(counters.live_blocks()));
  AddFact(section, "heap now", BytesCell(heap.brk() - heap.start()));
  AddFact(section, "free now", BytesCell(heap.free_bytes()));
  AddFact(section, "free blocks now", CountCell(heap.free_blocks()));
  AddFact(section, "largest free block", BytesCell(heap.largest_free_bytes()));
  AddFact(section, "internal fragmentation", OptionalRatio(ratios.internal_fragmentation));
  AddFact(section, "external fragmentation", OptionalRatio(ratios.external_fragmentation));
  return section;
}

Section SearchSection(const CountersView& view) {
  const v1::Counters& counters = view.counters;
  Section section = Facts("heap search");
  AddFact(section, "searches", CountCell(Total(counters.search_headers())));
  AddFact(section, "headers visited", CountCell(counters.heap().headers_visited()));
  AddFact(section, "mean per search", MeanCell(counters.search_headers()));
  AddFact(section, "longest search", CountCell(counters.search_max()));
  section.picture = Histogram(counters.search_headers(), view.width);
  if (!section.picture.empty()) section.picture = "headers per search\n" + section.picture;
  return section;
}

Section HeapWorkSection(const v1::HeapCosts& costs) {
  Section section = Facts("heap work");
  AddFact(section, "splits", CountCell(costs.splits()));
  constexpr const char* kCases[] = {"previous free", "next free", "both free", "neither free"};
  for (int i = 0; i < 4; ++i)
    AddFact(section, fmt::format("coalesce {}: {}", i + 1, kCases[i]), CountCell(At(costs.coalesces(), i)));
  AddFact(section, "grows", CountCell(costs.grows()));
  AddFact(section, "grown", BytesCell(costs.grown_bytes()));
  AddFact(section, "words loaded", CountCell(costs.words_loaded()));
  AddFact(section, "words stored", CountCell(costs.words_stored()));
  AddFact(section, "pages searched", CountCell(costs.search_pages()));
  AddFact(section, "copied by realloc", BytesCell(costs.copied_bytes()));
  AddFact(section, "zeroed by calloc", BytesCell(costs.zeroed_bytes()));
  return section;
}

Section PageSection(const CountersView& view) {
  const v1::PageCosts& costs = view.counters.pages();
  Section section = Facts("page runs");
  if (view.pages != nullptr) {
    AddFact(section, "arena", BytesCell(view.pages->arena_bytes()));
    AddFact(section, "arena free", BytesCell(view.pages->free_bytes()));
    AddFact(section, "free runs", CountCell(view.pages->runs()));
    AddFact(section, "largest free run", BytesCell(view.pages->largest_run_bytes()));
  }
  AddFact(section, "peak live in pages", BytesCell(view.counters.page_live_peak_bytes()));
  AddFact(section, "runs visited", CountCell(costs.runs_visited()));
  AddFact(section, "mean runs per search", MeanCell(view.counters.search_runs()));
  AddFact(section, "run splits", CountCell(costs.splits()));
  constexpr const char* kMerges[] = {"nothing", "the run below", "the run above", "both"};
  for (int i = 0; i < 4; ++i) AddFact(section, fmt::format("merged with {}", kMerges[i]), CountCell(At(costs.merges(), i)));
  AddFact(section, "filled with junk", BytesCell(costs.filled_bytes()));
  return section;
}

Section VmSection(const v1::VmCosts& vm) {
  Section section = Facts("virtual memory");
  AddFact(section, "demand faults", CountCell(vm.demand_faults()));
  AddFact(section, "not-mapped faults", CountCell(vm.not_mapped_faults()));
  AddFact(section, "protection faults", CountCell(vm.protection_faults()));
  AddFact(section, "refused faults", CountCell(vm.refused_faults()));
  AddFact(section, "frames mapped", CountCell(vm.mapped_frames()));
  AddFact(section, "frames of page tables", CountCell(vm.page_table_frames()));
  return section;
}

}  // namespace

MemoryRatios RatiosOf(const v1::Counters& counters, const v1::HeapShape& heap) {
  return {.peak_utilisation = Ratio(counters.live_requested_peak_bytes(), counters.heap_size_peak_bytes()),
          .internal_fragmentation = OneMinus(Ratio(counters.live_requested_bytes(), heap.live_block_bytes())),
          .external_fragmentation = OneMinus(Ratio(heap.largest_free_bytes(), heap.free_bytes()))};
}

std::vector<Section> CounterSections(const CountersView& view) {
  std::vector<Section> sections = {OutcomeSection(view.counters)};
  if (view.heap != nullptr) {
    sections.push_back(MemorySection(view));
    sections.push_back(SearchSection(view));
    sections.push_back(HeapWorkSection(view.counters.heap()));
  }
  sections.push_back(PageSection(view));
  if (view.heap != nullptr) sections.push_back(VmSection(view.counters.vm()));
  return sections;
}

}  // namespace alloclab::client

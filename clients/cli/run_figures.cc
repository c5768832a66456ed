#include "clients/cli/run_figures.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "allocators/common/check.h"
#include "clients/cli/counters_view.h"
#include "clients/cli/run_curve.h"

namespace alloclab::client {
namespace {

using Unit = FigureInfo::Unit;
using Better = FigureInfo::Better;

const std::vector<std::string_view>& DistributionAggregates() {
  static const auto* const names = new std::vector<std::string_view>{"mean", "p50", "p90", "p99", "p999", "max"};
  return *names;
}

std::uint64_t RefusedOperations(const v1::Exact& exact) {
  std::uint64_t refused = 0;
  for (const v1::OutcomeCount& outcome : exact.counters().outcomes()) {
    if (outcome.outcome() != "ok" && outcome.outcome() != "zero_size") refused += outcome.count();
  }
  return refused;
}

// Of all counters of this name.
std::uint64_t Sum(const google::protobuf::RepeatedPtrField<v1::Counter>& counters, std::string_view name,
                  std::string_view label_value = {}) {
  std::uint64_t sum = 0;
  for (const v1::Counter& counter : counters) {
    const bool fits = label_value.empty() || (counter.labels_size() == 1 && counter.labels(0).value() == label_value);
    if (counter.name() == name && fits) sum += counter.value();
  }
  return sum;
}

// Collects the measurements of one result.
class Collector {
 public:
  void Add(std::string_view figure, std::string_view aggregate, std::optional<double> value) {
    if (value) measurements_.push_back({Find(figure), aggregate, *value});
  }
  void Add(std::string_view figure, double value) { Add(figure, "value", value); }
  void AddOutcome(const v1::OutcomeCount& outcome) {
    measurements_.push_back({Find("operations"),
                             "count",
                             static_cast<double>(outcome.count()),
                             {{"operation", outcome.operation()}, {"outcome", outcome.outcome()}}});
  }
  void AddDistribution(std::string_view figure, const v1::Distribution& values) {
    if (values.count() == 0) return;
    const std::uint64_t quantiles[] = {values.p50(), values.p90(), values.p99(), values.p999(), values.max()};
    Add(figure, "mean", static_cast<double>(values.sum()) / static_cast<double>(values.count()));
    for (std::size_t i = 0; i < std::size(quantiles); ++i) {
      Add(figure, DistributionAggregates()[i + 1], static_cast<double>(quantiles[i]));
    }
  }
  std::vector<Measurement> Take() { return std::move(measurements_); }

 private:
  static const FigureInfo* Find(std::string_view name) {
    const FigureInfo* figure = FindFigure(RunFigures(), name);
    ALLOCLAB_CHECK(figure != nullptr);
    return figure;
  }

  std::vector<Measurement> measurements_;
};

void AddFragmentation(const v1::Exact& exact, Collector& collector) {
  const MemoryRatios ratios = RatiosOf(exact.counters(), exact.heap());
  double sum = 0, most = 0;
  int points = 0;
  for (const std::optional<double>& ratio : FragmentationOf(exact.curve())) {
    if (!ratio) continue;
    sum += *ratio;
    most = std::max(most, *ratio);
    ++points;
  }
  collector.Add("external_fragmentation", "end", ratios.external_fragmentation);
  if (points > 0) {
    collector.Add("external_fragmentation", "mean", sum / points);
    collector.Add("external_fragmentation", "max", most);
  }
  collector.Add("internal_fragmentation", "value", ratios.internal_fragmentation);
}

void AddHeap(const v1::Exact& exact, Collector& collector) {
  const v1::Counters& counters = exact.counters();
  const auto ram = static_cast<double>(exact.peak_ram_bytes());
  const auto live = static_cast<double>(counters.live_requested_peak_bytes());
  if (ram > 0) collector.Add("peak_ram_bytes", ram);
  collector.Add("peak_heap_bytes", static_cast<double>(counters.heap_size_peak_bytes()));
  collector.Add("peak_live_bytes", live);
  if (ram > 0) collector.Add("utilisation", live / ram);
  AddFragmentation(exact, collector);
  collector.AddDistribution("search_steps", exact.search_steps_per_operation());
}

// Of a real allocator there is nothing else.
std::vector<Measurement> MeasurementsOf(const v1::NativeResult& native) {
  Collector collector;
  collector.Add("refused_operations", static_cast<double>(native.refused_operations()));
  collector.Add("peak_live_bytes", static_cast<double>(native.peak_live_bytes()));
  const v1::Distribution& latency = native.latency();
  for (const auto& [aggregate, ns] :
       {std::pair("mean", native.ns_mean()), std::pair("low", native.ns_low()), std::pair("high", native.ns_high()),
        std::pair("fastest", native.ns_fastest()), std::pair("p50", static_cast<double>(latency.p50())),
        std::pair("p90", static_cast<double>(latency.p90())), std::pair("p99", static_cast<double>(latency.p99())),
        std::pair("p999", static_cast<double>(latency.p999())), std::pair("max", static_cast<double>(latency.max()))}) {
    collector.Add("native_ns", aggregate, ns);
  }
  collector.Add("native_peak_rss_bytes", static_cast<double>(native.peak_rss_bytes()));
  collector.Add("native_page_faults", native.page_faults());
  if (native.has_instructions()) collector.Add("native_instructions", native.instructions());
  if (native.has_cache_misses()) collector.Add("native_cache_misses", native.cache_misses());
  return collector.Take();
}

}  // namespace

std::span<const FigureInfo> RunFigures() {
  static const auto* const figures = new std::vector<FigureInfo>{
      {"refused_operations", "outcomes other than ok and zero_size", Unit::kCount, Better::kLess},
      {"operations", "operations by kind and outcome", Unit::kCount, Better::kNeither, {"count"}, OperationLabels()},
      {"peak_ram_bytes", "most RAM that the heap took", Unit::kBytes, Better::kLess},
      {"peak_heap_bytes", "most bytes from the heap's start to the break", Unit::kBytes, Better::kLess},
      {"peak_live_bytes", "most bytes asked for and live in the heap", Unit::kBytes, Better::kNeither},
      {"utilisation", "peak_live_bytes of peak_ram_bytes", Unit::kRatio, Better::kMore},
      {"external_fragmentation",
       "1 - largest free block / free bytes, over the run and at its end",
       Unit::kRatio,
       Better::kLess,
       {"mean", "max", "end"}},
      {"internal_fragmentation", "1 - bytes asked for / bytes of the live blocks, at the end", Unit::kRatio, Better::kLess},
      {"search_steps", "blocks that a heap operation looked at", Unit::kCount, Better::kLess, DistributionAggregates()},
      {"cycles_386", "simulated cycles of a heap operation on a 386DX-33", Unit::kCount, Better::kLess,
       DistributionAggregates()},
      {"cycles_486", "simulated cycles of a heap operation on a 486DX2-66", Unit::kCount, Better::kLess,
       DistributionAggregates()},
      {"cycles_386_total", "of all operations, those on pages too", Unit::kCount, Better::kLess},
      {"page_faults", "first touches of a page", Unit::kCount, Better::kLess},
      {"words_touched", "words of metadata that both allocators read or wrote", Unit::kCount, Better::kLess},
      {"violations", "broken invariants at the end", Unit::kCount, Better::kLess},
      {"ns_per_operation", "time of the lab's own replay", Unit::kCount, Better::kLess, {"mean"}, {}, false},
      {"native_ns",
       "time of an operation on a real allocator; low and high of its mean, at 95 %",
       Unit::kCount,
       Better::kLess,
       {"mean", "low", "high", "fastest", "p50", "p90", "p99", "p999", "max"},
       {},
       false},
      {"native_peak_rss_bytes", "most memory that the process grew by", Unit::kBytes, Better::kLess, {"value"}, {}, false},
      {"native_page_faults", "of one replay", Unit::kCount, Better::kLess, {"value"}, {}, false},
      {"native_instructions", "of one replay, in user mode", Unit::kCount, Better::kLess, {"value"}, {}, false},
      {"native_cache_misses", "of one replay, in user mode", Unit::kCount, Better::kLess, {"value"}, {}, false},
  };
  return *figures;
}

std::vector<Measurement> MeasurementsOf(const v1::RunResult& result) {
  if (result.measured().has_native()) return MeasurementsOf(result.measured().native());
  const v1::Exact& exact = result.exact();
  const v1::Counters& counters = exact.counters();
  Collector collector;
  collector.Add("refused_operations", static_cast<double>(RefusedOperations(exact)));
  for (const v1::OutcomeCount& outcome : counters.outcomes()) collector.AddOutcome(outcome);
  if (exact.has_heap()) AddHeap(exact, collector);
  collector.AddDistribution("cycles_386", exact.cycles_386_per_operation());
  collector.AddDistribution("cycles_486", exact.cycles_486_per_operation());
  collector.Add("cycles_386_total", static_cast<double>(exact.cycles_386()));
  collector.Add("page_faults", static_cast<double>(Sum(counters.machine(), "page_faults", "demand")));
  std::uint64_t words = 0;
  for (const auto* kind : {&counters.heap(), &counters.pages()})
    words += Sum(*kind, "words_loaded") + Sum(*kind, "words_stored");
  collector.Add("words_touched", static_cast<double>(words));
  collector.Add("violations", static_cast<double>(exact.violations()));
  if (exact.operations() > 0) {
    collector.Add("ns_per_operation", "mean",
                  static_cast<double>(result.measured().replay_ns()) / static_cast<double>(exact.operations()));
  }
  return collector.Take();
}

}  // namespace alloclab::client

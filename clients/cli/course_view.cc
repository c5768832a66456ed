#include "clients/cli/course_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "clients/cli/run_curve.h"
#include "clients/common/chart.h"
#include "clients/common/units.h"

namespace alloclab::client {
Section CourseSection(const v1::Exact& exact, int width) {
  const v1::Curve& curve = exact.curve();
  Section section;
  section.title = "course";
  section.columns = {{"figure"}, {"over the operations"}, {"most", true}, {"at operation", true}};
  if (curve.operation_size() < 2) return section;
  const int columns = std::clamp(width - 50, 10, 60);
  const auto add = [&](const char* name, const std::vector<double>& values, Cell (*cell)(double)) {
    const auto most = std::max_element(values.begin(), values.end());
    if (*most <= 0) return;
    Cell picture = TextCell(Sparkline(values, columns));
    picture.raw.clear();
    section.rows.push_back(
        {TextCell(name), std::move(picture), cell(*most), CountCell(curve.operation(static_cast<int>(most - values.begin())))});
  };
  const auto bytes = [](double value) { return BytesCell(static_cast<std::uint64_t>(value)); };
  if (exact.has_heap()) {
    add("live", ValuesOf(curve.live_bytes()), bytes);
    add("heap", ValuesOf(curve.heap_bytes()), bytes);
    add("fragmentation", DrawnFragmentation(curve), RatioCell);
  }
  add("pages live", ValuesOf(curve.page_live_bytes()), bytes);
  add("cycles per operation", PerOperation(curve.cycles_386(), curve),
      [](double value) { return CountCell(static_cast<std::uint64_t>(value + 0.5)); });
  add("refused", PerOperation(curve.failed_operations(), curve), RatioCell);
  return section;
}

Section OperationCostSection(const v1::Exact& exact) {
  Section section;
  section.title = "cost of a heap operation";
  section.columns = {{"figure"},    {"mean", true},  {"p50", true},    {"p90", true},
                     {"p99", true}, {"p99.9", true}, {"longest", true}};
  const auto add = [&section](const char* name, const v1::Distribution& values) {
    if (values.count() == 0) return;
    const double mean = static_cast<double>(values.sum()) / static_cast<double>(values.count());
    section.rows.push_back({TextCell(name), Cell{fmt::format("{:.1f}", mean), fmt::format("{:.6f}", mean)},
                            CountCell(values.p50()), CountCell(values.p90()), CountCell(values.p99()), CountCell(values.p999()),
                            CountCell(values.max())});
  };
  add("cycles (386DX-33)", exact.cycles_386_per_operation());
  add("cycles (486DX2-66)", exact.cycles_486_per_operation());
  add("search steps", exact.search_steps_per_operation());
  return section;
}

}  // namespace alloclab::client

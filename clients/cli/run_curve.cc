#include "clients/cli/run_curve.h"

namespace alloclab::client {

std::vector<double> ValuesOf(const CurveColumn& column) { return {column.begin(), column.end()}; }

std::vector<std::optional<double>> FragmentationOf(const v1::Curve& curve) {
  std::vector<std::optional<double>> ratios;
  for (int i = 0; i < curve.free_bytes_size(); ++i) {
    const auto free = static_cast<double>(curve.free_bytes(i)), largest = static_cast<double>(curve.largest_free_bytes(i));
    ratios.push_back(free > 0 && largest <= free ? std::optional(1 - largest / free) : std::nullopt);
  }
  return ratios;
}

std::vector<double> DrawnFragmentation(const v1::Curve& curve) {
  std::vector<double> values;
  for (const std::optional<double>& ratio : FragmentationOf(curve)) values.push_back(ratio.value_or(0));
  return values;
}

std::vector<double> PerOperation(const CurveColumn& total, const v1::Curve& curve) {
  std::vector<double> values;
  std::uint64_t before = 0, operations = 0;
  for (int i = 0; i < curve.operation_size(); ++i) {
    values.push_back(static_cast<double>(total[i] - before) / static_cast<double>(curve.operation(i) - operations));
    before = total[i];
    operations = curve.operation(i);
  }
  return values;
}

}  // namespace alloclab::client

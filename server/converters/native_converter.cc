#include "server/converters/native_converter.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "allocators/common/log_histogram.h"
#include "allocators/common/printable.h"
#include "server/converters/instance_converter.h"
#include "server/converters/statistics_converter.h"

namespace alloclab::server {
namespace {

template <class Value>
double Mean(const std::vector<native::Result>& results, Value value) {
  double sum = 0;
  for (const native::Result& result : results) sum += static_cast<double>(value(result));
  return sum / static_cast<double>(results.size());
}

v1::Distribution LatencyOf(std::span<const std::uint32_t> times) {
  LogHistogram histogram;
  for (const std::uint32_t ns : times) histogram.Record(ns);
  return DistributionToProto(histogram);
}

}  // namespace

v1::NativeResult ToProto(const NativeReport& report) {
  v1::NativeResult proto;
  proto.set_library(Printable(report.memory.library));
  proto.set_operations(report.plan.operations);
  proto.set_skipped_operations(report.plan.skipped);
  proto.set_peak_live_bytes(report.plan.peak_live_bytes);
  proto.set_peak_rss_bytes(report.memory.peak_rss_bytes);
  proto.set_cpu(report.memory.cpu);
  proto.set_repeats(static_cast<std::uint32_t>(report.time.size()));
  std::uint64_t refused = report.memory.refused;
  for (const auto* results : {&report.latency, &report.time}) {
    for (const native::Result& result : *results) refused = std::max(refused, result.refused);
  }
  proto.set_refused_operations(refused);

  std::vector<double> per_operation;
  for (const native::Result& result : report.time) {
    per_operation.push_back(static_cast<double>(result.ns) / static_cast<double>(report.plan.operations));
  }
  const Interval interval = MeanOf(per_operation);
  proto.set_ns_mean(interval.mean);
  proto.set_ns_low(std::max(interval.low, 0.0));
  proto.set_ns_high(interval.high);
  proto.set_ns_fastest(*std::min_element(per_operation.begin(), per_operation.end()));

  *proto.mutable_latency() = LatencyOf(report.times);
  proto.set_clock_ns(report.latency.front().clock_ns);
  proto.set_page_faults(Mean(report.time, [](const native::Result& result) { return result.page_faults; }));
  const auto all_have = [&](auto has) { return std::all_of(report.time.begin(), report.time.end(), has); };
  if (all_have([](const native::Result& result) { return result.has_instructions != 0; })) {
    proto.set_instructions(Mean(report.time, [](const native::Result& result) { return result.instructions; }));
  }
  if (all_have([](const native::Result& result) { return result.has_cache_misses != 0; })) {
    proto.set_cache_misses(Mean(report.time, [](const native::Result& result) { return result.cache_misses; }));
  }
  return proto;
}

void AddNatives(const NativeAllocators& natives, v1::Catalog& catalog) {
  for (const NativeAllocator& allocator : natives.List()) {
    v1::NativeAllocatorInfo& to = *catalog.add_native_allocators();
    to.set_name(allocator.name);
    to.set_description(allocator.description);
    to.set_library(allocator.library);
    to.set_absent(allocator.absent);
    for (const ParameterInfo& parameter : NativeAllocators::Parameters()) *to.add_parameters() = ToProto(parameter);
  }
}

}  // namespace alloclab::server

#include "clients/cli/repeated_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "allocators/common/check.h"
#include "clients/cli/run_figures.h"
#include "clients/cli/run_view.h"
#include "clients/common/measurement.h"
#include "proto/converters/deterministic.h"

namespace alloclab::client {
namespace {

Cell NsCell(double ns) { return DurationCell(absl::Nanoseconds(ns)); }

std::string NameOf(const ComparedRun& run) {
  std::string name = run.config.heap_allocator();
  for (const auto& [key, value] : run.config.parameters()) name += fmt::format(" {}={}", key, value);
  return name;
}

absl::Status CheckSame(const ComparedRun& a, const ComparedRun& b) {
  if (SerializeDeterministic(a.run.result().exact()) == SerializeDeterministic(b.run.result().exact())) return absl::OkStatus();
  return absl::InternalError(
      fmt::format("runs {} and {} replayed {} on {} and do not agree in what is exact, which is a defect of the lab; "
                  "`alloclab runs diff {} {}` finds where they part",
                  a.run.id(), b.run.id(), a.workload, NameOf(a), a.run.id(), b.run.id()));
}

ReplayTimes TimesOf(std::span<const ComparedRun> replays) {
  ReplayTimes times{TableTitle(replays.front()), NameOf(replays.front()), {}, {}};
  std::vector<double> measured;
  for (const ComparedRun& replay : replays) {
    times.runs.push_back(replay.run.id());
    const std::vector<Measurement> measurements = MeasurementsOf(replay.run.result());
    const Measurement* const ns = FindMeasurement(measurements, "ns_per_operation", "mean");
    if (ns != nullptr) measured.push_back(ns->value);
  }
  if (measured.empty()) return times;
  times.ns_per_operation = MeanOf(measured);
  times.fastest = *std::min_element(measured.begin(), measured.end());
  return times;
}

}  // namespace

absl::StatusOr<JoinedRuns> JoinRepeats(std::vector<ComparedRun> runs, std::size_t repeats) {
  if (repeats == 1) return JoinedRuns{std::move(runs), {}};
  ALLOCLAB_CHECK_EQ(runs.size() % repeats, 0u);
  JoinedRuns joined;
  for (std::size_t first = 0; first < runs.size(); first += repeats) {
    const auto replays = std::span(runs).subspan(first, repeats);
    const auto succeeded = [](const ComparedRun& run) { return run.run.state() == v1::Run::SUCCEEDED; };
    const auto failed = std::find_if_not(replays.begin(), replays.end(), succeeded);
    if (failed == replays.end()) {
      for (const ComparedRun& replay : replays.subspan(1)) {
        if (absl::Status status = CheckSame(replays.front(), replay); !status.ok()) return status;
      }
      joined.times.push_back(TimesOf(replays));
    }
    joined.runs.push_back(std::move(failed == replays.end() ? replays.front() : *failed));
  }
  return joined;
}

void AddReplayTimes(const std::vector<ReplayTimes>& times, Document& document) {
  if (times.empty()) return;
  Section* section = nullptr;
  for (const ReplayTimes& cell : times) {
    const std::string title = cell.table + ", time of the lab's replays";
    if (section == nullptr || section->title != title) {
      section = &document.sections.emplace_back();
      section->title = title;
      section->columns = {
          {"heap allocator"}, {"replays", true}, {"time/op", true, "s"}, {"± 95 %", true, "s"}, {"fastest", true, "s"}};
    }
    const Interval& ns = cell.ns_per_operation;
    section->rows.push_back(
        {TextCell(cell.name), CountCell(cell.runs.size()), NsCell(ns.mean), NsCell(ns.high - ns.mean), NsCell(cell.fastest)});
  }
  document.footer.push_back(
      "All replays of a cell found exactly the same. What the lab itself took for an operation is measured on the server's "
      "host, "
      "the mean with its 95 % interval, and ranks nothing.");
}

google::protobuf::Value ReplayTimesJson(const std::vector<ReplayTimes>& times) {
  google::protobuf::Value json;
  auto& list = *json.mutable_list_value();
  for (const ReplayTimes& cell : times) {
    auto& fields = *list.add_values()->mutable_struct_value()->mutable_fields();
    fields["table"].set_string_value(cell.table);
    fields["name"].set_string_value(cell.name);
    auto& runs = *fields["runs"].mutable_list_value();
    for (const std::uint64_t run : cell.runs) runs.add_values()->set_string_value(std::to_string(run));
    auto& ns = *fields["ns_per_operation"].mutable_struct_value()->mutable_fields();
    ns["mean"].set_number_value(cell.ns_per_operation.mean);
    ns["low"].set_number_value(cell.ns_per_operation.low);
    ns["high"].set_number_value(cell.ns_per_operation.high);
    ns["fastest"].set_number_value(cell.fastest);
  }
  return json;
}

}  // namespace alloclab::client

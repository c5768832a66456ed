#include "clients/cli/run_moment.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "alloclab/v1/inspect.grpc.pb.h"
#include "alloclab/v1/time_travel.pb.h"
#include "clients/cli/counters_view.h"
#include "clients/cli/inspect_blocks.h"
#include "clients/cli/run_curve.h"
#include "clients/cli/run_travel.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

constexpr std::uint64_t kMapLines = 8;
constexpr char kAt[] = "--at";
constexpr std::array<std::pair<std::string_view, RunPlace::Word>, 3> kWords = {
    {{"peak", RunPlace::Word::kPeak},
     {"first-refusal", RunPlace::Word::kFirstRefusal},
     {"worst-fragmentation", RunPlace::Word::kWorstFragmentation}}};

std::string_view NameOf(RunPlace::Word word) {
  const auto found = std::find_if(kWords.begin(), kWords.end(), [word](const auto& entry) { return entry.second == word; });
  return found != kWords.end() ? found->first : "";
}

RunPlace PlaceOf(const std::string& name, const std::string& text) {
  for (const auto& [known, word] : kWords) {
    if (text == known) return {word, 0};
  }
  const absl::StatusOr<std::uint64_t> operation = ParseCount(text);
  if (operation.ok()) return {RunPlace::Word::kNone, *operation};
  throw CLI::ValidationError(
      name, fmt::format("'{}' is no operation; expected a whole number, peak, first-refusal or worst-fragmentation", text));
}

absl::StatusOr<v1::Statistics> StatisticsOf(Session& session, const v1::Moment& moment) {
  v1::GetStatisticsRequest request;
  request.set_instance(moment.instance());
  return session.connection().Call(&v1::Inspect::Stub::GetStatistics, request);
}

std::uint64_t Refusals(const v1::Counters& counters) {
  std::uint64_t refusals = 0;
  for (const v1::OutcomeCount& entry : counters.outcomes()) {
    const std::string& outcome = entry.outcome();
    if (outcome == "out_of_memory" || outcome == "heap_limit" || outcome == "fragmented") refusals += entry.count();
  }
  return refusals;
}

// The first operation after which `reached` holds of the counters. It holds from there on, and after `last`.
absl::StatusOr<std::uint64_t> FirstWhere(Session& session, v1::Moment moment, std::uint64_t last,
                                         const std::function<bool(const v1::Counters&)>& reached) {
  std::uint64_t before = 0;
  while (last - before > 1) {
    const std::uint64_t middle = before + (last - before) / 2;
    absl::StatusOr<v1::Moment> there = GoTo(session, std::move(moment), middle, kAt);
    if (!there.ok()) return there.status();
    moment = *std::move(there);
    const absl::StatusOr<v1::Statistics> statistics = StatisticsOf(session, moment);
    if (!statistics.ok()) return statistics.status();
    (reached(statistics->counters()) ? last : before) = middle;
  }
  return last;
}

// Of a machine without a heap, or whose heap was never used, the pages'.
std::uint64_t Peak(const v1::Counters& counters, bool of_heap) {
  return of_heap ? counters.live_requested_peak_bytes() : counters.page_live_peak_bytes();
}

absl::StatusOr<std::uint64_t> WorstFragmentation(const v1::Run& run) {
  const v1::Curve& curve = run.result().exact().curve();
  const std::vector<double> ratios = DrawnFragmentation(curve);
  const auto worst = std::max_element(ratios.begin(), ratios.end());
  if (worst != ratios.end() && *worst > 0) return curve.operation(static_cast<int>(worst - ratios.begin()));
  return absl::FailedPreconditionError(
      fmt::format("--at: at no point of its curve was the heap of run {} fragmented; expected a number", run.id()));
}

absl::StatusOr<std::uint64_t> OperationOf(Session& session, const v1::Run& run, const RunPlace& place,
                                          const v1::Moment& moment) {
  if (place.word == RunPlace::Word::kNone) return place.operation;
  if (!run.has_result() || run.result().exact().operations() == 0) {
    return absl::FailedPreconditionError(
        fmt::format("--at: run {} has no result, so nobody knows its {}; expected a number", run.id(), NameOf(place.word)));
  }
  const v1::Exact& exact = run.result().exact();
  if (place.word == RunPlace::Word::kWorstFragmentation) return WorstFragmentation(run);
  if (place.word == RunPlace::Word::kFirstRefusal) {
    if (Refusals(exact.counters()) > 0) {
      return FirstWhere(session, moment, exact.operations(), [](const v1::Counters& now) { return Refusals(now) > 0; });
    }
    return absl::FailedPreconditionError(
        fmt::format("--at: run {} was refused nothing; expected a number, peak or worst-fragmentation", run.id()));
  }
  const bool of_heap = exact.counters().live_requested_peak_bytes() > 0;
  const std::uint64_t peak = Peak(exact.counters(), of_heap);
  return FirstWhere(session, moment, exact.operations(), [&](const v1::Counters& now) { return Peak(now, of_heap) >= peak; });
}

absl::StatusOr<Document> MomentDocument(Session& session, const v1::RunMoment& shown, const RunPlace& place) {
  const v1::Statistics& statistics = shown.statistics();
  const bool empty = statistics.has_heap() && statistics.heap().start() == statistics.heap().brk();
  Document document;
  if (!empty) {
    absl::StatusOr<Document> map = MapDocument(session, shown.moment().instance(), statistics, kMapLines);
    if (!map.ok()) return map.status();
    document = *std::move(map);
    document.sections.front().title = statistics.has_heap() ? "heap" : "pages";
  }
  document.heading = fmt::format("run {} after operation {} of {}", shown.moment().run(), Count(shown.moment().operation()),
                                 Count(shown.moment().operations()));
  if (place.word != RunPlace::Word::kNone) document.heading += fmt::format(", its {}", NameOf(place.word));
  const FigureUnits units(CatalogOrNothing(session.connection()));
  for (Section& section : CounterSections({.counters = statistics.counters(),
                          .heap = statistics.has_heap() ? &statistics.heap() : nullptr,
                          .pages = statistics.has_pages() ? &statistics.pages() : nullptr,
                          .width = session.width(),
                          .units = units})) {
    document.sections.push_back(std::move(section));
  }
  document.command = fmt::format("alloclab runs open {} --at {}", shown.moment().run(), shown.moment().operation());
  return document;
}

// Everything that is shown, so that the run can be closed before anything is written.
struct Shown {
  v1::RunMoment moment;
  Document document;
};

absl::StatusOr<Shown> LookAt(Session& session, const v1::Run& run, const RunPlace& place, const v1::Moment& opened) {
  const absl::StatusOr<std::uint64_t> operation = OperationOf(session, run, place, opened);
  if (!operation.ok()) return operation.status();
  absl::StatusOr<v1::Moment> moment = GoTo(session, opened, *operation, kAt);
  if (!moment.ok()) return moment.status();
  absl::StatusOr<v1::Statistics> statistics = StatisticsOf(session, *moment);
  if (!statistics.ok()) return statistics.status();
  Shown shown;
  *shown.moment.mutable_moment() = *std::move(moment);
  *shown.moment.mutable_statistics() = *std::move(statistics);
  absl::StatusOr<Document> document = MomentDocument(session, shown.moment, place);
  if (!document.ok()) return document.status();
  shown.document = *std::move(document);
  return shown;
}

}  // namespace

CLI::Option* AddRunPlace(CLI::App& app, const std::string& name, std::optional<RunPlace>& place) {
  const auto assign = [name, &place](const std::string& text) { place = PlaceOf(name, text); };
  return app
      .add_option_function<std::string>(name, assign,
                                        "Its machine after so many operations, or at: peak, first-refusal, worst-fragmentation")
      ->type_name("OPERATION");
}

CommandResult ShowRunAt(Session& session, const v1::Run& run, const RunPlace& place) {
  const absl::StatusOr<Shown> shown =
      WithOpenedRun<Shown>(session, run.id(), [&](const v1::Moment& moment) { return LookAt(session, run, place, moment); });
  if (!shown.ok()) return shown.status();
  return Done(session.Show(shown->moment, shown->document, fmt::format("{}\n", shown->moment.moment().operation())));
}

}  // namespace alloclab::client

// The conditions of a minimisation, each a replay.
#include <charconv>
#include <optional>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "allocators/common/suggestion.h"
#include "allocators/workload/difference.h"
#include "allocators/workload/run.h"
#include "allocators/workload/trace_minimize.h"

namespace alloclab {
namespace {

constexpr char kExpected[] =
    "expected outcome=NAME, violation, fragmentation>X, differs:PARAMETER=VALUE or differs:HEAP_ALLOCATOR";

using Decide = std::function<bool(const RunResult&)>;

TraceCondition OnARun(const InstanceConfig& config, Decide decide) {
  return [config, decide = std::move(decide)](const Trace& trace) -> absl::StatusOr<bool> {
    const absl::StatusOr<RunResult> run = ExecuteRun(trace, config, {});
    if (!run.ok()) return run.status();
    return decide(*run);
  };
}

absl::StatusOr<Outcome> ParseOutcome(const std::string& name) {
  std::vector<std::string_view> names;
  for (std::uint32_t number = 0; number < kOutcomeSlots; ++number) {
    const std::optional<Outcome> outcome = OutcomeFromNumber(number);
    if (!outcome) continue;
    if (OutcomeName(*outcome) == name) return *outcome;
    names.push_back(OutcomeName(*outcome));
  }
  const std::string_view nearest = NearestName(name, names);
  std::vector<std::string> all(names.begin(), names.end());
  return absl::InvalidArgumentError(absl::StrFormat(
      "\"%s\" is no outcome; %s", name,
      nearest.empty() ? "expected one of " + absl::StrJoin(all, ", ") : absl::StrFormat("did you mean \"%s\"?", nearest)));
}

absl::StatusOr<TraceCondition> Differs(const std::string& what, const InstanceConfig& config) {
  InstanceConfig other = config;
  const std::size_t equals = what.find('=');
  if (what.empty() || equals == 0) return absl::InvalidArgumentError(absl::StrFormat("\"differs:%s\"; %s", what, kExpected));
  if (equals == what.npos) {
    other.heap_allocator = what;
    return TraceCondition([config, other](const Trace& trace) -> absl::StatusOr<bool> {
      const absl::StatusOr<RunResult> a = ExecuteRun(trace, config, {}), b = ExecuteRun(trace, other, {});
      if (!a.ok()) return a.status();
      if (!b.ok()) return b.status();
      return a->counters.outcomes != b->counters.outcomes;
    });
  }
  other.parameters[what.substr(0, equals)] = what.substr(equals + 1);
  return TraceCondition([config, other](const Trace& trace) -> absl::StatusOr<bool> {
    const absl::StatusOr<Difference> difference = FindFirstDifference(trace, config, other);
    if (!difference.ok()) return difference.status();
    return !difference->what.empty();
  });
}

}  // namespace

absl::StatusOr<TraceCondition> ParseTraceCondition(const std::string& text, const InstanceConfig& config) {
  const auto behind = [&text](std::string_view start) -> std::optional<std::string> {
    if (!text.starts_with(start)) return std::nullopt;
    return text.substr(start.size());
  };
  if (text == "violation") {
    return OnARun(config, [](const RunResult& run) { return run.violations != 0; });
  }
  if (const auto name = behind("outcome=")) {
    const absl::StatusOr<Outcome> outcome = ParseOutcome(*name);
    if (!outcome.ok()) return outcome.status();
    return OnARun(config, [slot = static_cast<std::size_t>(*outcome)](const RunResult& run) {
      for (const auto& of_kind : run.counters.outcomes) {
        if (of_kind[slot] != 0) return true;
      }
      return false;
    });
  }
  if (const auto number = behind("fragmentation>")) {
    double least = -1;
    const auto [end, error] = std::from_chars(number->data(), number->data() + number->size(), least);
    if (error != std::errc{} || end != number->data() + number->size() || !(least >= 0 && least < 1)) {
      return absl::InvalidArgumentError(absl::StrFormat("\"%s\"; expected fragmentation>X with X from 0 to less than 1", text));
    }
    return OnARun(config, [least](const RunResult& run) {
      if (run.checkpoints.empty() || run.checkpoints.back().heap.free_bytes == 0) return false;
      const HeapShape& heap = run.checkpoints.back().heap;
      return 1 - static_cast<double>(heap.largest_free_bytes) / static_cast<double>(heap.free_bytes) > least;
    });
  }
  if (const auto what = behind("differs:")) return Differs(*what, config);
  return absl::InvalidArgumentError(absl::StrFormat("\"%s\" is no condition; %s", text, kExpected));
}

}  // namespace alloclab

#include "server/metrics/outcome_labels.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace alloclab::server {

void AddOperations(Family& family, const MetricLabels& labels, const HeapReading& machine, std::span<const OpKind> kinds) {
  for (const OpKind kind : kinds) {
    std::array<std::uint64_t, 2> counts{};  // failed, succeeded
    const auto& outcomes = machine.state.counters.outcomes[static_cast<std::size_t>(kind)];
    for (std::size_t i = 0; i < outcomes.size(); ++i) counts[Succeeded(static_cast<Outcome>(i)) ? 1 : 0] += outcomes[i];
    for (const std::size_t ok : {1u, 0u}) {
      MetricLabels all = labels;
      all.insert(all.end(), {{"operation", OpKindName(kind)}, {"result", ok == 1 ? "ok" : "failed"}});
      family.Add(all, counts[ok]);
    }
  }
}

void AddFailures(Family& family, const MetricLabels& labels, const HeapReading& machine, std::span<const OpKind> kinds,
                 std::span<const Outcome> always) {
  for (std::uint32_t number = 0; number < kOutcomeSlots; ++number) {
    const std::optional<Outcome> outcome = OutcomeFromNumber(number);
    if (!outcome || Succeeded(*outcome)) continue;
    std::uint64_t count = 0;
    for (const OpKind kind : kinds) count += machine.state.counters.outcomes[static_cast<std::size_t>(kind)][number];
    const bool shown = count != 0 || std::find(always.begin(), always.end(), *outcome) != always.end();
    if (shown) family.Add(With(labels, "outcome", OutcomeName(*outcome)), count);
  }
}

}  // namespace alloclab::server

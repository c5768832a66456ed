#include "allocators/workload/workload_spec.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_format.h"
#include "allocators/workload/generator.h"
#include "allocators/workload/size_sampler.h"

namespace alloclab {
namespace {

absl::Status Bad(std::string_view field, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrFormat("%s: %s", field, what));
}

absl::Status CheckMix(const Phase& phase, std::string_view field) {
  for (const auto& [name, weight] : {std::pair{"malloc", phase.malloc_weight}, std::pair{"calloc", phase.calloc_weight},
                                     std::pair{"realloc", phase.realloc_weight}}) {
    if (weight > kWeightMax) return Bad(field, absl::StrFormat("mix.%s: %d; expected at most %d", name, weight, kWeightMax));
  }
  if (phase.pages && (phase.calloc_weight != 0 || phase.realloc_weight != 0)) {
    return Bad(field, "mix: pages have no calloc and no realloc; expected malloc alone");
  }
  if (phase.malloc_weight == 0 && phase.calloc_weight == 0) {
    return Bad(field, "mix: nothing allocates; expected malloc or calloc above 0");
  }
  return absl::OkStatus();
}

// What goes with a lifetime alone.
absl::Status CheckNoLifetime(const Phase& phase, std::string_view field) {
  const bool bursts = phase.burst_every != 0 || phase.burst_blocks != 0;
  const char* const odd = phase.processes != 0      ? "processes"
                          : bursts                  ? "burst"
                          : phase.pages_weight != 0 ? "mix.pages"
                                                    : nullptr;
  if (odd == nullptr) return absl::OkStatus();
  return Bad(field, absl::StrFormat("%s: blocks of this phase have no lifetime; expected `lifetime` beside it", odd));
}

std::pair<std::uint32_t, std::uint32_t> SizeRange(const Phase& phase) {
  return phase.pages ? std::pair(1u, kPagesMax) : std::pair(0u, UINT32_MAX);
}

absl::Status CheckGroups(const Phase& phase, std::string_view field) {
  if (phase.groups.empty()) return absl::OkStatus();
  if (phase.groups.size() > kGroupsMax) {
    return Bad(field, absl::StrFormat("groups: %d; expected at most %d", phase.groups.size(), kGroupsMax));
  }
  if (phase.lifetime.has_value() != (phase.pages_weight != 0)) {
    return Bad(field, phase.lifetime ? "lifetime: excludes `groups`, which have their own; it is for mix.pages"
                                     : "lifetime: not set; beside `groups` it is that of mix.pages");
  }
  std::uint64_t weights = 0;
  const auto [least, largest] = SizeRange(phase);
  for (std::size_t i = 0; i < phase.groups.size(); ++i) {
    const BlockGroup& group = phase.groups[i];
    weights += group.weight;
    const std::string name = absl::StrFormat("%s.groups[%d]", field, i);
    if (absl::Status status = CheckSize(group.size, least, largest, name + ".size"); !status.ok()) return status;
    if (absl::Status status = CheckSize(group.lifetime, 0, kLifetimeMax, name + ".lifetime"); !status.ok()) return status;
  }
  if (weights == 0) return Bad(field, "groups: all weights are 0; expected one above 0");
  if (weights > UINT32_MAX) return Bad(field, "groups: the weights add up to more than 4294967295");
  return absl::OkStatus();
}

absl::Status CheckLifetime(const Phase& phase, std::string_view field) {
  if (phase.live_blocks != 0) {
    return Bad(field, "live_blocks: excludes `lifetime`, from which it follows how many blocks are live");
  }
  if (phase.free_order != FreeOrder::kRandom) return Bad(field, "free_order: excludes `lifetime`, which is the order of frees");
  if (absl::Status status = CheckGroups(phase, field); !status.ok()) return status;
  if (phase.lifetime) {
    absl::Status status = CheckSize(*phase.lifetime, 0, kLifetimeMax, absl::StrFormat("%s.lifetime", field));
    if (!status.ok()) return status;
  }
  if (phase.processes > kProcessesMax) {
    return Bad(field, absl::StrFormat("processes.count: %d; expected at most %d", phase.processes, kProcessesMax));
  }
  if (phase.processes != 0) {
    const std::string name = absl::StrFormat("%s.processes.lifetime", field);
    if (absl::Status status = CheckSize(phase.process_lifetime, 1, kLifetimeMax, name); !status.ok()) return status;
  }
  if ((phase.burst_every == 0) != (phase.burst_blocks == 0)) {
    return Bad(field, "burst: expected both `every` and `blocks` above 0");
  }
  if (phase.burst_blocks > phase.burst_every / 2) {
    return Bad(field, absl::StrFormat("burst.blocks: %d every %d operations leave no time to free them; expected at most half",
                                      phase.burst_blocks, phase.burst_every));
  }
  if (phase.pages_weight == 0) return absl::OkStatus();
  if (phase.pages) return Bad(field, "mix.pages: excludes `pages`, which makes all blocks such");
  if (phase.pages_weight > kWeightMax) {
    return Bad(field, absl::StrFormat("mix.pages: %d; expected at most %d", phase.pages_weight, kWeightMax));
  }
  return CheckSize(phase.page_size, 1, kPagesMax, absl::StrFormat("%s.page_size", field));
}

absl::Status CheckTouch(const Phase& phase, std::string_view field) {
  const Touch& touch = phase.touch;
  if (touch.part == Touch::Part::kNone) return absl::OkStatus();
  const std::string name = absl::StrFormat("%s.touch", field);
  if (phase.pages) return Bad(name, "excludes `pages`, which are all there when they are allocated");
  if (touch.part == Touch::Part::kFirstBytes && touch.amount == 0) {
    return Bad(name + ".first_bytes", "0; expected at least 1; without `touch` nothing is written");
  }
  if (touch.part == Touch::Part::kPercent && (touch.amount == 0 || touch.amount > 100)) {
    return Bad(name + ".percent", absl::StrFormat("%d; expected 1 to 100; without `touch` nothing is written", touch.amount));
  }
  return absl::OkStatus();
}

absl::Status CheckPhase(const Phase& phase, std::string_view field) {
  if (phase.operations == 0) return Bad(field, "operations: 0; expected at least 1");
  if (phase.live_blocks > kLiveBlocksMax) {
    return Bad(field, absl::StrFormat("live_blocks: %d; expected at most %d", phase.live_blocks, kLiveBlocksMax));
  }
  if (absl::Status status = CheckMix(phase, field); !status.ok()) return status;
  if (absl::Status status = CheckTouch(phase, field); !status.ok()) return status;
  const auto [least, largest] = SizeRange(phase);
  if (absl::Status status = CheckSize(phase.size, least, largest, absl::StrFormat("%s.size", field)); !status.ok()) {
    return status;
  }
  return phase.has_lifetimes() ? CheckLifetime(phase, field) : CheckNoLifetime(phase, field);
}

}  // namespace

absl::Status ValidateSpec(const WorkloadSpec& spec) {
  if (spec.phases.empty()) return Bad("phases", "none; expected at least one");
  if (spec.phases.size() > kPhasesMax) {
    return Bad("phases", absl::StrFormat("%d; expected at most %d", spec.phases.size(), kPhasesMax));
  }
  std::uint64_t operations = 0;
  std::uint32_t live[2] = {0, 0};  // of heap blocks and of page blocks
  for (std::size_t i = 0; i < spec.phases.size(); ++i) {
    const Phase& phase = spec.phases[i];
    const std::string field = absl::StrFormat("phases[%d]", i);
    if (absl::Status status = CheckPhase(phase, field); !status.ok()) return status;
    operations += std::min(phase.operations, kOperationsMax + 1);
    if (phase.has_lifetimes()) continue;
    const std::uint32_t from = live[phase.pages];
    const std::uint32_t steps = std::max(from, phase.live_blocks) - std::min(from, phase.live_blocks);
    if (phase.operations < steps) {
      return Bad(field, absl::StrFormat("operations: %d are too few to go from %d live blocks to %d; expected at least %d",
                                        phase.operations, from, phase.live_blocks, steps));
    }
    live[phase.pages] = phase.live_blocks;
  }
  if (operations > kOperationsMax) return Bad("phases", absl::StrFormat("more than %d operations", kOperationsMax));
  return absl::OkStatus();
}

// With lifetimes: where nothing is due a block is allocated, and none that is live then is older than the longest lifetime. A
// burst does not look what is due.
std::uint64_t LiveBlocksMax(const WorkloadSpec& spec) {
  std::uint64_t held = 0, operations = 0, lifetime = 0, burst = 0;
  for (const Phase& phase : spec.phases) {
    held = std::max<std::uint64_t>(held, phase.live_blocks);
    if (!phase.has_lifetimes()) continue;
    operations += std::min(phase.operations, kOperationsMax + 1);
    if (phase.lifetime) lifetime = std::max<std::uint64_t>(lifetime, LargestSize(*phase.lifetime) + 1ull);
    for (const BlockGroup& group : phase.groups)
      lifetime = std::max<std::uint64_t>(lifetime, LargestSize(group.lifetime) + 1ull);
    burst = std::max<std::uint64_t>(burst, phase.burst_blocks);
  }
  return held + std::min(operations, lifetime + burst);
}

absl::StatusOr<Trace> Generate(const WorkloadSpec& spec, const Interrupt& interrupt) {
  if (absl::Status status = ValidateSpec(spec); !status.ok()) return status;
  return Generator(spec, interrupt).Run();
}

}  // namespace alloclab

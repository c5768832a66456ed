#include "allocators/workload/workload_spec.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_format.h"
#include "allocators/machine/address.h"
#include "allocators/workload/handle_numbering.h"
#include "allocators/workload/live_set.h"
#include "allocators/workload/size_sampler.h"
#include "allocators/workload/xoshiro256.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kPagesMax = (1u << 31 >> kPageShift) - 1;  // of one request: kernels take lengths as signed

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

absl::Status CheckPhase(const Phase& phase, std::string_view field) {
  if (phase.operations == 0) return Bad(field, "operations: 0; expected at least 1");
  if (phase.live_blocks > kLiveBlocksMax) {
    return Bad(field, absl::StrFormat("live_blocks: %d; expected at most %d", phase.live_blocks, kLiveBlocksMax));
  }
  if (absl::Status status = CheckMix(phase, field); !status.ok()) return status;
  const std::uint32_t least = phase.pages ? 1 : 0, largest = phase.pages ? kPagesMax : UINT32_MAX;
  return CheckSize(phase.size, least, largest, absl::StrFormat("%s.size", field));
}

// Heap blocks and page blocks are two of these: they have handles of their own.
struct Blocks {
  HandlePool handles;
  LiveSet live;
};

class Generator {
 public:
  Generator(const WorkloadSpec& spec, const Interrupt& interrupt) : spec_(spec), random_(spec.seed), poll_(interrupt) {}

  absl::StatusOr<Trace> Run() {
    std::uint64_t total = 0;
    for (const Phase& phase : spec_.phases) total += phase.operations;
    trace_.operations.reserve(total);
    for (const Phase& phase : spec_.phases) RunPhase(phase);
    if (poll_.interrupted()) return absl::CancelledError("the operations were not made to the end: nobody waits for them");
    trace_.heap_handles = heap_.handles.handles();
    trace_.page_handles = pages_.handles.handles();
    trace_.format = "generated";
    return std::move(trace_);
  }

 private:
  void RunPhase(const Phase& phase) {
    Blocks& blocks = phase.pages ? pages_ : heap_;
    blocks.live.Begin(phase.free_order);
    const std::int64_t from = blocks.live.size(), way = std::int64_t{phase.live_blocks} - from;
    const auto steps = static_cast<std::int64_t>(phase.operations);
    for (std::int64_t step = 1; step <= steps && !poll_.Step(); ++step) {
      const std::int64_t target = from + way * step / steps;
      if (blocks.live.size() < target || blocks.live.size() == 0) {
        Allocate(phase, blocks);
      } else {
        Free(phase, blocks);
      }
    }
  }

  void Allocate(const Phase& phase, Blocks& blocks) {
    const std::uint32_t mix = phase.malloc_weight + phase.calloc_weight + phase.realloc_weight;
    const std::uint32_t draw = mix == phase.malloc_weight ? 0 : random_.Below(mix);
    const std::uint32_t size = SampleSize(phase.size, random_);
    if (draw >= phase.malloc_weight + phase.calloc_weight && blocks.live.size() != 0) {
      const std::uint32_t handle = blocks.live.Pick(random_);
      trace_.operations.push_back({OpKind::kRealloc, handle, size, handle});
      return;
    }
    const std::uint32_t handle = blocks.handles.Take();
    blocks.live.Add(handle);
    if (phase.pages) {
      trace_.operations.push_back({OpKind::kAllocatePages, handle, size << kPageShift, 0});
    } else if (draw < phase.malloc_weight || phase.calloc_weight == 0) {
      trace_.operations.push_back({OpKind::kMalloc, handle, size, 0});
    } else {
      trace_.operations.push_back({OpKind::kCalloc, handle, size, 1});
    }
  }

  void Free(const Phase& phase, Blocks& blocks) {
    const std::uint32_t handle = blocks.live.Take(random_);
    blocks.handles.GiveBack(handle);
    trace_.operations.push_back({phase.pages ? OpKind::kFreePages : OpKind::kFree, handle, 0, 0});
  }

  const WorkloadSpec& spec_;
  Xoshiro256 random_;
  InterruptPoll poll_;
  Trace trace_;
  Blocks heap_, pages_;
};

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
    const std::uint32_t from = live[phase.pages];
    const std::uint32_t steps = std::max(from, phase.live_blocks) - std::min(from, phase.live_blocks);
    if (phase.operations < steps) {
      return Bad(field, absl::StrFormat("operations: %d are too few to go from %d live blocks to %d; expected at least %d",
                                        phase.operations, from, phase.live_blocks, steps));
    }
    live[phase.pages] = phase.live_blocks;
    operations += std::min(phase.operations, kOperationsMax + 1);
  }
  if (operations > kOperationsMax) return Bad("phases", absl::StrFormat("more than %d operations", kOperationsMax));
  return absl::OkStatus();
}

absl::StatusOr<Trace> Generate(const WorkloadSpec& spec, const Interrupt& interrupt) {
  if (absl::Status status = ValidateSpec(spec); !status.ok()) return status;
  return Generator(spec, interrupt).Run();
}

}  // namespace alloclab

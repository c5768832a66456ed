#include "server/metrics/outcome_labels.h"

namespace alloclab::server {

std::string_view OpLabel(OpKind kind) {
  switch (kind) {
    case OpKind::kMalloc:
    case OpKind::kAllocatePages:
      return "alloc";
    case OpKind::kCalloc:
      return "calloc";
    case OpKind::kRealloc:
      return "realloc";
    case OpKind::kFree:
    case OpKind::kFreePages:
      return "free";
    case OpKind::kFreePagesPart:
      return "free_part";
  }
  return "unknown";
}

std::string_view FailureReason(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
    case Outcome::kZeroSize:
      return "";
    case Outcome::kOutOfMemory:
      return "out_of_memory";
    case Outcome::kFragmented:
      return "fragmentation";
    case Outcome::kHeapLimit:
      return "limit";
    case Outcome::kDoubleFree:
      return "double_free";
    case Outcome::kInteriorPointer:
    case Outcome::kForeignPointer:
    case Outcome::kMisalignedPointer:
    case Outcome::kOutsideArena:
    case Outcome::kOverlapsFree:
    case Outcome::kFrameInUse:
    case Outcome::kPartialFree:
      return "invalid_free";
    case Outcome::kSizeOverflow:
    case Outcome::kZeroLength:
    case Outcome::kNegativeLength:
    case Outcome::kUnalignedLength:
      return "bad_size";
    case Outcome::kUnsupported:
      return "unsupported";
    case Outcome::kPanic:
    case Outcome::kAssertionFailed:
    case Outcome::kMachineFault:
    case Outcome::kMachineHang:
      return "crash";
  }
  return "crash";
}

void AddOperations(Family& family, const MetricLabels& labels, const HeapReading& heap, std::span<const OpKind> kinds) {
  for (const OpKind kind : kinds) {
    std::array<std::uint64_t, 2> counts{};  // failed, succeeded
    const auto& outcomes = heap.state.counters.outcomes[static_cast<std::size_t>(kind)];
    for (std::size_t i = 0; i < outcomes.size(); ++i) counts[Succeeded(static_cast<Outcome>(i)) ? 1 : 0] += outcomes[i];
    for (const std::size_t ok : {1u, 0u}) {
      MetricLabels all = labels;
      all.insert(all.end(), {{"op", OpLabel(kind)}, {"result", ok == 1 ? "ok" : "fail"}});
      family.Add(all, counts[ok]);
    }
  }
}

void AddFailures(Family& family, const MetricLabels& labels, const HeapReading& heap, std::span<const OpKind> kinds) {
  for (const std::string_view reason : kFailureReasons) {
    std::uint64_t count = 0;
    for (const OpKind kind : kinds) {
      for (std::uint32_t i = 0; i < kOutcomeSlots; ++i) {
        if (!OutcomeFromNumber(i) || FailureReason(static_cast<Outcome>(i)) != reason) continue;
        count += heap.state.counters.outcomes[static_cast<std::size_t>(kind)][i];
      }
    }
    MetricLabels all = labels;
    all.emplace_back("reason", reason);
    family.Add(all, count);
  }
}

}  // namespace alloclab::server

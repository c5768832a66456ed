#include "allocators/common/outcome.h"

#include <array>
#include <utility>

namespace alloclab {
namespace {

constexpr std::array kNames = std::to_array<std::pair<Outcome, std::string_view>>({
    {Outcome::kOk, "ok"},
    {Outcome::kZeroSize, "zero_size"},
    {Outcome::kOutOfMemory, "out_of_memory"},
    {Outcome::kHeapLimit, "heap_limit"},
    {Outcome::kFragmented, "fragmented"},
    {Outcome::kSizeOverflow, "size_overflow"},
    {Outcome::kDoubleFree, "double_free"},
    {Outcome::kInteriorPointer, "interior_pointer"},
    {Outcome::kForeignPointer, "foreign_pointer"},
    {Outcome::kMisalignedPointer, "misaligned_pointer"},
    {Outcome::kZeroLength, "zero_length"},
    {Outcome::kNegativeLength, "negative_length"},
    {Outcome::kUnalignedLength, "unaligned_length"},
    {Outcome::kOutsideArena, "outside_arena"},
    {Outcome::kOverlapsFree, "overlaps_free"},
    {Outcome::kFrameInUse, "frame_in_use"},
    {Outcome::kUnsupported, "unsupported"},
    {Outcome::kPartialFree, "partial_free"},
    {Outcome::kPanic, "panic"},
    {Outcome::kAssertionFailed, "assertion_failed"},
    {Outcome::kMachineFault, "machine_fault"},
    {Outcome::kMachineHang, "machine_hang"},
});

}  // namespace

std::string_view OutcomeName(Outcome outcome) {
  for (const auto& [value, name] : kNames) {
    if (value == outcome) return name;
  }
  return "unknown";
}

std::optional<Outcome> OutcomeFromNumber(std::uint32_t number) {
  for (const auto& [value, name] : kNames) {
    if (static_cast<std::uint32_t>(value) == number) return value;
  }
  return std::nullopt;
}

}  // namespace alloclab

// Cost model i386-v1: counts into simulated processor cycles.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_COST_MODEL_H_
#define ALLOCLAB_ALLOCATORS_COMMON_COST_MODEL_H_

#include <cstdint>
#include <string_view>

#include "allocators/common/costs.h"

namespace alloclab {

inline constexpr std::string_view kCostModelName = "i386-v1";

// Clocks per event on one processor.
//
// Clocks are the manufacturer's for a 32-bit aligned operand (Intel 386DX Hardware Reference Manual and 80386 Programmer's
// Reference Manual, 1986; i486 Microprocessor Data Book, 1991): loads and stores as MOV with a memory operand, a page walk as
// the two bus reads of a TLB miss. Left out: instructions that touch no memory, branches, cache misses (a 486 load is a hit),
// wait states, prefetch, payload copies, and the time of the page-fault handler itself.
struct Processor {
  std::string_view name;
  std::uint32_t clock_khz;
  std::uint32_t load_clocks, store_clocks, page_walk_clocks;
};

inline constexpr Processor k386dx33{"386DX-33", 33'000, 4, 2, 9};
inline constexpr Processor k486dx2_66{"486DX2-66", 66'000, 1, 1, 21};

constexpr std::uint64_t Cycles(const Processor& cpu, const HeapCosts& costs) {
  return costs.words_loaded * cpu.load_clocks + costs.words_stored * cpu.store_clocks + costs.search_pages * cpu.page_walk_clocks;
}
constexpr std::uint64_t Cycles(const Processor& cpu, const PageCosts& costs) {
  return costs.words_loaded * cpu.load_clocks + costs.words_stored * cpu.store_clocks;
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_COST_MODEL_H_

// Cost model i386-v1: counts into simulated processor cycles.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_COST_MODEL_H_
#define ALLOCLAB_ALLOCATORS_COMMON_COST_MODEL_H_

#include <cstdint>
#include <string_view>

#include "allocators/common/costs.h"

namespace alloclab {

inline constexpr std::string_view kCostModelName = "i386-v1";

// Clocks per event on one processor, from the manufacturer's documents:
//   load, store  MOV between a register and an aligned 32-bit memory operand (80386 Programmer's Reference Manual, 1986:
//                4 and 2 clocks; i486 Microprocessor Programmer's Reference Manual, 1990: 1 and 1, a cache hit)
//   page walk    the two bus reads, of a PDE and a PTE, that a TLB miss needs: 2 bus clocks each at no wait states, on the
//                486DX2-66 two core clocks per bus clock
// Left out: instructions that touch no memory, branches, 486 cache misses, wait states, prefetch, setting of A and D bits,
// payload copies, and the page-fault handler. So the figure is a floor, and a fair one: both engines and all allocators are
// charged alike.
struct Processor {
  std::string_view name;
  std::uint32_t clock_khz;
  std::uint32_t load_clocks, store_clocks, page_walk_clocks;
};

inline constexpr Processor k386dx33{"386DX-33", 33'000, 4, 2, 4};
inline constexpr Processor k486dx2_66{"486DX2-66", 66'000, 1, 1, 8};

constexpr std::uint64_t Cycles(const Processor& cpu, const HeapCosts& costs) {
  return costs.words_loaded * cpu.load_clocks + costs.words_stored * cpu.store_clocks +
         costs.search_pages * cpu.page_walk_clocks;
}
constexpr std::uint64_t Cycles(const Processor& cpu, const PageCosts& costs) {
  return costs.words_loaded * cpu.load_clocks + costs.words_stored * cpu.store_clocks;
}

// Everything that a machine was charged so far: the one cost of one operation, or of many, is the difference of two.
struct Costs {
  HeapCosts heap;  // zero without one
  PageCosts pages;
  VmCosts vm;

  friend bool operator==(const Costs&, const Costs&) = default;
};
constexpr std::uint64_t Cycles(const Processor& cpu, const Costs& costs) {
  return Cycles(cpu, costs.heap) + Cycles(cpu, costs.pages);
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_COST_MODEL_H_

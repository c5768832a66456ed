#include <utility>
#include <vector>

#include "allocators/heap/implicit/implicit_heap.h"

namespace alloclab {

std::vector<ParameterInfo> RangeParameters() {
  const ImplicitHeapOptions defaults;
  return {QuantityParameter("heap.limit_bytes", "address range reserved for the heap, from 0xC0400000 up",
                            "bytes, a multiple of 4Mi, at most 1016Mi", defaults.limit_bytes),
          QuantityParameter("heap.initial_bytes", "size of the first free chunk, made when the heap is",
                            "bytes, a multiple of 4", defaults.initial_bytes)};
}

ImplicitHeapOptions RangeOptions(const ParameterValues& values, bool guarded) {
  return {.engine = Engine::kLiteral,
          .guarded = guarded,
          .limit_bytes = NumberValue(values, "heap.limit_bytes"),
          .initial_bytes = NumberValue(values, "heap.initial_bytes")};
}

HeapAllocatorInfo ImplicitHeapInfo() {
  std::vector<ParameterInfo> parameters = {
      EngineParameter("heap.engine"),
      WordParameter("heap.assertions",
                    "in an unguarded instance: whether free checks its pointer as the original's debug build does",
                    {"true", "false"})};
  for (ParameterInfo& parameter : RangeParameters()) parameters.push_back(std::move(parameter));
  return {.name = "implicit-heap",
          .title = "Implicit heap",
          .description =
              "Boundary tags, first fit from the start over all chunks, immediate coalescing; the heap grows by the break "
              "and its pages are taken at the first touch.",
          .source = "LunaixOS (2022), kernel/mm/kalloc.c and dmm.c",
          .declaration = &kImplicitHeapDeclaration,
          .parameters = std::move(parameters),
          .make = [](const HeapServices& machine, bool guarded, const ParameterValues& values) {
            ImplicitHeapOptions options = RangeOptions(values, guarded);
            options.engine = EngineValue(values, "heap.engine");
            options.assertions = WordValue(values, "heap.assertions") == "true";
            return MakeImplicitHeap(machine.space, options);
          }};
}

}  // namespace alloclab

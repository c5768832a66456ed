#include "allocators/catalog/catalog.h"

#include <cstdint>
#include <limits>

#include "absl/strings/str_format.h"
#include "allocators/common/engine.h"
#include "allocators/common/quantity.h"
#include "allocators/common/suggestion.h"
#include "allocators/heap/implicit_heap.h"
#include "allocators/pages/page_runs.h"

namespace alloclab {
namespace {

using Canonical = std::function<absl::StatusOr<std::string>(std::string_view)>;

// One of a few words.
Canonical OneOf(std::string_view first, std::string_view second) {
  return [first, second](std::string_view value) -> absl::StatusOr<std::string> {
    if (value == first || value == second) return std::string(value);
    return absl::InvalidArgumentError(absl::StrFormat("\"%s\"; expected %s or %s", value, first, second));
  };
}

// A quantity, kept in decimal.
Canonical Quantity(std::uint64_t max) {
  return [max](std::string_view value) -> absl::StatusOr<std::string> {
    const absl::StatusOr<std::uint64_t> number = ParseQuantity(value, max);
    if (!number.ok()) return number.status();
    return absl::StrFormat("%d", *number);
  };
}

// Of complete parameters.
const std::string& Value(const ParameterValues& values, const std::string& name) { return values.find(name)->second; }
std::uint32_t Number(const ParameterValues& values, const std::string& name) {
  return static_cast<std::uint32_t>(ParseQuantity(Value(values, name), std::numeric_limits<std::uint32_t>::max()).value_or(0));
}
Engine EngineOf(const ParameterValues& values, const std::string& name) {
  return Value(values, name) == "literal" ? Engine::kLiteral : Engine::kIndexed;
}

ParameterInfo EngineParameter(std::string name) {
  return {
      .name = std::move(name),
      .description = "how the answer is found: through an index, or by the original's walk; the same addresses, RAM and costs",
      .expects = "indexed or literal; an unguarded instance needs literal",
      .default_value = "indexed",
      .unguarded_default = "literal",
      .canonical = OneOf("indexed", "literal")};
}

constexpr std::uint32_t kMaxU32 = std::numeric_limits<std::uint32_t>::max();

PageAllocatorInfo PageRunsInfo() {
  return {.name = "page-runs",
          .title = "Page runs",
          .description =
              "First fit over an address-sorted list of free runs kept in the free pages; blocks are carved from a run's "
              "tail, frees fill with 0x01 and merge with both neighbours.",
          .source = "xv6 (MIT), kalloc.c of 2006",
          .parameters = {EngineParameter("pages.engine"),
                         {.name = "pages.kernel_end",
                          .description = "address where the kernel ends; the arena starts at the next page border above it",
                          .expects = "a physical address",
                          .default_value = "0",
                          .unguarded_default = {},
                          .canonical = Quantity(kMaxU32)},
                         {.name = "pages.arena_pages",
                          .description = "pages of the arena; 0 takes all of RAM from its start",
                          .expects = "a number of 4096-byte pages that fits RAM",
                          .default_value = "0",
                          .unguarded_default = {},
                          .canonical = Quantity(PhysicalMemory::kBytesMax / kPageBytes)}},
          .make = [](PhysicalMemory& memory, bool guarded, const ParameterValues& values) {
            return MakePageRuns(memory, {.engine = EngineOf(values, "pages.engine"),
                                         .guarded = guarded,
                                         .kernel_end = Number(values, "pages.kernel_end"),
                                         .arena_pages = Number(values, "pages.arena_pages")});
          }};
}

HeapAllocatorInfo ImplicitHeapInfo() {
  const ImplicitHeapOptions defaults;
  return {.name = "implicit-heap",
          .title = "Implicit heap",
          .description =
              "Boundary tags, first fit from the start over all chunks, immediate coalescing; the heap grows by the break "
              "and its pages are taken at the first touch.",
          .source = "LunaixOS (2022), kernel/mm/kalloc.c and dmm.c",
          .parameters = {EngineParameter("heap.engine"),
                         {.name = "heap.assertions",
                          .description =
                              "in an unguarded instance: whether free checks its pointer as the original's debug build does",
                          .expects = "true or false",
                          .default_value = "true",
                          .unguarded_default = {},
                          .canonical = OneOf("true", "false")},
                         {.name = "heap.limit_bytes",
                          .description = "address range reserved for the heap, from 0xC0400000 up",
                          .expects = "bytes, a multiple of 4Mi, at most 1016Mi",
                          .default_value = absl::StrFormat("%d", defaults.limit_bytes),
                          .unguarded_default = {},
                          .canonical = Quantity(kMaxU32)},
                         {.name = "heap.initial_bytes",
                          .description = "size of the first free chunk, made when the heap is",
                          .expects = "bytes, a multiple of 4",
                          .default_value = absl::StrFormat("%d", defaults.initial_bytes),
                          .unguarded_default = {},
                          .canonical = Quantity(kMaxU32)}},
          .make = [](AddressSpace& space, bool guarded, const ParameterValues& values) {
            return MakeImplicitHeap(space, {.engine = EngineOf(values, "heap.engine"),
                                            .guarded = guarded,
                                            .assertions = Value(values, "heap.assertions") == "true",
                                            .limit_bytes = Number(values, "heap.limit_bytes"),
                                            .initial_bytes = Number(values, "heap.initial_bytes")});
          }};
}

HeapAllocatorInfo NoHeapInfo() {
  return {.name = "none",
          .title = "No heap",
          .description = "A machine with its page allocator only.",
          .source = {},
          .parameters = {},
          .make = nullptr};
}

template <class Info>
absl::StatusOr<const Info*> Find(std::string_view kind, std::string_view name, std::span<const Info> entries) {
  if (name.empty()) return &entries.front();
  std::vector<std::string_view> names;
  for (const Info& entry : entries) {
    if (entry.name == name) return &entry;
    names.push_back(entry.name);
  }
  return absl::InvalidArgumentError(absl::StrFormat("%s: %s", kind, UnknownName("allocator", name, names)));
}

}  // namespace

std::span<const PageAllocatorInfo> PageAllocators() {
  static const auto& entries = *new std::vector<PageAllocatorInfo>{PageRunsInfo()};
  return entries;
}

std::span<const HeapAllocatorInfo> HeapAllocators() {
  static const auto& entries = *new std::vector<HeapAllocatorInfo>{ImplicitHeapInfo(), NoHeapInfo()};
  return entries;
}

absl::StatusOr<const PageAllocatorInfo*> FindPageAllocator(std::string_view name) {
  return Find("page_allocator", name, PageAllocators());
}

absl::StatusOr<const HeapAllocatorInfo*> FindHeapAllocator(std::string_view name) {
  return Find("heap_allocator", name, HeapAllocators());
}

absl::StatusOr<ParameterValues> CompleteParameters(const PageAllocatorInfo& pages, const HeapAllocatorInfo& heap, bool guarded,
                                                   const ParameterValues& given) {
  ParameterValues values;
  std::vector<std::string_view> names;
  std::size_t used = 0;
  for (const auto* parameters : {&pages.parameters, &heap.parameters}) {
    for (const ParameterInfo& parameter : *parameters) {
      names.push_back(parameter.name);
      const auto it = given.find(parameter.name);
      if (it == given.end()) {
        values.emplace(parameter.name, parameter.DefaultFor(guarded));
        continue;
      }
      ++used;
      absl::StatusOr<std::string> value = parameter.canonical(it->second);
      if (!value.ok()) {
        return absl::InvalidArgumentError(absl::StrFormat("parameters[%s]: %s", parameter.name, value.status().message()));
      }
      values.emplace(parameter.name, *std::move(value));
    }
  }
  if (used == given.size()) return values;
  for (const auto& [name, value] : given) {
    if (!values.contains(name)) return absl::InvalidArgumentError("parameters: " + UnknownName("parameter", name, names));
  }
  return values;
}

}  // namespace alloclab

#include "allocators/heap/segregated/segregated_heap.h"

#include <algorithm>
#include <bit>
#include <memory>

#include "allocators/heap/heap_guard.h"
#include "allocators/heap/heap_range.h"

namespace alloclab {
namespace {

constexpr FigureInfo kFigures[] = {
    {"free_classes", "classes of sizes that have free blocks, a bit each", FigureInfo::Unit::kWord},
};
constexpr Declaration kDeclaration{
    .counters = kExplicitListCounters,
    .figures = kFigures,
    .block_fields = kExplicitListFields,
    .alignment = 8,
    .request_max = kExplicitListRequestMax,
};

}  // namespace

const Declaration& SegregatedHeap::declaration() const { return kDeclaration; }

std::vector<std::uint64_t> SegregatedHeap::FigureValues() const {
  std::uint64_t classes = 0;
  for (std::uint32_t list = 0; list < kClasses; ++list) classes |= std::uint64_t{head(list).is_null() ? 0u : 1u} << list;
  return {classes};
}

// Of size 0, which a broken tag may have, the last one.
std::uint32_t SegregatedHeap::ListOf(std::uint32_t size) const {
  return std::min(static_cast<std::uint32_t>(std::bit_width((size - 1) / 16)), kClasses - 1);
}

VirtAddr SegregatedHeap::Search(std::uint32_t size) {
  Looking looking;
  VirtAddr block;
  for (std::uint32_t list = ListOf(size); list < kClasses && block.is_null(); ++list) {
    block = FirstFit(looking, head(list), VirtAddr{}, size);
  }
  return block;
}

HeapAllocatorInfo SegregatedHeapInfo() {
  return {.name = "segregated-fits",
          .title = "Segregated fits",
          .description =
              "Boundary tags and a list of free blocks for each of 16 classes of sizes, first fit from the class of the "
              "request on; frees merge at once with both neighbours.",
          .source =
              "Wilson, Johnstone, Neely and Boles, Dynamic Storage Allocation, IWMM 1995; Bryant and O'Hallaron, Computer "
              "Systems: A Programmer's Perspective, 9.9.14",
          .declaration = &kDeclaration,
          .parameters = {LimitParameter(), ListOrderParameter()},
          .make = [](const HeapServices& machine, bool guarded,
                     const ParameterValues& values) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
            const std::uint32_t limit = NumberValue(values, "heap.limit_bytes");
            if (absl::Status status = ExplicitListHeap::Reserve(machine.space, limit); !status.ok()) return status;
            return std::make_unique<HeapGuard>(std::make_unique<SegregatedHeap>(machine.space, limit, ListOrderValue(values)),
                                               guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
          }};
}

}  // namespace alloclab

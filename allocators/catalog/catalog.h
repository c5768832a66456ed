// The allocators the lab knows: name, what it is, documented parameters, and how to make one. A new allocator is one folder and
// one entry in catalog.cc; everything else (server, command line, web page, documentation) reads this list.
#ifndef ALLOCLAB_ALLOCATORS_CATALOG_CATALOG_H_
#define ALLOCLAB_ALLOCATORS_CATALOG_CATALOG_H_

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/common/parameter.h"
#include "allocators/heap/heap_allocator_info.h"
#include "allocators/pages/page_allocator_info.h"

namespace alloclab {

// The first of each is the default.
std::span<const PageAllocatorInfo> PageAllocators();
std::span<const HeapAllocatorInfo> HeapAllocators();

// The entry of that name; an empty name is the default. INVALID_ARGUMENT with the nearest name.
absl::StatusOr<const PageAllocatorInfo*> FindPageAllocator(std::string_view name);
absl::StatusOr<const HeapAllocatorInfo*> FindHeapAllocator(std::string_view name);

// `given` with every value in its canonical spelling and the defaults of both allocators filled in. INVALID_ARGUMENT naming the
// parameter: unknown (with the nearest one that there is), or a value that it does not take.
absl::StatusOr<ParameterValues> CompleteParameters(const PageAllocatorInfo& pages, const HeapAllocatorInfo& heap, bool guarded,
                                                   const ParameterValues& given);

// What an allocator counts, in the order in which its Counts() are; what every allocator of its kind counts comes first.
std::vector<const CounterInfo*> CounterInfosOf(const PageAllocatorInfo& pages);
std::vector<const CounterInfo*> CounterInfosOf(const HeapAllocatorInfo& heap);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_CATALOG_CATALOG_H_

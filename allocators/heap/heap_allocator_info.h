// A heap allocator's entry in the catalogue. Each folder has one.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_HEAP_ALLOCATOR_INFO_H_
#define ALLOCLAB_ALLOCATORS_HEAP_HEAP_ALLOCATOR_INFO_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/common/declaration.h"
#include "allocators/common/parameter.h"
#include "allocators/heap/heap_guard.h"
#include "allocators/machine/address_space.h"
#include "allocators/pages/page_guard.h"

namespace alloclab {

// What the machine gives a heap: address space, and whole blocks of pages.
struct HeapServices {
  AddressSpace& space;
  PageGuard& pages;
};

struct HeapAllocatorInfo {
  std::string name, title, description, source;
  const Declaration* declaration;
  std::vector<ParameterInfo> parameters;
  // Null for "none", a machine with pages only. The parameters are complete; it still refuses values that do not go together,
  // or not with the machine, with INVALID_ARGUMENT, and RESOURCE_EXHAUSTED when the machine is too small.
  std::function<absl::StatusOr<std::unique_ptr<HeapGuard>>(const HeapServices&, bool guarded, const ParameterValues&)> make;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_HEAP_ALLOCATOR_INFO_H_

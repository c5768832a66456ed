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
#include "allocators/heap/heap_allocator.h"
#include "allocators/machine/address_space.h"
#include "allocators/pages/page_allocator.h"

namespace alloclab {

struct ParameterInfo {
  std::string name;         // as the user writes it, prefix included: "heap.engine"
  std::string description;  // one line
  std::string expects;      // "literal or indexed", "bytes, a multiple of 4096"
  std::string default_value;
  std::string unguarded_default;  // of an unguarded instance, when that is another one
  // A value in its one spelling ("0x10000" -> "65536"), or INVALID_ARGUMENT quoting it and saying what is expected.
  std::function<absl::StatusOr<std::string>(std::string_view value)> canonical;

  const std::string& DefaultFor(bool guarded) const {
    return guarded || unguarded_default.empty() ? default_value : unguarded_default;
  }
};

// Values by parameter name.
using ParameterValues = std::map<std::string, std::string>;

// The parameters of an entry's `make` are complete (CompleteParameters); it still refuses values that do not go together, or
// not with the machine, with INVALID_ARGUMENT, and RESOURCE_EXHAUSTED when the machine is too small.
struct PageAllocatorInfo {
  std::string name, title, description, source;
  std::vector<ParameterInfo> parameters;
  std::function<absl::StatusOr<std::unique_ptr<PageAllocator>>(PhysicalMemory&, bool guarded, const ParameterValues&)> make;
};

struct HeapAllocatorInfo {
  std::string name, title, description, source;
  std::vector<ParameterInfo> parameters;
  // Null for "none", a machine with pages only.
  std::function<absl::StatusOr<std::unique_ptr<HeapAllocator>>(AddressSpace&, bool guarded, const ParameterValues&)> make;
};

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

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_CATALOG_CATALOG_H_

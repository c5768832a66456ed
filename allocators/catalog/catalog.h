// The allocators the lab knows: name, what it is, documented parameters, and how to make one. A new allocator is one folder and
// one entry in catalog.cc; everything else (server, command line, page, documentation) reads this list.
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
  std::string name;           // as the user writes it, prefix included: "heap.engine"
  std::string description;    // one line
  std::string expects;        // "literal or indexed", "bytes, a multiple of 4096"
  std::string default_value;
};

// Values by parameter name; complete (defaults filled in) and each one checked by the entry's `make`.
using ParameterValues = std::map<std::string, std::string>;

struct PageAllocatorInfo {
  std::string name, title, description, source;
  std::vector<ParameterInfo> parameters;
  std::function<absl::StatusOr<std::unique_ptr<PageAllocator>>(PhysicalMemory&, bool guarded, const ParameterValues&)> make;
};

struct HeapAllocatorInfo {
  std::string name, title, description, source;
  std::vector<ParameterInfo> parameters;
  std::function<absl::StatusOr<std::unique_ptr<HeapAllocator>>(AddressSpace&, bool guarded, const ParameterValues&)> make;
};

// The first of each is the default.
std::span<const PageAllocatorInfo> PageAllocators();
std::span<const HeapAllocatorInfo> HeapAllocators();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_CATALOG_CATALOG_H_

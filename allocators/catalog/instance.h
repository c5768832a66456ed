// One simulated i386: RAM, a page allocator over it, and (unless the instance is for pages only) an address space with a heap
// whose frames come from that page allocator.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_CATALOG_INSTANCE_H_
#define ALLOCLAB_ALLOCATORS_CATALOG_INSTANCE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "allocators/common/cost_model.h"
#include "allocators/heap/heap_guard.h"
#include "allocators/machine/address_space.h"
#include "allocators/machine/memory_image.h"
#include "allocators/machine/physical_memory.h"
#include "allocators/pages/page_guard.h"

namespace alloclab {

struct HeapAllocatorInfo;
struct PageAllocatorInfo;

// What is asked for. Empty fields take the catalogue's defaults; Instance::config() has every one filled in.
struct InstanceConfig {
  std::uint64_t ram_bytes = 0;
  std::string page_allocator;  // a name from the catalogue
  std::string heap_allocator;  // a name from the catalogue; "none" for a machine with pages only
  bool guarded = true;
  std::map<std::string, std::string> parameters;  // "heap.engine" -> "literal", "pages.kernel_end" -> "0x10000000"
};

// A whole instance at one moment: RAM, page tables, both allocators and what they counted. Immutable; images of one instance
// share the memory that is the same in both, so one costs what was touched since the one before.
//
// Thread safety: an image may be used by many threads at once.
class InstanceImage {
 public:
  const InstanceConfig& config() const { return config_; }
  // As MemoryImage's, which is all but some of it.
  std::uint64_t HostBytes(absl::flat_hash_set<const void*>& counted) const { return memory_->HostBytes(counted); }

 private:
  friend class Instance;

  InstanceConfig config_;
  std::shared_ptr<const MemoryImage> memory_;
  std::unique_ptr<const AllocatorState> pages_, heap_;  // heap: null without one
  std::optional<AddressSpace::State> space_;
};

class Instance {
 public:
  // INVALID_ARGUMENT naming the field and what is expected; RESOURCE_EXHAUSTED when RAM is too small for the heap's page
  // tables and first pages. The catalogue is in catalog.h.
  static absl::StatusOr<std::unique_ptr<Instance>> Create(const InstanceConfig& config);
  // Of these allocators, whether the catalogue has them or not; the names in `config` are not read.
  static absl::StatusOr<std::unique_ptr<Instance>> Create(const InstanceConfig& config, const PageAllocatorInfo& pages,
                                                          const HeapAllocatorInfo& heap);

  // A new instance that is exactly as the image says, and goes on as the one that it was taken of. RESOURCE_EXHAUSTED: no
  // memory.
  static absl::StatusOr<std::unique_ptr<Instance>> Copy(const InstanceImage& image);

  // Takes an image; and goes back to one, of this instance or of another one of the same configuration.
  std::shared_ptr<const InstanceImage> Save() const;
  void Restore(const InstanceImage& image);

  const InstanceConfig& config() const { return config_; }
  PhysicalMemory& memory() const { return *memory_; }
  AddressSpace* space() const { return space_.get(); }  // null without a heap
  // The allocators, to be looked at. Without a heap, heap() is null.
  const PageAllocator& pages() const { return pages_->allocator(); }
  const HeapAllocator* heap() const { return heap_ ? &heap_->allocator() : nullptr; }
  // To be called: everything that changes them goes through their guards.
  PageGuard& page_guard() const { return *pages_; }
  HeapGuard* heap_guard() const { return heap_.get(); }  // null without a heap
  // Since the instance is ready: what building it took is not in them.
  Costs costs() const;
  // Host memory that the instance holds.
  std::uint64_t host_bytes() const;

  // Page operations as a program on the machine asks for them. In a guarded instance a range that holds a page table or a frame
  // the heap lives in is refused (kFrameInUse).
  PageResult AllocatePages(std::uint32_t bytes) { return pages_->Allocate(bytes); }
  // Of an allocation that was just refused.
  Refusal ExplainHeap(Outcome refused, std::uint64_t bytes) const;
  Refusal ExplainPages(std::uint64_t bytes) const;
  PageResult FreePages(PhysAddr first, std::uint32_t bytes);

 private:
  Instance() = default;
  absl::Status Build(const PageAllocatorInfo& page_info, const HeapAllocatorInfo& heap_info);

  InstanceConfig config_;
  std::unique_ptr<PhysicalMemory> memory_;
  std::unique_ptr<PageGuard> pages_;
  std::unique_ptr<AddressSpace> space_;
  std::unique_ptr<HeapGuard> heap_;
  VmCosts build_costs_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_CATALOG_INSTANCE_H_

#include "allocators/catalog/instance.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/catalog/catalog.h"
#include "allocators/catalog/guests.h"
#include "allocators/common/check.h"
#include "allocators/common/quantity.h"

namespace alloclab {
namespace {

// The same error, saying which part of the instance it is about.
absl::Status Within(std::string_view part, const absl::Status& status) {
  return {status.code(), absl::StrFormat("%s: %s", part, status.message())};
}

absl::Status WithinAllocator(std::string_view allocator, std::uint64_t ram_bytes, const absl::Status& status) {
  return Within(absl::StrFormat("%s in %s of RAM", allocator, FormatQuantity(ram_bytes)), status);
}

// Engines have the same state, so that an image of one machine is one of the other.
bool SameButEngines(std::map<std::string, std::string> a, std::map<std::string, std::string> b) {
  for (auto* parameters : {&a, &b}) {
    parameters->erase("heap.engine");
    parameters->erase("pages.engine");
  }
  return a == b;
}

absl::StatusOr<std::unique_ptr<Instance>> CreateOn(const InstanceConfig& config, const PageAllocatorInfo& pages) {
  if (IsGuest(config.heap_allocator)) {
    const absl::StatusOr<HeapAllocatorInfo> guest = FindGuest(config.heap_allocator);
    return guest.ok() ? Instance::Create(config, pages, *guest) : guest.status();
  }
  const auto heap = FindHeapAllocator(config.heap_allocator);
  return heap.ok() ? Instance::Create(config, pages, **heap) : heap.status();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Instance>> Instance::Create(const InstanceConfig& config) {
  if (IsGuest(config.page_allocator)) {
    const absl::StatusOr<PageAllocatorInfo> guest = FindPageGuest(config.page_allocator);
    return guest.ok() ? CreateOn(config, *guest) : guest.status();
  }
  const auto pages = FindPageAllocator(config.page_allocator);
  return pages.ok() ? CreateOn(config, **pages) : pages.status();
}

absl::StatusOr<std::unique_ptr<Instance>> Instance::Create(const InstanceConfig& config, const PageAllocatorInfo& pages,
                                                           const HeapAllocatorInfo& heap) {
  const std::uint64_t ram_bytes = config.ram_bytes != 0 ? config.ram_bytes : PhysicalMemory::kBytesDefault;
  if (absl::Status status = PhysicalMemory::ValidateSize(ram_bytes); !status.ok()) return Within("ram_bytes", status);
  auto parameters = CompleteParameters(pages, heap, config.guarded, config.parameters);
  if (!parameters.ok()) return parameters.status();

  std::unique_ptr<Instance> instance(new Instance);
  instance->config_ = {ram_bytes, pages.name, heap.name, config.guarded, *std::move(parameters)};
  if (absl::Status status = instance->Build(pages, heap); !status.ok()) return status;
  return instance;
}

absl::Status Instance::Build(const PageAllocatorInfo& page_info, const HeapAllocatorInfo& heap_info) {
  memory_ = std::make_unique<PhysicalMemory>(config_.ram_bytes);
  auto pages = page_info.make(*memory_, config_.guarded, config_.parameters);
  if (!pages.ok()) return WithinAllocator(ShownName(page_info.name), config_.ram_bytes, pages.status());
  pages_ = *std::move(pages);
  if (heap_info.make == nullptr) return absl::OkStatus();

  auto space = AddressSpace::Create(*memory_, *pages_);
  if (!space.ok()) return WithinAllocator(ShownName(heap_info.name), config_.ram_bytes, space.status());
  space_ = *std::move(space);
  auto heap = heap_info.make({*space_, *pages_}, config_.guarded, config_.parameters);
  if (!heap.ok()) return WithinAllocator(ShownName(heap_info.name), config_.ram_bytes, heap.status());
  heap_ = *std::move(heap);
  heap_->ResetCosts();
  pages_->ResetCosts();
  build_costs_ = space_->costs();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Instance>> Instance::Copy(const InstanceImage& image) {
  auto instance = Create(image.config());  // makes page tables and frames where the original's were: both are built alike
  if (instance.ok()) (*instance)->Restore(image);
  return instance;
}

std::shared_ptr<const InstanceImage> Instance::Save() const {
  auto image = std::make_shared<InstanceImage>();
  image->config_ = config_;
  image->memory_ = memory_->TakeSnapshot();
  image->pages_ = pages_->Save();
  if (!space_) return image;
  image->space_ = space_->Save();
  image->heap_ = heap_->Save();
  return image;
}

void Instance::Restore(const InstanceImage& image) {
  ALLOCLAB_CHECK(SameButEngines(image.config_.parameters, config_.parameters));
  ALLOCLAB_CHECK_EQ(image.config_.heap_allocator, config_.heap_allocator);
  ALLOCLAB_CHECK_EQ(image.config_.page_allocator, config_.page_allocator);
  ALLOCLAB_CHECK_EQ(image.config_.guarded, config_.guarded);
  memory_->Restore(*image.memory_);
  pages_->Restore(*image.pages_);
  if (!space_) return;
  space_->Restore(*image.space_);
  heap_->Restore(*image.heap_);
}

Costs Instance::costs() const {
  Costs costs{.heap = {}, .pages = pages().costs(), .vm = {}};
  if (!space_) return costs;
  costs.heap = heap_->allocator().costs();
  costs.vm = space_->costs();
  costs.vm.demand_faults -= build_costs_.demand_faults;
  costs.vm.not_mapped_faults -= build_costs_.not_mapped_faults;
  costs.vm.protection_faults -= build_costs_.protection_faults;
  costs.vm.refused_faults -= build_costs_.refused_faults;
  return costs;
}

Refusal Instance::ExplainHeap(Outcome refused, std::uint64_t bytes) const {
  Refusal refusal = heap_->Explain(refused, bytes);
  const PageShape shape = pages().Shape();
  if (refused != Outcome::kSizeOverflow && !shape.broken) refusal.frames_left = shape.free_bytes / kPageBytes;
  return refusal;
}

Refusal Instance::ExplainPages(std::uint64_t bytes) const {
  const PageShape shape = pages().Shape();
  if (shape.broken) return {.needed_bytes = bytes};
  return {.needed_bytes = bytes,
          .free_bytes = shape.free_bytes,
          .largest_free_bytes = shape.largest_free_bytes,
          .frames_left = shape.free_bytes / kPageBytes};
}

std::uint64_t Instance::host_bytes() const {
  return sizeof(*this) + memory_->host_bytes() + pages_->host_bytes() + (space_ ? space_->host_bytes() : 0) +
         (heap_ ? heap_->host_bytes() : 0);
}

PageResult Instance::FreePages(PhysAddr first, std::uint32_t bytes) {
  // What is no range of whole pages is left to the allocator, which refuses it with its own reason.
  const bool whole_pages = bytes % kPageBytes == 0 && bytes < 1u << 31 && first.offset() == 0;
  if (config_.guarded && space_ && whole_pages && memory_->AnyPinned(FrameOf(first), bytes >> kPageShift)) {
    return {Outcome::kFrameInUse, PhysAddr{}};
  }
  return pages_->Free(first, bytes);
}

}  // namespace alloclab

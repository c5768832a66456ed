#include "allocators/catalog/catalog.h"

#include "absl/strings/str_format.h"
#include "allocators/common/story.h"
#include "allocators/common/suggestion.h"
#include "allocators/heap/buddy/buddy_heap.h"
#include "allocators/heap/buddy/story.h"
#include "allocators/heap/bump/bump_heap.h"
#include "allocators/heap/bump/story.h"
#include "allocators/heap/dlmalloc/dlmalloc_heap.h"
#include "allocators/heap/dlmalloc/story.h"
#include "allocators/heap/explicit_list/explicit_list_heap.h"
#include "allocators/heap/explicit_list/story.h"
#include "allocators/heap/freertos/freertos_heap.h"
#include "allocators/heap/freertos/story.h"
#include "allocators/heap/implicit/implicit_heap.h"
#include "allocators/heap/implicit/story.h"
#include "allocators/heap/knr/knr_heap.h"
#include "allocators/heap/knr/story.h"
#include "allocators/heap/linux_bucket/linux_bucket_heap.h"
#include "allocators/heap/linux_bucket/story.h"
#include "allocators/heap/lwip/lwip_mem.h"
#include "allocators/heap/lwip/story.h"
#include "allocators/heap/newlib_nano/newlib_nano_heap.h"
#include "allocators/heap/newlib_nano/story.h"
#include "allocators/heap/next_fit/next_fit_heap.h"
#include "allocators/heap/next_fit/story.h"
#include "allocators/heap/segregated/segregated_heap.h"
#include "allocators/heap/segregated/story.h"
#include "allocators/heap/slab/slab_heap.h"
#include "allocators/heap/slab/story.h"
#include "allocators/heap/tlsf/story.h"
#include "allocators/heap/tlsf/tlsf_heap.h"
#include "allocators/heap/zephyr/story.h"
#include "allocators/heap/zephyr/zephyr_sys_heap.h"
#include "allocators/pages/best_fit/best_fit_runs.h"
#include "allocators/pages/best_fit/story.h"
#include "allocators/pages/bitmap/bitmap_pages.h"
#include "allocators/pages/bitmap/story.h"
#include "allocators/pages/buddy/buddy_pages.h"
#include "allocators/pages/buddy/story.h"
#include "allocators/pages/kalloc/kalloc_pages.h"
#include "allocators/pages/kalloc/story.h"
#include "allocators/pages/runs/page_runs.h"
#include "allocators/pages/runs/story.h"

namespace alloclab {
namespace {

constexpr Declaration kNoHeapDeclaration{.shows_blocks = false};

HeapAllocatorInfo NoHeapInfo() {
  return {.name = "none",
          .title = "No heap",
          .description = "A machine with its page allocator only.",
          .source = {},
          .declaration = &kNoHeapDeclaration,
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

// An entry as the catalogue has it.
template <class Info>
Info With(const Story& story, Info info) {
  info.description = Described(info.description, story);
  return info;
}

void AddInfos(std::span<const CounterInfo> infos, std::vector<const CounterInfo*>& all) {
  for (const CounterInfo& info : infos) all.push_back(&info);
}

}  // namespace

std::vector<const CounterInfo*> CounterInfosOf(const PageAllocatorInfo& pages) {
  std::vector<const CounterInfo*> all;
  AddInfos(kPageCostInfos, all);
  AddInfos(pages.declaration->counters, all);
  return all;
}

std::vector<const CounterInfo*> CounterInfosOf(const HeapAllocatorInfo& heap) {
  std::vector<const CounterInfo*> all;
  if (heap.make == nullptr) return all;
  AddInfos(kHeapCostInfos, all);
  AddInfos(kBreakInfos, all);
  AddInfos(heap.declaration->counters, all);
  return all;
}

std::span<const PageAllocatorInfo> PageAllocators() {
  static const auto& entries = *new std::vector<PageAllocatorInfo>{
      With(kPageRunsStory, PageRunsInfo()), With(kKallocStory, KallocInfo()), With(kBuddyPagesStory, BuddyPagesInfo()),
      With(kBitmapPagesStory, BitmapPagesInfo()), With(kBestFitRunsStory, BestFitRunsInfo())};
  return entries;
}

std::span<const HeapAllocatorInfo> HeapAllocators() {
  static const auto& entries = *new std::vector<HeapAllocatorInfo>{
      With(kImplicitHeapStory, ImplicitHeapInfo()),
      With(kNextFitStory, NextFitHeapInfo()),
      With(kKnrStory, KnrHeapInfo()),
      With(kFreeRtosHeap4Story, FreeRtosHeap4Info()),
      With(kFreeRtosHeap2Story, FreeRtosHeap2Info()),
      With(kTlsfStory, TlsfHeapInfo()),
      With(kLwipStory, LwipMemInfo()),
      With(kDlmallocStory, DlmallocHeapInfo()),
      With(kLinuxBucketStory, LinuxBucketHeapInfo()),
      With(kNewlibNanoStory, NewlibNanoHeapInfo()),
      With(kZephyrSysHeapStory, ZephyrSysHeapInfo()),
      // Of the literature.
      With(kBumpStory, BumpHeapInfo()),
      With(kBuddyHeapStory, BuddyHeapInfo()),
      With(kExplicitListStory, ExplicitListHeapInfo()),
      With(kSegregatedFitsStory, SegregatedHeapInfo()),
      With(kSlabHeapStory, SlabHeapInfo()),
      // None.
      NoHeapInfo(),
  };
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

#include "allocators/heap/linux_bucket/linux_bucket_heap.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/heap/heap_guard.h"
#include "allocators/machine/loop_watch.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kTableSpan = 4u << 20;  // what one page table maps

constexpr FigureInfo kFigures[] = {
    {"bucket_pages", "pages of objects"},
    {"free_descs", "free descriptors"},
    {"free_pages", "pages that are not in use"},
};
constexpr FieldInfo kFields[] = {
    {"size", "bytes of each object of the page", FigureInfo::Unit::kBytes},
    {"descriptor", "of the page", FigureInfo::Unit::kAddress},
    {"refcnt", "live objects of the page", FigureInfo::Unit::kCount},
    {"next", "of a free object: the next free one of its page", FigureInfo::Unit::kAddress},
};
constexpr Declaration kDeclaration{.counters = kLinuxBucketCounters,
                                   .figures = kFigures,
                                   .block_fields = kFields,
                                   .alignment = 16,
                                   .request_max = kPageBytes,
                                   .frees_null = false};

// The class of a request. REQUIRES: at most a page.
std::uint32_t ClassOf(std::uint32_t bytes) {
  ALLOCLAB_CHECK_LE(bytes, kPageBytes);
  return bytes <= 16 ? 0 : static_cast<std::uint32_t>(std::bit_width(bytes - 1)) - 4;
}

[[noreturn]] void Panic() { throw MachineStop{Outcome::kPanic}; }

}  // namespace

LinuxBucketHeap::LinuxBucketHeap(AddressSpace& space, std::uint32_t arena_bytes, WithoutPages without_pages)
    : HeapAllocator(space, ProgramBreak::Arena(space, kStart, arena_bytes)), without_pages_(without_pages) {
  ALLOCLAB_CHECK_LE(arena_bytes, kArenaBytesMax);
  ALLOCLAB_CHECK_EQ(arena_bytes % kPageBytes, 0u);
  state_.mem_map.fill(kReserved);
  std::fill_n(state_.mem_map.begin() + (kStart.page() - kMapStart.page()), arena_bytes / kPageBytes, std::uint8_t{0});
}

const Declaration& LinuxBucketHeap::declaration() const { return kDeclaration; }

std::uint32_t LinuxBucketHeap::PayloadBytes(VirtAddr block) {
  std::vector<Descriptor> chain;
  for (std::uint32_t index = 0; index < kClasses; ++index) ReadChain(index, chain);
  const VirtAddr page(block.raw() - block.offset());
  const auto found = std::ranges::find(chain, page, &Descriptor::page);
  return found == chain.end() ? 0 : found->size;
}

std::uint32_t LinuxBucketHeap::BlockBytes(std::uint32_t bytes) const {
  return bytes > kPageBytes ? bytes : ClassBytes(ClassOf(bytes));
}

HeapResult LinuxBucketHeap::Malloc(std::uint32_t bytes) {
  if (bytes > kPageBytes) Panic();
  const std::uint32_t index = ClassOf(bytes);
  VirtAddr descriptor = FindRoom(index);
  EndSearch();
  if (descriptor.is_null() && without_pages_ == WithoutPages::kRefuses &&
      FreePages() < (state_.free_descriptors.is_null() ? 2u : 1u)) {
    return {Outcome::kOutOfMemory, VirtAddr{}};
  }
  state_.counters.Of<"dir_steps">() += index + 1;
  WordView words(space_, costs_);
  if (descriptor.is_null()) descriptor = NewBucket(words, index);
  const VirtAddr object(words.Load(descriptor + kFree));
  words.Store(descriptor + kFree, words.Load(object));
  words.StoreU16(descriptor + kCount, static_cast<std::uint16_t>(words.LoadU16(descriptor + kCount) + 1));
  return {Outcome::kOk, object};
}

VirtAddr LinuxBucketHeap::FindRoom(std::uint32_t index) {
  WordView words(space_, costs_);
  LoopWatch<VirtAddr> watch;
  std::uint32_t page = ~0u;
  VirtAddr at = state_.chains[index];
  for (; !at.is_null(); at = VirtAddr(words.Load(at + kNext))) {
    watch.Check(at);
    CountStep(at, page);
    if (words.Load(at + kFree) != 0) break;
  }
  return at;
}

void LinuxBucketHeap::CountStep(VirtAddr descriptor, std::uint32_t& page) {
  ++costs_.search_steps;
  if (page != descriptor.page()) ++costs_.search_pages, page = descriptor.page();
}

VirtAddr LinuxBucketHeap::NewBucket(WordView& words, std::uint32_t index) {
  if (state_.free_descriptors.is_null()) NewDescriptors(words);
  const std::uint32_t size = ClassBytes(index);
  const VirtAddr descriptor = state_.free_descriptors;
  state_.free_descriptors = VirtAddr(words.Load(descriptor + kNext));
  words.StoreU16(descriptor + kCount, 0);
  words.StoreU16(descriptor + kSize, static_cast<std::uint16_t>(size));
  const VirtAddr page = GetFreePage();
  words.Store(descriptor + kFree, page.raw());
  words.Store(descriptor + kPage, page.raw());
  if (page.is_null()) Panic();
  const VirtAddr last = page + (kPageBytes - size);
  for (VirtAddr object = page; object < last; object = object + size) words.Store(object, (object + size).raw());
  words.Store(last, 0);
  words.Store(descriptor + kNext, state_.chains[index].raw());
  state_.chains[index] = descriptor;
  ++state_.counters.Of<"new_buckets">();
  return descriptor;
}

void LinuxBucketHeap::NewDescriptors(WordView& words) {
  const VirtAddr page = GetFreePage();
  if (page.is_null()) Panic();
  const VirtAddr last = page + (kPageBytes - kDescriptorBytes);
  for (VirtAddr at = page; at < last; at = at + kDescriptorBytes) words.Store(at + kNext, (at + kDescriptorBytes).raw());
  words.Store(last + kNext, state_.free_descriptors.raw());
  state_.free_descriptors = page;
  ++state_.counters.Of<"desc_pages">();
}

HeapResult LinuxBucketHeap::Free(VirtAddr block) {
  WordView words(space_, costs_);
  const auto [index, before, descriptor] = FindPage(words, VirtAddr(block.raw() - block.offset()));
  words.Store(block, words.Load(descriptor + kFree));
  words.Store(descriptor + kFree, block.raw());
  words.StoreU16(descriptor + kCount, static_cast<std::uint16_t>(words.LoadU16(descriptor + kCount) - 1));
  if (words.LoadU16(descriptor + kCount) != 0) return {};
  const VirtAddr next(words.Load(descriptor + kNext));
  if (before.is_null()) {
    state_.chains[index] = next;
  } else {
    words.Store(before + kNext, next.raw());
  }
  FreePage(VirtAddr(words.Load(descriptor + kPage)));
  words.Store(descriptor + kNext, state_.free_descriptors.raw());
  state_.free_descriptors = descriptor;
  ++state_.counters.Of<"pages_returned">();
  return {};
}

LinuxBucketHeap::Found LinuxBucketHeap::FindPage(WordView& words, VirtAddr page) {
  std::uint32_t step_page = ~0u;
  for (std::uint32_t index = 0; index < kClasses; ++index) {
    ++state_.counters.Of<"free_dir_steps">();
    LoopWatch<VirtAddr> watch;
    VirtAddr before;
    for (VirtAddr at = state_.chains[index]; !at.is_null(); before = at, at = VirtAddr(words.Load(at + kNext))) {
      watch.Check(at);
      CountStep(at, step_page);
      ++state_.counters.Of<"place_steps">();
      if (words.Load(at + kPage) == page.raw()) return {index, before, at};
    }
  }
  Panic();
}

std::uint32_t LinuxBucketHeap::FreePages() const {
  return static_cast<std::uint32_t>(std::ranges::count(state_.mem_map, std::uint8_t{0}));
}

// Null: none is left.
VirtAddr LinuxBucketHeap::GetFreePage() {
  const auto found = std::find(state_.mem_map.rbegin(), state_.mem_map.rend(), std::uint8_t{0});
  if (found == state_.mem_map.rend()) return {};
  *found = 1;
  const auto number = static_cast<std::uint32_t>(state_.mem_map.rend() - found) - 1;
  const VirtAddr page = kMapStart + number * kPageBytes;
  if (!space_.Fill(page, kPageBytes, 0)) throw StopAtFault(space_);
  return page;
}

void LinuxBucketHeap::FreePage(VirtAddr page) {
  if (page < kMapStart) return;
  if (page >= limit()) Panic();
  std::uint8_t& count = state_.mem_map[page.page() - kMapStart.page()];
  if (count == 0) Panic();
  --count;
}

HeapAllocatorInfo LinuxBucketHeapInfo() {
  return {
      .name = "linux-0.11-bucket",
      .title = "Linux 0.11 buckets",
      .description =
          "Pages of equal objects, the first one of the class that has a free object; an empty page goes back. "
          "Nothing larger than a page.",
      .source = "Linux 0.11 (1991), lib/malloc.c and mm/memory.c",
      .declaration = &kDeclaration,
      .parameters = {QuantityParameter("heap.arena_bytes", "memory that the heap has, from 0x00400000 up",
                                       "bytes, a multiple of 4096, at most 12Mi", LinuxBucketHeap::kArenaBytesMax,
                                       LinuxBucketHeap::kArenaBytesMax)},
      .make = [](const HeapServices& machine, bool guarded,
                 const ParameterValues& values) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
        const std::uint32_t arena = NumberValue(values, "heap.arena_bytes");
        if (arena == 0 || arena % kPageBytes != 0) {
          return absl::InvalidArgumentError(
              absl::StrFormat("heap.arena_bytes: %d; expected a multiple of %d bytes, at least one", arena, kPageBytes));
        }
        const std::uint32_t tables = (arena - 1) / kTableSpan + 1;
        if (absl::Status status = machine.space.AddPageTables(LinuxBucketHeap::kStart, tables); !status.ok()) return status;
        using WithoutPages = LinuxBucketHeap::WithoutPages;
        return std::make_unique<HeapGuard>(
            std::make_unique<LinuxBucketHeap>(machine.space, arena, guarded ? WithoutPages::kRefuses : WithoutPages::kPanics),
            guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
      }};
}

}  // namespace alloclab

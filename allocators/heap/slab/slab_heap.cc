#include "allocators/heap/slab/slab_heap.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/heap/heap_guard.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kTableSpan = 4u << 20;  // what one page table maps
constexpr std::uint32_t kKeepSlabsMax = 1'000'000;

constexpr FigureInfo kFigures[] = {
    {"slabs", "slabs of all caches"},
    {"complete_slabs", "slabs without a live object"},
    {"large_pages", "pages of blocks that are larger than the objects of any cache"},
};
constexpr FieldInfo kFields[] = {
    {"object", "bytes of each object of the cache; 0: pages of their own, or free ones", FigureInfo::Unit::kBytes},
    {"slab", "of the object", FigureInfo::Unit::kAddress},
    {"live", "live objects of the slab", FigureInfo::Unit::kCount},
    {"next", "of a free object: the next free one of its slab", FigureInfo::Unit::kAddress},
};
constexpr Declaration kDeclaration{.counters = kSlabCounters,
                                   .figures = kFigures,
                                   .block_fields = kFields,
                                   .alignment = 8,
                                   .request_max = SlabHeap::kRequestMax};

std::uint32_t EndOf(const Arena& arena) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(arena.end(), SlabHeap::kEndMax));
}

ProgramBreak RangeOver(AddressSpace& space, const Arena& arena) {
  const VirtAddr start(arena.first.raw()), end(EndOf(arena));
  ProgramBreak range(space, start, end);
  range.Lower(start - end);  // to its limit, without a promise: pages are mapped when they are taken
  return range;
}

std::uint32_t PagesOf(std::uint32_t bytes) { return (bytes - 1) / kPageBytes + 1; }

[[noreturn]] void Panic() { throw MachineStop{Outcome::kPanic}; }

}  // namespace

SlabHeap::SlabHeap(AddressSpace& space, PageGuard& pages, const SlabOptions& options)
    : HeapAllocator(space, RangeOver(space, pages.allocator().arena())), pages_(pages), options_(options) {
  ALLOCLAB_CHECK_LE(options.slab_pages, kSlabPagesMax);
  for (std::uint32_t cache = 0; cache < kSlabCaches; ++cache) geometry_[cache] = GeometryOf(cache, options);
  state_.pages.resize((brk() - start()) / kPageBytes);
}

const Declaration& SlabHeap::declaration() const { return kDeclaration; }

SlabHeap::Geometry SlabHeap::GeometryOf(std::uint32_t cache, const SlabOptions& options) {
  const std::uint32_t object = kSlabObjectBytes[cache];
  const bool on_slab = object < kPageBytes / 8;
  std::uint32_t pages = on_slab ? 1 : options.slab_pages;
  while (!on_slab && pages * kPageBytes % object > pages * kPageBytes / 8) ++pages;
  const std::uint32_t room = pages * kPageBytes - (on_slab ? kStructureBytes : 0);
  const std::uint32_t rest = room % object;
  return {object, pages, room / object, options.colour ? rest / kColourStep * kColourStep : 0, on_slab};
}

// REQUIRES: at most kObjectBytesMax.
std::uint32_t SlabHeap::CacheOf(std::uint32_t bytes) {
  ALLOCLAB_CHECK_LE(bytes, kObjectBytesMax);
  const auto* end = std::begin(kSlabObjectBytes) + kSlabCache;
  return static_cast<std::uint32_t>(std::lower_bound(std::begin(kSlabObjectBytes), end, bytes) - std::begin(kSlabObjectBytes));
}

std::uint32_t SlabHeap::BlockBytes(std::uint32_t bytes) const {
  if (bytes == 0 || bytes > kRequestMax) return bytes;
  return bytes > kObjectBytesMax ? PagesOf(bytes) * kPageBytes : kSlabObjectBytes[CacheOf(bytes)];
}

std::uint32_t SlabHeap::PayloadBytes(VirtAddr block) {
  const PageEntry entry = EntryOf(block);
  if (entry.owner < kSlabCaches) return geometry_[entry.owner].object;
  return entry.owner == kLarge ? entry.value * kPageBytes : 0;
}

HeapResult SlabHeap::Malloc(std::uint32_t bytes) {
  if (bytes == 0) return {Outcome::kZeroSize, VirtAddr{}};
  if (bytes > kObjectBytesMax) return MallocPages(bytes);
  const std::uint32_t cache = CacheOf(bytes);
  VirtAddr slab = state_.caches[cache].free;
  if (!slab.is_null()) ++costs_.search_steps, ++costs_.search_pages;
  EndSearch();
  WordView words(space_, costs_);
  if (slab.is_null()) slab = MakeSlab(words, cache);
  if (slab.is_null()) return {Outcome::kOutOfMemory, VirtAddr{}};
  ++state_.counters.Of<"objects_taken">();
  return {Outcome::kOk, Take(words, cache, slab)};
}

HeapResult SlabHeap::MallocPages(std::uint32_t bytes) {
  EndSearch();
  if (bytes > kRequestMax) return {Outcome::kOutOfMemory, VirtAddr{}};
  const std::uint32_t pages = PagesOf(bytes);
  const VirtAddr base = TakePages(pages * kPageBytes);
  if (base.is_null()) return {Outcome::kOutOfMemory, VirtAddr{}};
  MapPages(base, pages * kPageBytes);
  Own(base, pages, {kLargeRest, 0});
  Own(base, 1, {kLarge, pages});
  ++state_.counters.Of<"large_blocks">();
  return {Outcome::kOk, base};
}

VirtAddr SlabHeap::Take(WordView& words, std::uint32_t number, VirtAddr slab) {
  Cache& cache = state_.caches[number];
  const VirtAddr object(words.Load(slab + kFree));
  const std::uint32_t next = words.Load(Link(number, object)), live = words.Load(slab + kLive);
  words.Store(slab + kFree, next);
  words.Store(slab + kLive, live + 1);
  if (live == 0) --cache.complete;
  if (next == 0) cache.free = VirtAddr(words.Load(slab + kNext));
  return object;
}

HeapResult SlabHeap::Free(VirtAddr block) {
  if (block.is_null()) return {};
  const PageEntry entry = EntryOf(block);
  if (entry.owner < kSlabCaches) {
    WordView words(space_, costs_);
    Return(words, entry.owner, VirtAddr(entry.value), block);
  } else if (entry.owner == kLarge) {
    GivePages(VirtAddr(block.raw() - block.offset()), entry.value * kPageBytes);
  } else {
    Panic();
  }
  return {};
}

void SlabHeap::Return(WordView& words, std::uint32_t number, VirtAddr slab, VirtAddr object) {
  Cache& cache = state_.caches[number];
  const std::uint32_t next = words.Load(slab + kFree);
  if (next == 0) {  // it was full
    Unlink(words, cache, slab);
    InsertBefore(words, cache, slab, cache.free);
    cache.free = slab;
  }
  words.Store(Link(number, object), next);
  words.Store(slab + kFree, object.raw());
  const std::uint32_t live = words.Load(slab + kLive) - 1;
  words.Store(slab + kLive, live);
  if (live != 0) return;
  Unlink(words, cache, slab);
  if (cache.complete >= options_.keep_slabs) return GiveBackSlab(words, number, slab);
  InsertBefore(words, cache, slab, VirtAddr{});
  ++cache.complete;
  if (cache.free.is_null()) cache.free = slab;
}

VirtAddr SlabHeap::MakeSlab(WordView& words, std::uint32_t number) {
  const Geometry& geometry = geometry_[number];
  const VirtAddr base = TakePages(geometry.bytes());
  if (base.is_null()) return {};
  const VirtAddr slab = geometry.on_slab ? base + (geometry.bytes() - kStructureBytes) : MakeStructure(words);
  if (slab.is_null()) {
    // What was done is undone by the guard, of which such a request is near the edge; or here.
    if (options_.guarded) throw MachineStop{Outcome::kMachineFault, base.raw(), /*no_frame=*/true};
    GivePages(base, geometry.bytes());
    return {};
  }
  MapPages(base, geometry.bytes());
  Own(base, geometry.pages, {number, slab.raw()});
  FillSlab(words, number, slab, base);
  Cache& cache = state_.caches[number];
  InsertBefore(words, cache, slab, VirtAddr{});
  ++cache.complete;
  if (cache.free.is_null()) cache.free = slab;
  ++state_.counters.Of<"slabs_made">(number);
  return slab;
}

// Null: no page for it.
VirtAddr SlabHeap::MakeStructure(WordView& words) {
  VirtAddr slab = state_.caches[kSlabCache].free;
  if (slab.is_null()) slab = MakeSlab(words, kSlabCache);
  return slab.is_null() ? VirtAddr{} : Take(words, kSlabCache, slab);
}

void SlabHeap::FillSlab(WordView& words, std::uint32_t number, VirtAddr slab, VirtAddr base) {
  const Geometry& geometry = geometry_[number];
  std::uint32_t& next_colour = state_.caches[number].colour;
  const std::uint32_t colour = next_colour;
  next_colour = colour + kColourStep > geometry.colour_max ? 0 : colour + kColourStep;
  if (colour != 0) ++state_.counters.Of<"coloured_slabs">();
  const VirtAddr first = base + colour;
  const VirtAddr last = first + (geometry.objects - 1) * geometry.object;
  for (VirtAddr object = first; object < last; object = object + geometry.object) {
    words.Store(Link(number, object), (object + geometry.object).raw());
  }
  words.Store(Link(number, last), 0);
  words.Store(slab + kFree, first.raw());
  words.Store(slab + kLive, 0);
  words.Store(slab + kBase, base.raw());
  words.Store(slab + kColour, colour);
  words.Store(slab + kCache, number);
  words.Store(slab + kObjects, geometry.objects);
}

void SlabHeap::GiveBackSlab(WordView& words, std::uint32_t number, VirtAddr slab) {
  const VirtAddr base(words.Load(slab + kBase));
  if (!geometry_[number].on_slab) {
    const PageEntry holder = EntryOf(slab);
    if (holder.owner != kSlabCache) Panic();
    Return(words, kSlabCache, VirtAddr(holder.value), slab);
  }
  GivePages(base, geometry_[number].bytes());
  ++state_.counters.Of<"slabs_returned">(number);
}

void SlabHeap::Unlink(WordView& words, Cache& cache, VirtAddr slab) {
  const VirtAddr next(words.Load(slab + kNext)), prev(words.Load(slab + kPrev));
  if (prev.is_null()) {
    cache.first = next;
  } else {
    words.Store(prev + kNext, next.raw());
  }
  if (next.is_null()) {
    cache.last = prev;
  } else {
    words.Store(next + kPrev, prev.raw());
  }
  if (cache.free == slab) cache.free = next;
}

void SlabHeap::InsertBefore(WordView& words, Cache& cache, VirtAddr slab, VirtAddr next) {
  const VirtAddr prev = next.is_null() ? cache.last : VirtAddr(words.Load(next + kPrev));
  words.Store(slab + kNext, next.raw());
  words.Store(slab + kPrev, prev.raw());
  if (prev.is_null()) {
    cache.first = slab;
  } else {
    words.Store(prev + kNext, slab.raw());
  }
  if (next.is_null()) {
    cache.last = slab;
  } else {
    words.Store(next + kPrev, slab.raw());
  }
}

VirtAddr SlabHeap::TakePages(std::uint32_t bytes) {
  const PageResult block = pages_.Allocate(bytes);
  if (Refused(block.outcome)) return {};
  if (block.outcome != Outcome::kOk) throw MachineStop{block.outcome, block.address.raw()};
  // Of a wreck it may be anything.
  if (block.address.offset() != 0 || !pages_.allocator().arena().Contains(block.address, bytes)) Panic();
  const VirtAddr base(block.address.raw());
  if (bytes <= brk() - base) return base;
  (void)pages_.Free(block.address, bytes);  // the last page of 4 GiB
  return {};
}

void SlabHeap::MapPages(VirtAddr base, std::uint32_t bytes) {
  if (!space_.MapBlock(PhysAddr(base.raw()), bytes / kPageBytes, /*offset=*/0)) {
    throw MachineStop{Outcome::kMachineFault, base.raw(), /*no_frame=*/true};
  }
}

void SlabHeap::GivePages(VirtAddr base, std::uint32_t bytes) {
  space_.UnmapBlock(base, bytes / kPageBytes);
  Own(base, bytes / kPageBytes, {});
  const PageResult given = pages_.Free(PhysAddr(base.raw()), bytes);
  if (given.outcome != Outcome::kOk) throw MachineStop{given.outcome, given.address.raw()};
}

void SlabHeap::Own(VirtAddr base, std::uint32_t pages, PageEntry entry) {
  const std::uint64_t first = (base - start()) / kPageBytes, end = std::min(first + pages, std::uint64_t{state_.pages.size()});
  for (std::uint64_t page = first; page < end; ++page) {
    if (state_.pages[page].owner != kNotOurs) --state_.owned;
    if (entry.owner != kNotOurs) ++state_.owned;
    state_.pages[page] = entry;
  }
  std::uint64_t& peak = state_.counters.Of<"pages_peak">();
  peak = std::max(peak, state_.owned);
}

SlabHeap::PageEntry SlabHeap::EntryOf(VirtAddr address) const {
  const std::uint32_t page = (address - start()) / kPageBytes;
  return address >= start() && page < state_.pages.size() ? state_.pages[page] : PageEntry{};
}

HeapAllocatorInfo SlabHeapInfo() {
  return {
      .name = "slab-caches",
      .title = "Slab caches",
      .description =
          "Caches of equal objects over whole blocks of pages, as in the kernels of SunOS 5.4 and Linux. A request takes the "
          "first free object of the first slab of its size that has one, and objects have no headers. A slab without a live "
          "object can go back to the page allocator, and colours spread objects over cache lines. Good: malloc and free look "
          "at one slab, however many there are. Bad: sizes are rounded up, and one live object holds the pages of its slab. "
          "Above 8 KiB a request has pages of its own.",
      .source = "J. Bonwick, The Slab Allocator: An Object-Caching Kernel Memory Allocator, USENIX Summer 1994",
      .declaration = &kDeclaration,
      .parameters = {QuantityParameter(
                         "heap.slab_pages",
                         "pages of a slab of objects of 512 bytes and more, at the least; more where over 1/8 would be unused",
                         "1 to 16", 1, SlabHeap::kSlabPagesMax),
                     QuantityParameter("heap.keep_slabs", "slabs without a live object that each cache keeps",
                                       "at most 1000000", 1, kKeepSlabsMax),
                     WordParameter("heap.colour", "whether the objects of each new slab begin 8 bytes further",
                                   {"true", "false"})},
      .make = [](const HeapServices& machine, bool guarded,
                 const ParameterValues& values) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
        const SlabOptions options{.slab_pages = NumberValue(values, "heap.slab_pages"),
                                  .keep_slabs = NumberValue(values, "heap.keep_slabs"),
                                  .colour = WordValue(values, "heap.colour") == "true",
                                  .guarded = guarded};
        if (options.slab_pages == 0) {
          return absl::InvalidArgumentError("heap.slab_pages: 0; expected 1 to 16 pages");
        }
        const Arena& arena = machine.pages.allocator().arena();
        const std::uint32_t end = EndOf(arena) - 1;
        const std::uint32_t tables = end / kTableSpan - arena.first.raw() / kTableSpan + 1;
        if (absl::Status status = machine.space.AddPageTables(VirtAddr(arena.first.raw()), tables); !status.ok()) return status;
        return std::make_unique<HeapGuard>(std::make_unique<SlabHeap>(machine.space, machine.pages, options),
                                           guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded,
                                           /*edge_pages=*/8 + SlabHeap::kSlabPagesMax);
      }};
}

}  // namespace alloclab

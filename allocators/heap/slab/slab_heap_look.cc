// What a heap shows of itself: its blocks, the words of its digest, what is wrong with it. All of it is safe on any contents of
// RAM.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "allocators/heap/slab/slab_heap.h"

namespace alloclab {

std::optional<SlabHeap::Slab> SlabHeap::Peek(VirtAddr slab) const {
  Slab result{.address = slab};
  for (std::uint32_t i = 0; i < result.words.size(); ++i) {
    const std::optional<std::uint32_t> word = space_.Peek(slab + i * kWordBytes);
    if (!word) return std::nullopt;
    result.words[i] = *word;
  }
  return result;
}

std::optional<BrokenWalk> SlabHeap::ReadSlabs(std::uint32_t cache, std::vector<Slab>& slabs) const {
  slabs.clear();
  for (VirtAddr at = state_.caches[cache].first; !at.is_null(); at = VirtAddr(slabs.back().At(kNext))) {
    const std::optional<Slab> slab = Peek(at);
    if (!slab) {
      return BrokenWalk{at.raw(), absl::StrFormat("the slabs of cache %s lead to %#010x, which is not mapped",
                                                  kSlabCacheNames[cache], at.raw())};
    }
    if (slabs.size() == state_.pages.size()) {
      return BrokenWalk{at.raw(),
                        absl::StrFormat("the list of cache %s has more slabs than there are pages", kSlabCacheNames[cache])};
    }
    slabs.push_back(*slab);
  }
  return std::nullopt;
}

bool SlabHeap::ReadFreeObjects(std::uint32_t cache, const Slab& slab, VirtAddr base, std::vector<VirtAddr>& objects) const {
  const Geometry& geometry = geometry_[cache];
  objects.clear();
  for (VirtAddr at(slab.At(kFree)); !at.is_null();) {
    if (at - base >= geometry.bytes() || objects.size() == geometry.objects) return false;
    objects.push_back(at);
    const std::optional<std::uint32_t> next = space_.Peek(Link(cache, at));
    if (!next) return false;
    at = VirtAddr(*next);
  }
  return true;
}

// The pages that the page allocator has free, by number in the arena.
std::vector<bool> SlabHeap::FreePages() const {
  std::vector<bool> free(state_.pages.size());
  const std::uint64_t first = start().raw(), end = first + free.size() * kPageBytes;
  pages_.allocator().VisitBlocks({}, [&](const Block& block) {
    if (block.kind != BlockKind::kFree) return true;
    const std::uint64_t to = std::min(end, block.address + block.bytes);
    for (std::uint64_t page = std::max<std::uint64_t>(first, block.address); page + kPageBytes <= to; page += kPageBytes) {
      free[(page - first) / kPageBytes] = true;
    }
    return true;
  });
  return free;
}

// How many pages the slab has that begins at one: those of its cache, unless another block was put over it.
std::uint32_t SlabHeap::SlabSpan(std::uint32_t page) const {
  const PageEntry& entry = state_.pages[page];
  std::uint32_t span = 1;
  while (span < geometry_[entry.owner].pages && page + span < state_.pages.size() && state_.pages[page + span] == entry) ++span;
  return span;
}

std::vector<std::uint64_t> SlabHeap::FigureValues() const {
  std::uint64_t slabs = 0, complete = 0, large = 0;
  for (std::uint32_t page = 0; page < state_.pages.size();) {
    const PageEntry& entry = state_.pages[page];
    const bool slab = entry.owner < kSlabCaches;
    if (slab) ++slabs;
    if (entry.owner == kLarge) large += entry.value;
    page += slab ? SlabSpan(page) : 1;
  }
  for (const Cache& cache : state_.caches) complete += cache.complete;
  return {slabs, complete, large};
}

std::optional<BrokenWalk> SlabHeap::VisitBlocks(BlockCursor from, const BlockVisitor& visit) const {
  const std::vector<bool> free = FreePages();
  const VirtAddr wanted(from.address);
  for (std::uint32_t page = 0; page < state_.pages.size();) {
    const PageEntry& entry = state_.pages[page];
    if (entry.owner >= kSlabCaches) {
      if (!ShowPages(page, free, wanted, visit)) return std::nullopt;
      continue;
    }
    const VirtAddr base = start() + page * kPageBytes;
    const std::uint32_t span = SlabSpan(page);
    page += span;
    if (start() + page * kPageBytes > wanted &&
        !ShowSlab(entry.owner, base, span * kPageBytes, VirtAddr(entry.value), wanted, visit)) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

// Pages of one kind: a large block, free ones, or those of others.
bool SlabHeap::ShowPages(std::uint32_t& page, const std::vector<bool>& free, VirtAddr wanted, const BlockVisitor& visit) const {
  const std::uint32_t first = page++;
  const bool live = state_.pages[first].owner == kLarge;
  const auto same = [&](std::uint32_t other) {
    const std::uint32_t owner = state_.pages[other].owner;
    return live ? owner == kLargeRest && other - first < state_.pages[first].value
                : owner >= kLargeRest && owner != kLarge && free[other] == free[first];
  };
  while (page < state_.pages.size() && same(page)) ++page;
  const std::uint32_t address = (start() + first * kPageBytes).raw();
  const Block block{.address = address,
                    .bytes = std::uint64_t{page - first} * kPageBytes,
                    .kind = live          ? BlockKind::kLive
                            : free[first] ? BlockKind::kFree
                                          : BlockKind::kMetadata,
                    .payload = live ? address : 0};
  return block.address + block.bytes <= wanted.raw() || visit(block);
}

bool SlabHeap::ShowSlab(std::uint32_t cache, VirtAddr base, std::uint32_t bytes, VirtAddr structure, VirtAddr wanted,
                        const BlockVisitor& visit) const {
  const auto show = [&](const Block& block) { return block.address + block.bytes <= wanted.raw() || visit(block); };
  const auto rest = [&](VirtAddr from, std::uint32_t length) {
    return length == 0 || show({.address = from.raw(), .bytes = length, .kind = BlockKind::kMetadata});
  };
  if (cache == kSlabCache) return rest(base, bytes);
  const Geometry& geometry = geometry_[cache];
  const Slab slab = Peek(structure).value_or(Slab{});
  const std::uint32_t colour = slab.At(kColour) <= geometry.colour_max ? slab.At(kColour) : 0;
  const std::uint32_t objects = std::min(geometry.objects, (bytes - std::min(bytes, colour)) / geometry.object);
  std::vector<VirtAddr> free;
  ReadFreeObjects(cache, slab, base, free);
  std::vector<bool> is_free(objects);
  for (const VirtAddr object : free) {
    const std::uint32_t i = (object - base - colour) / geometry.object;
    if (object >= base + colour && i < objects) is_free[i] = true;
  }
  if (!rest(base, colour)) return false;
  VirtAddr object = base + colour;
  for (std::uint32_t i = 0; i < objects; ++i, object = object + geometry.object) {
    if (!show({.address = object.raw(),
               .bytes = geometry.object,
               .kind = is_free[i] ? BlockKind::kFree : BlockKind::kLive,
               .payload = is_free[i] ? 0 : object.raw(),
               .fields = {geometry.object, structure.raw(), slab.At(kLive),
                          is_free[i] ? space_.Peek(Link(cache, object)).value_or(0) : 0}})) {
      return false;
    }
  }
  return rest(object, base + bytes - object);
}

void SlabHeap::VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt) const {
  InterruptPoll poll(interrupt);
  std::vector<Slab> slabs;
  std::vector<VirtAddr> free;
  for (std::uint32_t i = 0; i < kSlabCaches; ++i) {
    const Cache& cache = state_.caches[i];
    for (const std::uint32_t word : {cache.first.raw(), cache.last.raw(), cache.free.raw(), cache.complete, cache.colour}) {
      visit(word);
    }
    ReadSlabs(i, slabs);
    for (const Slab& slab : slabs) {
      visit(slab.address.raw());
      for (const std::uint32_t word : slab.words) visit(word);
      ReadFreeObjects(i, slab, VirtAddr(slab.At(kBase)), free);
      for (const VirtAddr object : free) visit(object.raw());
      visit(0);
      if (poll.Step()) return;
    }
  }
  for (std::uint32_t page = 0; page < state_.pages.size(); ++page) {
    if (state_.pages[page].owner != kLarge) continue;
    visit((start() + page * kPageBytes).raw());
    visit(state_.pages[page].value);
  }
}

std::vector<Violation> SlabHeap::CheckInvariants(const Interrupt& interrupt) const {
  std::vector<Violation> found;
  const auto add = [&](const char* invariant, VirtAddr where, std::string what) {
    if (!what.empty() && found.size() < kViolationsMax) found.push_back({invariant, where.raw(), std::move(what)});
  };
  InterruptPoll poll(interrupt);
  std::vector<std::vector<VirtAddr>> listed(kSlabCaches), known(kSlabCaches);
  for (std::uint32_t page = 0; page < state_.pages.size(); ++page) {
    if (poll.Step()) return found;
    const PageEntry& entry = state_.pages[page];
    const VirtAddr at = start() + page * kPageBytes;
    if (entry.owner != kNotOurs && space_.Translate(at).phys != PhysAddr(at.raw())) {
      add("S5", at, absl::StrFormat("the page %#010x is not mapped at its physical address", at.raw()));
    }
    if (entry.owner < kSlabCaches && (page == 0 || state_.pages[page - 1] != entry)) {
      known[entry.owner].push_back(VirtAddr(entry.value));
    }
  }
  std::vector<Slab> slabs;
  for (std::uint32_t i = 0; i < kSlabCaches; ++i) {
    if (const auto broken = ReadSlabs(i, slabs)) add("S1", VirtAddr(broken->address), broken->what);
    add("S2", state_.caches[i].first, CheckOrder(state_.caches[i], slabs));
    VirtAddr prev;
    for (const Slab& slab : slabs) {
      if (poll.Step()) return found;
      if (slab.At(kPrev) != prev.raw()) {
        add("S1", slab.address,
            absl::StrFormat("the slab at %#010x has %#010x before it, not %#010x", slab.address.raw(), slab.At(kPrev),
                            prev.raw()));
      }
      prev = slab.address;
      add("S3", slab.address, CheckWords(i, slab));
      add("S4", slab.address, CheckObjects(i, slab));
      listed[i].push_back(slab.address);
    }
    if (state_.caches[i].last != prev) {
      add("S1", prev, absl::StrFormat("the last slab is %#010x, not %#010x", prev.raw(), state_.caches[i].last.raw()));
    }
    std::ranges::sort(listed[i]);
    std::ranges::sort(known[i]);
    if (listed[i] != known[i]) {
      add("S1", state_.caches[i].first,
          absl::StrFormat("cache %s has %d slabs in its list and %d in the table of pages", kSlabCacheNames[i],
                          listed[i].size(), known[i].size()));
    }
  }
  return found;
}

std::string SlabHeap::CheckOrder(const Cache& cache, const std::vector<Slab>& slabs) const {
  const auto rank = [](const Slab& slab) { return slab.At(kFree) == 0 ? 0 : slab.At(kLive) != 0 ? 1 : 2; };
  std::uint32_t complete = 0;
  VirtAddr free;
  int least = 0;
  for (const Slab& slab : slabs) {
    if (rank(slab) < least) {
      return absl::StrFormat("the slab at %#010x has %d live objects and stands behind one with fewer of its kind",
                             slab.address.raw(), slab.At(kLive));
    }
    least = rank(slab);
    if (least > 0 && free.is_null()) free = slab.address;
    if (least == 2) ++complete;
  }
  if (free != cache.free) {
    return absl::StrFormat("the first slab with a free object is %#010x, not %#010x", free.raw(), cache.free.raw());
  }
  if (complete != cache.complete) {
    return absl::StrFormat("%d slabs have no live object, not %d", complete, cache.complete);
  }
  return {};
}

std::string SlabHeap::CheckWords(std::uint32_t cache, const Slab& slab) const {
  const Geometry& geometry = geometry_[cache];
  const VirtAddr base(slab.At(kBase));
  const PageEntry entry = EntryOf(base);
  const bool placed = base.offset() == 0 && entry == PageEntry{cache, slab.address.raw()} &&
                      (!geometry.on_slab || slab.address == base + (geometry.bytes() - kStructureBytes));
  const bool coloured = slab.At(kColour) <= geometry.colour_max && slab.At(kColour) % kColourStep == 0;
  if (placed && coloured && slab.At(kCache) == cache && slab.At(kObjects) == geometry.objects) return {};
  return absl::StrFormat(
      "the slab at %#010x has the base %#010x, the colour %d, the cache %d and %d objects; expected cache %d, at most the "
      "colour %d, %d objects",
      slab.address.raw(), base.raw(), slab.At(kColour), slab.At(kCache), slab.At(kObjects), cache, geometry.colour_max,
      geometry.objects);
}

std::string SlabHeap::CheckObjects(std::uint32_t cache, const Slab& slab) const {
  const VirtAddr base(slab.At(kBase));
  std::vector<VirtAddr> free;
  const bool whole = ReadFreeObjects(cache, slab, base, free);
  std::ranges::sort(free);
  if (!whole || std::ranges::adjacent_find(free) != free.end()) {
    return absl::StrFormat("the free objects of the slab at %#010x are no list that ends in it", slab.address.raw());
  }
  for (const VirtAddr object : free) {
    if ((object - base - slab.At(kColour)) % geometry_[cache].object != 0) {
      return absl::StrFormat("%#010x is free, but no object of %d bytes", object.raw(), geometry_[cache].object);
    }
  }
  if (slab.At(kLive) + free.size() != geometry_[cache].objects) {
    return absl::StrFormat("the slab at %#010x has %d live objects and %d free ones, of %d", slab.address.raw(), slab.At(kLive),
                           free.size(), geometry_[cache].objects);
  }
  return {};
}

std::uint64_t SlabHeap::host_bytes() const { return sizeof(*this) + state_.pages.capacity() * sizeof(PageEntry); }

}  // namespace alloclab

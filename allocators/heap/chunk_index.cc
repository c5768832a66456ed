#include "allocators/heap/chunk_index.h"

#include <algorithm>
#include <bit>
#include <cstddef>

#include "allocators/heap/boundary_tag.h"

namespace alloclab {

void ChunkIndex::Take(VirtAddr chunk, std::uint32_t size) {
  ClearFree(chunk);
  CountFree(size, -1);
  free_bytes_ -= size;
}

void ChunkIndex::Split(VirtAddr chunk, std::uint32_t size, std::uint32_t rest) {
  ClearFree(chunk);
  CountFree(size + rest, -1);
  CountFree(rest, +1);
  free_bytes_ -= size;
  AddChunk(chunk + size);
  SetFree(chunk + size);
  RaiseBounds(chunk + size, rest);
}

void ChunkIndex::Release(VirtAddr chunk, std::uint32_t size, std::uint32_t before, std::uint32_t after) {
  if (after != 0) {
    ClearFree(chunk + size);
    RemoveChunk(chunk + size);
    CountFree(after, -1);
  }
  if (before != 0) {
    RemoveChunk(chunk);
    CountFree(before, -1);
  } else {
    SetFree(chunk);
  }
  free_bytes_ += size;
  CountFree(before + size + after, +1);
  RaiseBounds(chunk - before, before + size + after);
}

void ChunkIndex::Append(VirtAddr chunk, std::uint32_t size, std::uint32_t before) {
  if (before != 0) {
    CountFree(before, -1);
  } else {
    AddChunk(chunk);
    SetFree(chunk);
  }
  free_bytes_ += size;
  CountFree(before + size, +1);
  RaiseBounds(chunk - before, before + size);
}

ChunkIndex::Found ChunkIndex::FindFirst(std::uint32_t size) {
  while (size < kBoundEnd) {
    const std::uint32_t g = tree_.FirstAtLeast(size);
    if (g == WideTree::kNone) break;
    Group& group = *groups_[g];
    for (;;) {
      const std::uint32_t p = group.largest.FirstAtLeast(size);
      if (p == 16) break;
      Page& page = *group.pages[p];
      for (;;) {
        const std::uint32_t leaf = page.largest.FirstAtLeast(size);
        if (leaf == 16) break;
        std::uint32_t largest = 0;
        const std::uint32_t word = FirstInLeaf(page, leaf, size, largest);
        if (word < 64) return FoundAt(g, p, leaf, word);
        page.largest.values[leaf] = largest;
      }
      group.largest.values[p] = page.largest.Max();
    }
    tree_.Lower(g, group.largest.Max());
  }
  return {VirtAddr{}, chunks_, pages_with_chunks_};
}

std::uint32_t ChunkIndex::FirstInLeaf(const Page& page, std::uint32_t leaf, std::uint32_t size, std::uint32_t& largest) {
  const std::uint32_t* words = page.words + leaf * 64;
  for (std::uint64_t free = page.leaves[leaf].free; free != 0; free &= free - 1) {
    const auto word = static_cast<std::uint32_t>(std::countr_zero(free));
    const std::uint32_t bytes = tag::Size(words[word]);
    if (bytes >= size) return word;
    largest = std::max(largest, bytes);
  }
  return 64;
}

ChunkIndex::Found ChunkIndex::FoundAt(std::uint32_t g, std::uint32_t p, std::uint32_t leaf, std::uint32_t word) const {
  const Group& group = *groups_[g];
  const Page& page = *group.pages[p];
  const std::uint64_t bits_before = page.leaves[leaf].starts & ((std::uint64_t{1} << word) - 1);
  const std::uint64_t groups_before = tree_.SumBefore(g);
  Found found{AddressOf(g, p, leaf, word)};
  found.headers_visited =
      (groups_before & (kOnePage - 1)) + page.chunks_before[leaf] + static_cast<std::uint32_t>(std::popcount(bits_before)) + 1;
  for (std::uint32_t i = 0; i < p; ++i) found.headers_visited += group.chunks[i];
  found.pages_visited =
      groups_before / kOnePage + static_cast<std::uint32_t>(std::popcount(group.used_pages & ((1u << p) - 1))) + 1;
  return found;
}

bool ChunkIndex::IsLive(VirtAddr header) const {
  const Place at = PlaceOf(header);
  const Page* page = FindPage(at);
  return page != nullptr && (page->leaves[at.leaf].starts & ~page->leaves[at.leaf].free & at.bit()) != 0;
}

VirtAddr ChunkIndex::LastStart(VirtAddr address) const {
  const std::uint32_t offset = address - start_;
  std::uint32_t last_word = offset % kPageBytes / kWordBytes;
  for (std::uint32_t page_number = offset >> kPageShift;; --page_number, last_word = kPageWords - 1) {  // ends at the prologue
    const Place at(page_number << kPageShift);
    if (const Page* page = FindPage(at); page != nullptr) {
      const int word = LastInPage(*page, last_word);
      if (word >= 0) return start_ + (page_number << kPageShift) + static_cast<std::uint32_t>(word) * kWordBytes;
    } else if (at.group >= groups_.size() || !groups_[at.group]) {
      page_number -= at.page;  // on to the group below
    }
  }
}

int ChunkIndex::LastInPage(const Page& page, std::uint32_t last_word) {
  std::uint64_t mask = ~std::uint64_t{0} >> (63 - last_word % 64);
  for (std::uint32_t leaf = last_word / 64 + 1; leaf-- > 0; mask = ~std::uint64_t{0}) {
    const std::uint64_t starts = page.leaves[leaf].starts & mask;
    if (starts != 0) return static_cast<int>(leaf * 64 + 63) - std::countl_zero(starts);
  }
  return -1;
}

ChunkIndex::Page& ChunkIndex::MakePage(const Place& at) {
  while (groups_.size() <= at.group) {
    groups_.push_back(nullptr);
    tree_.Append();
  }
  if (!groups_[at.group]) {
    groups_[at.group] = std::make_unique<Group>();
    ++groups_made_;
  }
  Page*& page = groups_[at.group]->pages[at.page];
  if (page == nullptr) {
    if (slab_used_ == slab_size_) {
      slab_size_ = slab_size_ == 0 ? 1 : std::min(2 * slab_size_, 64u);
      slab_used_ = 0;
      slabs_.push_back(std::make_unique<Page[]>(slab_size_));
    }
    page = &slabs_.back()[slab_used_++];
    page->words = space_.TouchPage(AddressOf(at.group, at.page, 0, 0));
    ++pages_made_;
  }
  return *page;
}

void ChunkIndex::AddChunk(VirtAddr chunk) {
  const Place at = PlaceOf(chunk);
  Page& page = MakePage(at);
  page.leaves[at.leaf].starts |= at.bit();
  CountChunk(page, at, 1);
}

void ChunkIndex::RemoveChunk(VirtAddr chunk) {
  const Place at = PlaceOf(chunk);
  Page& page = PageOf(at);
  page.leaves[at.leaf].starts &= ~at.bit();
  CountChunk(page, at, static_cast<std::uint16_t>(-1));
}

void ChunkIndex::CountChunk(Page& page, const Place& at, std::uint16_t change) {
  for (std::uint16_t leaf = 0; leaf < 16; ++leaf) {
    page.chunks_before[leaf] = static_cast<std::uint16_t>(page.chunks_before[leaf] + (leaf > at.leaf ? change : 0));
  }
  Group& group = *groups_[at.group];
  const bool was_used = group.chunks[at.page] != 0;
  group.chunks[at.page] = static_cast<std::uint16_t>(group.chunks[at.page] + change);
  const bool used = group.chunks[at.page] != 0;
  const std::int32_t chunks = static_cast<std::int16_t>(change), pages = static_cast<int>(used) - static_cast<int>(was_used);
  group.used_pages ^= static_cast<std::uint32_t>(used != was_used) << at.page;
  chunks_ += static_cast<std::uint32_t>(chunks);
  pages_with_chunks_ += static_cast<std::uint32_t>(pages);
  tree_.Add(at.group,
            static_cast<std::uint64_t>(std::int64_t{chunks}) + static_cast<std::uint64_t>(std::int64_t{pages}) * kOnePage);
}

void ChunkIndex::RaiseBounds(VirtAddr chunk, std::uint32_t size) {
  const Place at = PlaceOf(chunk);
  Page& page = PageOf(at);
  if (page.largest.values[at.leaf] >= size) return;
  page.largest.values[at.leaf] = size;
  std::uint32_t& of_page = groups_[at.group]->largest.values[at.page];
  if (of_page >= size) return;
  of_page = size;
  tree_.Raise(at.group, size);
}

void ChunkIndex::CountFree(std::uint32_t size, std::uint32_t change) {
  free_blocks_by_size_[static_cast<std::size_t>(Pow2Histogram::BucketOf(size))] += change;
}

std::uint32_t ChunkIndex::LargestFree() const {
  std::uint32_t largest = 0;
  for (std::uint32_t g = 0; g < groups_.size(); ++g) {
    for (std::uint32_t p = 0; p < 16 && tree_.bound(g) > largest; ++p) {
      for (std::uint32_t leaf = 0; leaf < 16 && groups_[g]->largest.values[p] > largest; ++leaf) {
        const Page& page = *groups_[g]->pages[p];
        if (page.largest.values[leaf] > largest) FirstInLeaf(page, leaf, ~0u, largest);
      }
    }
  }
  return largest;
}

HeapShape ChunkIndex::Shape(VirtAddr brk, VirtAddr limit) const {
  HeapShape shape{.start = start_, .brk = brk, .limit = limit};
  shape.chunks = chunks_;
  shape.free_blocks_by_size = free_blocks_by_size_;
  for (const std::uint32_t blocks : free_blocks_by_size_) shape.free_blocks += blocks;
  shape.free_bytes = free_bytes_;
  shape.live_blocks = chunks_ - 1 - shape.free_blocks;  // the prologue is neither
  shape.live_block_bytes = (brk - start_) - kWordBytes - free_bytes_;
  shape.largest_free_bytes = LargestFree();
  return shape;
}

std::uint64_t ChunkIndex::host_bytes() const {
  std::uint64_t slab_pages = pages_made_ + (slab_size_ - slab_used_);
  return tree_.host_bytes() + groups_.capacity() * sizeof(groups_[0]) + groups_made_ * sizeof(Group) +
         slabs_.capacity() * sizeof(slabs_[0]) + slab_pages * sizeof(Page);
}

}  // namespace alloclab

#include "allocators/heap/implicit/chunk_index.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <string>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/heap/implicit/boundary_tag.h"
#include "allocators/heap/implicit/chunk_chain.h"

namespace alloclab {

VirtAddr ChunkIndex::LastStart(VirtAddr address) const {
  ALLOCLAB_CHECK_GE(address.raw(), start_.raw());
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

ChunkIndex::Page& ChunkIndex::MakeNewPage(const Place& at) {
  while (groups_.size() <= at.group) {
    groups_.push_back(nullptr);
    bounds_.Append();
    chunks_.Append();
    pages_.Append();
  }
  if (!groups_[at.group]) {
    groups_[at.group] = std::make_unique<Group>();
    ++groups_made_;
  }
  Page*& page = groups_[at.group]->pages[at.page];
  if (page == nullptr) {
    page = slabs_.Make();
    groups_[at.group]->words[at.page] = space_.TouchPage(start_ + (at.offset() & ~(kPageBytes - 1)));
    last_page_ = std::max(last_page_, at.offset() >> kPageShift);
  }
  return *page;
}

std::uint32_t ChunkIndex::LargestFree() const {
  std::uint32_t largest = 0;
  for (std::uint32_t g = 0; g < groups_.size(); ++g) {
    for (std::uint32_t p = 0; p < 16 && bounds_[g] > largest; ++p) {
      for (std::uint32_t leaf = 0; leaf < 16 && groups_[g]->largest.values[p] > largest; ++leaf) {
        const Page& page = *groups_[g]->pages[p];
        if (page.largest.values[leaf] <= LeafBound(largest) && page.largest.values[leaf] != kUnbounded) continue;
        const std::uint32_t* words = groups_[g]->words[p] + leaf * kLeafWords;
        for (std::uint64_t free = page.leaves[leaf].free; free != 0; free &= free - 1) {
          largest = std::max(largest, tag::Size(words[std::countr_zero(free)]));
        }
      }
    }
  }
  return largest;
}

HeapShape ChunkIndex::Shape(VirtAddr brk, VirtAddr limit) const {
  HeapShape shape{.start = start_, .brk = brk, .limit = limit};
  shape.blocks = chunks_.total();
  shape.free_blocks_by_size = free_blocks_by_size_;
  for (const std::uint32_t blocks : free_blocks_by_size_) shape.free_blocks += blocks;
  shape.free_bytes = free_bytes_;
  shape.live_blocks = shape.blocks - 1 - shape.free_blocks;  // the prologue is neither
  shape.live_block_bytes = (brk - start_) - kWordBytes - free_bytes_;
  shape.largest_free_bytes = LargestFree();
  return shape;
}

std::uint64_t ChunkIndex::host_bytes() const {
  return bounds_.host_bytes() + chunks_.host_bytes() + pages_.host_bytes() + groups_.capacity() * sizeof(groups_[0]) +
         groups_made_ * sizeof(Group) + slabs_.host_bytes();
}

std::vector<Violation> ChunkIndex::Check(VirtAddr brk, VirtAddr limit, const Interrupt& interrupt) const {
  std::vector<Violation> found;
  const auto add = [&](VirtAddr where, std::string what) {
    if (found.size() < kViolationsMax) found.push_back({"H5", where.raw(), std::move(what)});
  };
  const ChunkChain chain(space_, start_, brk);
  const HeapShape in_ram = chain.Shape(limit, interrupt), here = Shape(brk, limit);
  if (Interrupted(interrupt)) return found;
  if (in_ram != here) {
    add(start_,
        absl::StrFormat("the counters say %d chunks, %d free with %d bytes, the largest %d; in RAM are %d, %d with %d, %d",
                        here.blocks, here.free_blocks, here.free_bytes, here.largest_free_bytes, in_ram.blocks,
                        in_ram.free_blocks, in_ram.free_bytes, in_ram.largest_free_bytes));
  }
  std::uint32_t chunks = 0, pages = 0;
  std::uint32_t last_page = ~0u;
  InterruptPoll poll(interrupt);
  chain.Walk([&](const Chunk& chunk) {
    if (poll.Step()) return false;
    ++chunks;
    pages += last_page != chunk.header.page();
    last_page = chunk.header.page();
    const Place at = PlaceOf(chunk.header);
    const Page* page = FindPage(at);
    if (page == nullptr || (page->leaves[at.leaf].starts & at.bit()) == 0) {
      add(chunk.header, absl::StrFormat("chunk %#010x is not in the index", chunk.header.raw()));
      return true;
    }
    if (((page->leaves[at.leaf].free & at.bit()) == 0) != chunk.allocated) {
      add(chunk.header, absl::StrFormat("chunk %#010x is %s, the index says otherwise", chunk.header.raw(),
                                        chunk.allocated ? "allocated" : "free"));
    }
    if (!chunk.allocated) {
      const std::uint32_t bound = std::min(groups_[at.group]->largest.values[at.page], bounds_.LeastAbove(at.group));
      if (page->largest.values[at.leaf] < LeafBound(chunk.bytes) || bound < chunk.bytes) {
        add(chunk.header,
            absl::StrFormat("free chunk %#010x has %d bytes, a bound above it says less", chunk.header.raw(), chunk.bytes));
      }
      if (hints_.PlaceFor(chunk.bytes / kWordBytes) > at.leaf_number()) {
        add(chunk.header, absl::StrFormat("free chunk %#010x lies before the hint for its size", chunk.header.raw()));
      }
    }
    const Found counted = FoundAt(at, at.word);
    if (counted.headers_visited != chunks || counted.pages_visited != pages) {
      add(chunk.header, absl::StrFormat("chunk %#010x is number %d in page number %d, the index counts %d and %d",
                                        chunk.header.raw(), chunks, pages, counted.headers_visited, counted.pages_visited));
    }
    return true;
  });
  if (poll.interrupted()) return found;
  // Every chunk has its bit and its rank; the totals say that there are no bits or counts behind the last one.
  std::uint32_t bits = 0, free_bits = 0;
  for (const auto& group : groups_) {
    if (!group) continue;
    for (const Page* page : group->pages) {
      for (std::size_t leaf = 0; page != nullptr && leaf < 16; ++leaf) {
        bits += static_cast<std::uint32_t>(std::popcount(page->leaves[leaf].starts));
        free_bits += static_cast<std::uint32_t>(std::popcount(page->leaves[leaf].free & ~page->leaves[leaf].starts));
      }
    }
  }
  if (bits != chunks || free_bits != 0 || pages_.total() != pages) {
    add(start_, absl::StrFormat("the index holds %d chunks in %d pages and %d free ones without a start; in RAM are %d in %d",
                                bits, pages_.total(), free_bits, chunks, pages));
  }
  return found;
}

}  // namespace alloclab

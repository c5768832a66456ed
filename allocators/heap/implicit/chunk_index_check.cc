// Invariant H5: the index against the chain of chunks in simulated RAM.
#include <algorithm>
#include <bit>
#include <string>

#include "absl/strings/str_format.h"
#include "allocators/heap/implicit/chunk_chain.h"
#include "allocators/heap/implicit/chunk_index.h"

namespace alloclab {

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

// All chunks of a heap in an OrderedBlocks, by address: a live one has no bytes, so that a search finds the free ones only, but
// it counts among those that the walk would have passed. An index of FirstFit (../implicit/first_fit.h), which tells it what
// happens to chunks. It is there while walks are long (../index_switch.h).
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_NEXT_FIT_ORDERED_CHUNKS_H_
#define ALLOCLAB_ALLOCATORS_HEAP_NEXT_FIT_ORDERED_CHUNKS_H_

#include <cstdint>
#include <vector>

#include "allocators/common/costs.h"
#include "allocators/heap/implicit/chunk_chain.h"
#include "allocators/heap/index_switch.h"
#include "allocators/heap/ordered_blocks.h"
#include "allocators/machine/address_space.h"
#include "allocators/machine/word_view.h"

namespace alloclab {

class OrderedChunks {
 public:
  static constexpr bool kSearches = false;  // from a place of the caller's: FindFrom
  using Words = WholeWordView;

  OrderedChunks(AddressSpace& /*space*/, VirtAddr start) : start_(start) {}

  void AddPrologue() {}
  // A free chunk became live.
  void Take(VirtAddr chunk, std::uint32_t /*bytes*/) {
    if (blocks_) blocks_->Resize(Find(chunk), 0);
  }
  // So did its first `bytes` bytes; the rest stays free.
  void Split(VirtAddr chunk, std::uint32_t bytes, std::uint32_t rest) {
    if (!blocks_) return;
    const OrderedBlocks::Cursor at = Find(chunk);
    blocks_->Resize(at, 0);
    blocks_->Insert(blocks_->Next(at), {chunk - start_ + bytes, rest, chunk + bytes});
  }
  // A live chunk became free and swallowed so many bytes of free neighbours.
  void Release(VirtAddr chunk, std::uint32_t bytes, std::uint32_t before, std::uint32_t after) {
    if (!blocks_) return;
    const OrderedBlocks::Cursor at = Find(chunk);
    if (after != 0) blocks_->Erase(blocks_->Next(at));
    if (before == 0) return blocks_->Resize(Find(chunk), bytes + after);
    blocks_->Erase(Find(chunk));
    blocks_->Resize(Find(chunk - before), before + bytes + after);
  }
  // A free chunk at the break, which swallowed `before` bytes of the last one.
  void Append(VirtAddr chunk, std::uint32_t bytes, std::uint32_t before) {
    if (!blocks_) return;
    if (before != 0) return blocks_->Resize(Find(chunk - before), before + bytes);
    blocks_->Insert(blocks_->end(), {chunk - start_, bytes, chunk});
  }

  // At the beginning of an operation, with the steps of all walks so far.
  template <class Chain>
  void Follow(std::uint64_t steps, Chain chain) {
    blocks_.Follow(steps, [&] { return Listed(chain()); });
  }
  void Drop() { blocks_.Drop(); }                               // when chunks have changed by other ways
  bool is_there() const { return static_cast<bool>(blocks_); }  // else the walk is to be made

  // FirstFit::FindFrom without the walk.
  VirtAddr FindFrom(VirtAddr first, VirtAddr end, std::uint32_t size, std::uint32_t& page, HeapCosts& costs) const {
    const OrderedBlocks::Cursor from = Find(first), behind = Find(end), at = blocks_->FirstFrom(from, size);
    const bool found = at != blocks_->end() && blocks_->At(at).address < end;
    const OrderedBlocks::Cursor looked_up_to = found ? blocks_->Next(at) : behind;
    const OrderedBlocks::Counts counts = blocks_->Between(from, looked_up_to);
    costs.search_steps += counts.blocks;
    costs.words_loaded += counts.blocks;
    // Whether the first block is in another page is known to the caller.
    const bool same_page = page == first.page();
    costs.search_pages += counts.pages - (same_page ? 1 : 0);
    page = blocks_->At(blocks_->Previous(looked_up_to)).address.page();
    return found ? blocks_->At(at).address : VirtAddr{};
  }

  // What sets the index apart from the chunks; empty if nothing does.
  std::string Difference(const ChunkChain& chain) const {
    return blocks_.Difference([&] { return Listed(chain); });
  }

  std::uint64_t host_bytes() const { return blocks_.host_bytes(); }

 private:
  std::vector<OrderedBlocks::Entry> Listed(const ChunkChain& chain) const {
    std::vector<OrderedBlocks::Entry> chunks;
    chain.Walk([&](const Chunk& chunk) {
      chunks.push_back({chunk.header - start_, chunk.allocated ? 0 : chunk.bytes, chunk.header});
      return true;
    });
    return chunks;
  }
  // A chunk, or the break.
  OrderedBlocks::Cursor Find(VirtAddr chunk) const { return blocks_->LowerBound(chunk - start_); }

  const VirtAddr start_;
  SwitchedIndex blocks_{Engine::kIndexed};
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_NEXT_FIT_ORDERED_CHUNKS_H_

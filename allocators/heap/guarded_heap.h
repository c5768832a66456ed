// The implicit heap in guarded mode: every invalid use is a distinct outcome, and whatever is refused changes nothing. Each
// operation first finds out which absent pages it will touch and whether the machine has frames for them, so that it never has
// to undo anything. The algorithm is in first_fit.h; `Index` is NoIndex (literal: everything is found by walking) or
// ChunkIndex.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_GUARDED_HEAP_H_
#define ALLOCLAB_ALLOCATORS_HEAP_GUARDED_HEAP_H_

#include <algorithm>
#include <optional>
#include <vector>

#include "allocators/heap/chunk_chain.h"
#include "allocators/heap/first_fit.h"
#include "allocators/heap/footprint.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/heap/implicit_heap.h"

namespace alloclab {

template <class Index>
class GuardedHeap final : public HeapAllocator {
 public:
  GuardedHeap(AddressSpace& space, const ImplicitHeapOptions& options)
      : space_(space), heap_(space, options.start, options.limit_bytes, brk_, costs_) {
    heap_.Init(options.initial_bytes);
    costs_ = {};
  }

  HeapResult Malloc(std::uint32_t bytes) override { return Allocate(bytes, Use{}); }

  HeapResult Calloc(std::uint32_t count, std::uint32_t bytes) override {
    const std::uint64_t product = std::uint64_t{count} * bytes;
    if (product > kRequestMax) return {Outcome::kSizeOverflow, VirtAddr{}};
    const auto payload = static_cast<std::uint32_t>(product);
    const HeapResult result = Allocate(payload, Use{.written_bytes = payload, .copied_from = {}, .freed_footer = {}});
    if (result.outcome != Outcome::kOk) return result;
    costs_.zeroed_bytes += payload;
    if (!space_.Fill(result.address, payload, 0)) std::abort();  // only if a frame source broke its promise
    return result;
  }

  HeapResult Realloc(VirtAddr block, std::uint32_t bytes) override {
    if (block.is_null()) return Malloc(bytes);
    if (const Outcome misuse = Misuse(block); misuse != Outcome::kOk) return {misuse, VirtAddr{}};
    const VirtAddr chunk = block - kWordBytes;
    const std::uint32_t old_size = tag::Size(heap_.words().Peek(chunk));
    const std::uint32_t copied = std::min(old_size - kWordBytes, bytes);
    const HeapResult result =
        Allocate(bytes, Use{.written_bytes = copied, .copied_from = block, .freed_footer = Footer(chunk, old_size)});
    if (result.outcome != Outcome::kOk) return result;
    costs_.copied_bytes += copied;
    if (!space_.Copy(result.address, block, copied)) std::abort();  // only if a frame source broke its promise
    heap_.Release(chunk, heap_.words().Begin().Load(chunk));
    return result;
  }

  HeapResult Free(VirtAddr block) override {
    if (block.is_null()) return {};
    if (const Outcome misuse = Misuse(block); misuse != Outcome::kOk) return {misuse, VirtAddr{}};
    const VirtAddr chunk = block - kWordBytes;
    const VirtAddr footer = Footer(chunk, tag::Size(heap_.words().Peek(chunk)));
    if (!Present(footer) && !space_.CanBringPages(space_.AbsentPages(footer, footer))) {
      return {Outcome::kOutOfMemory, VirtAddr{}};
    }
    heap_.Release(chunk, heap_.words().Begin().Load(chunk));
    return {};
  }

  void Prefetch(VirtAddr block) const override {
    if constexpr (Index::kSearches) {
      const VirtAddr header = block - kWordBytes;
      if (header < heap_.start() || header >= brk_) return;
      heap_.index().Prefetch(header);
      if (const std::uint32_t* page = space_.CachedPage(header.page()); page != nullptr) {
        const std::uint32_t* word = page + header.offset() / kWordBytes;
        __builtin_prefetch(word - 16, 1), __builtin_prefetch(word, 1), __builtin_prefetch(word + 16, 1);
      }
    }
  }

  HeapShape Shape() const override {
    if constexpr (Index::kSearches) {
      return heap_.index().Shape(brk_, heap_.limit());
    } else {
      return Chain().Shape(heap_.limit());
    }
  }

  void VisitChunks(VirtAddr from, const std::function<bool(const Chunk&)>& visit) const override {
    VirtAddr first = heap_.start();
    if constexpr (Index::kSearches) {
      if (from >= brk_) return;
      if (from > first) first = heap_.index().LastStart(from);
    }
    ChunkChain(space_, first, brk_).Walk([&](const Chunk& chunk) { return chunk.header < from || visit(chunk); });
  }

  std::optional<std::uint32_t> Epilogue() const override { return space_.Peek(brk_); }

  std::vector<Violation> CheckInvariants() const override {
    std::vector<Violation> found = Chain().Check();
    if constexpr (Index::kSearches) {
      if (found.empty()) found = heap_.index().Check(brk_, heap_.limit());
    }
    return found;
  }

  std::uint64_t host_bytes() const override {
    if constexpr (Index::kSearches) {
      return sizeof(*this) + heap_.index().host_bytes();
    } else {
      return sizeof(*this);
    }
  }

 private:
  // Larger requests wrap when header and epilogue are added.
  static constexpr std::uint32_t kRequestMax = ~0u - (2 * kWordBytes + kWordBytes - 1);

  // What the caller will do to memory once it has its block.
  struct Use {
    std::uint32_t written_bytes = 0;       // from the payload's start
    std::optional<VirtAddr> copied_from;   // where those bytes come from
    std::optional<VirtAddr> freed_footer;  // the word that a free writes which may be absent

    bool nothing() const { return written_bytes == 0 && !freed_footer; }
  };

  static VirtAddr Footer(VirtAddr chunk, std::uint32_t size) { return chunk + size - kWordBytes; }
  ChunkChain Chain() const { return ChunkChain(space_, heap_.start(), brk_); }
  bool Present(VirtAddr word) const { return space_.CachedPage(word.page()) != nullptr; }

  HeapResult Allocate(std::uint32_t bytes, const Use& use) {
    if (bytes == 0) return {Outcome::kZeroSize, VirtAddr{}};
    if (bytes > kRequestMax) return {Outcome::kSizeOverflow, VirtAddr{}};
    const std::uint32_t size = tag::RoundUpToWord(bytes + kWordBytes);
    VirtAddr chunk = heap_.Search(size);
    if (chunk.is_null()) {
      if (const Outcome refusal = RefuseGrowth(size, use); refusal != Outcome::kOk) return {refusal, VirtAddr{}};
      chunk = heap_.Grow(size);
    } else if (!(use.nothing() && Present(chunk + size))) {
      Footprint touched;
      AddPlacement(touched, chunk, size, use);
      if (!space_.CanBringPages(touched.AbsentPages(space_))) return {Outcome::kOutOfMemory, VirtAddr{}};
    }
    heap_.Place(chunk, size);
    return {Outcome::kOk, chunk + kWordBytes};
  }

  // Of the words that placing and using a block write, those that may be absent: headers and footers of chunks never are.
  static void AddPlacement(Footprint& touched, VirtAddr chunk, std::uint32_t size, const Use& use) {
    touched.AddWord(chunk + size);
    touched.Add(chunk + kWordBytes, use.written_bytes);
    if (use.copied_from) touched.Add(*use.copied_from, use.written_bytes);
    if (use.freed_footer) touched.AddWord(*use.freed_footer);
  }

  // kOk if the break can move up by `size` and the block at the end be used.
  Outcome RefuseGrowth(std::uint32_t size, const Use& use) const {
    const VirtAddr next = brk_ + size + kWordBytes;
    Outcome refusal = Outcome::kOk;
    if (next >= heap_.limit() || next < brk_) {
      refusal = Outcome::kHeapLimit;
    } else {
      const bool last_free = tag::PreviousFree(heap_.words().Peek(brk_));
      const VirtAddr chunk = last_free ? brk_ - tag::Size(heap_.words().Peek(brk_ - kWordBytes)) : brk_;
      Footprint touched;
      touched.AddWord(brk_ + size - kWordBytes);  // footer
      touched.AddWord(brk_ + size);               // epilogue
      AddPlacement(touched, chunk, size, use);
      if (!space_.CanBringPages(touched.AbsentPages(space_))) refusal = Outcome::kOutOfMemory;
    }
    return refusal != Outcome::kOk && FreeBytes() >= size ? Outcome::kFragmented : refusal;
  }

  std::uint64_t FreeBytes() const {
    if constexpr (Index::kSearches) {
      return heap_.index().free_bytes();
    } else {
      return Shape().free_bytes;
    }
  }

  // What is wrong with freeing this address, or kOk. A pointer into a free chunk is a double free, wherever in it.
  Outcome Misuse(VirtAddr block) const {
    const VirtAddr header = block - kWordBytes;
    if (header < heap_.start() || header >= brk_) return Outcome::kForeignPointer;
    if (block.raw() % kWordBytes != 0) return Outcome::kMisalignedPointer;
    if constexpr (Index::kSearches) {
      if (heap_.index().IsLive(header) && header != heap_.start()) [[likely]]
        return Outcome::kOk;
    }
    const Chunk holder = Holder(header);
    if (!holder.allocated) return Outcome::kDoubleFree;
    return holder.header == header && header != heap_.start() ? Outcome::kOk : Outcome::kInteriorPointer;
  }

  // The chunk that `address` lies in. REQUIRES: start <= address < brk.
  Chunk Holder(VirtAddr address) const {
    VirtAddr holder = heap_.start();
    if constexpr (Index::kSearches) {
      holder = heap_.index().LastStart(address);
    } else {
      Chain().Walk([&](const Chunk& chunk) {
        holder = chunk.header;
        return address - chunk.header >= chunk.bytes;
      });
    }
    return *Chain().At(holder);
  }

  AddressSpace& space_;
  FirstFit<MappedWords, Index> heap_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_GUARDED_HEAP_H_

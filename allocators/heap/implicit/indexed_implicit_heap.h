// The implicit heap through an index, guarded by nature: the index knows which chunks live, and each operation first finds out
// which absent pages it will touch and whether the machine has frames for them, so that it never has to undo anything. Its
// answers, costs and words in RAM are those of the guarded original.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_INDEXED_IMPLICIT_HEAP_H_
#define ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_INDEXED_IMPLICIT_HEAP_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "allocators/heap/implicit/chunk_index.h"
#include "allocators/heap/implicit/footprint.h"
#include "allocators/heap/implicit/implicit_heap.h"

namespace alloclab {

class IndexedImplicitHeap final : public ChunkHeap<ChunkIndex, ImplicitHeapState> {
 public:
  IndexedImplicitHeap(AddressSpace& space, const ImplicitHeapOptions& options) : ChunkHeap(space, options) {}

  HeapResult Malloc(std::uint32_t bytes) override { return Allocate(bytes, Use{}); }
  HeapResult Calloc(std::uint32_t count, std::uint32_t bytes) override;
  HeapResult Realloc(VirtAddr block, std::uint32_t bytes) override;
  HeapResult Free(VirtAddr block) override;

  const Declaration& declaration() const override { return kImplicitHeapDeclaration; }
  HeapShape Shape() const override { return heap_.index().Shape(brk(), limit()); }
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const override;
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt) const override;
  void Prefetch(VirtAddr block) const override;
  std::uint64_t host_bytes() const override { return sizeof(*this) + heap_.index().host_bytes(); }

 private:
  // What the caller will do to memory once it has its block.
  struct Use {
    std::uint32_t written_bytes = 0;       // from the payload's start
    std::optional<VirtAddr> copied_from;   // where those bytes come from
    std::optional<VirtAddr> freed_footer;  // the word that a free writes which may be absent

    bool nothing() const { return written_bytes == 0 && !freed_footer; }
  };

  static VirtAddr Footer(VirtAddr chunk, std::uint32_t size) { return chunk + size - kWordBytes; }
  bool Present(VirtAddr word) const { return space_.CachedPage(word.page()) != nullptr; }
  // A word of metadata: its page is present, though not always known to be.
  std::uint32_t Peek(VirtAddr word) const {
    const std::uint32_t* page = space_.CachedPage(word.page());
    return page != nullptr ? page[word.offset() / kWordBytes] : space_.Peek(word).value_or(0);
  }
  std::uint32_t LoadHeader(VirtAddr chunk) { return WholeWordView(space_, costs_).Load(chunk); }

  HeapResult Allocate(std::uint32_t bytes, const Use& use);
  // Of the words that placing and using a block write, those that may be absent: headers and footers of chunks never are.
  static void AddPlacement(Footprint& touched, VirtAddr chunk, std::uint32_t size, const Use& use);
  // kOk if the break can move up by `size` and the block at the end be used.
  Outcome RefuseGrowth(std::uint32_t size, const Use& use) const;
  // What is wrong with freeing this address, or kOk. As HeapGuard says it.
  Outcome Misuse(VirtAddr block) const;
  void RestoreOwn(const AllocatorState& saved) override;
};

inline void IndexedImplicitHeap::AddPlacement(Footprint& touched, VirtAddr chunk, std::uint32_t size, const Use& use) {
  touched.AddWord(chunk + size);
  touched.Add(chunk + kWordBytes, use.written_bytes);
  if (use.copied_from) touched.Add(*use.copied_from, use.written_bytes);
  if (use.freed_footer) touched.AddWord(*use.freed_footer);
}

inline HeapResult IndexedImplicitHeap::Allocate(std::uint32_t bytes, const Use& use) {
  if (bytes == 0) return {Outcome::kZeroSize, VirtAddr{}};
  if (bytes > declaration().request_max) return {Outcome::kSizeOverflow, VirtAddr{}};
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

inline Outcome IndexedImplicitHeap::RefuseGrowth(std::uint32_t size, const Use& use) const {
  const VirtAddr next = brk() + size + kWordBytes;
  Outcome refusal = Outcome::kOk;
  if (next >= limit() || next < brk()) {
    refusal = Outcome::kHeapLimit;
  } else {
    const VirtAddr chunk = tag::PreviousFree(Peek(brk())) ? brk() - tag::Size(Peek(brk() - kWordBytes)) : brk();
    Footprint touched;
    touched.AddWord(brk() + size - kWordBytes);  // footer
    touched.AddWord(brk() + size);               // epilogue
    AddPlacement(touched, chunk, size, use);
    if (!space_.CanBringPages(touched.AbsentPages(space_))) refusal = Outcome::kOutOfMemory;
  }
  return refusal != Outcome::kOk && heap_.index().free_bytes() >= size ? Outcome::kFragmented : refusal;
}

inline Outcome IndexedImplicitHeap::Misuse(VirtAddr block) const {
  if (block < start() || block >= brk()) return Outcome::kForeignPointer;
  if (block.raw() % kWordBytes != 0) return Outcome::kMisalignedPointer;
  const VirtAddr header = block - kWordBytes;
  if (header > start() && heap_.index().IsLive(header)) [[likely]]
    return Outcome::kOk;
  return heap_.index().IsLive(heap_.index().LastStart(block)) ? Outcome::kInteriorPointer : Outcome::kDoubleFree;
}

inline HeapResult IndexedImplicitHeap::Calloc(std::uint32_t count, std::uint32_t bytes) {
  const std::uint64_t product = std::uint64_t{count} * bytes;
  if (product > declaration().request_max) return {Outcome::kSizeOverflow, VirtAddr{}};
  const auto payload = static_cast<std::uint32_t>(product);
  const HeapResult result = Allocate(payload, Use{.written_bytes = payload, .copied_from = {}, .freed_footer = {}});
  if (result.outcome != Outcome::kOk) return result;
  Zero(result.address, payload);
  return result;
}

inline HeapResult IndexedImplicitHeap::Realloc(VirtAddr block, std::uint32_t bytes) {
  if (block.is_null()) return Malloc(bytes);
  if (const Outcome misuse = Misuse(block); misuse != Outcome::kOk) return {misuse, VirtAddr{}};
  const VirtAddr chunk = block - kWordBytes;
  const std::uint32_t old_size = tag::Size(Peek(chunk));
  const std::uint32_t copied = std::min(old_size - kWordBytes, bytes);
  const HeapResult result =
      Allocate(bytes, Use{.written_bytes = copied, .copied_from = block, .freed_footer = Footer(chunk, old_size)});
  if (result.outcome != Outcome::kOk) return result;
  CopyPayload(result.address, block, copied);
  heap_.Release(chunk, LoadHeader(chunk));
  return result;
}

inline HeapResult IndexedImplicitHeap::Free(VirtAddr block) {
  if (block.is_null()) return {};
  if (const Outcome misuse = Misuse(block); misuse != Outcome::kOk) return {misuse, VirtAddr{}};
  const VirtAddr chunk = block - kWordBytes;
  const VirtAddr footer = Footer(chunk, tag::Size(Peek(chunk)));
  if (!Present(footer) && !space_.CanBringPages(space_.AbsentPages(footer, footer))) {
    return {Outcome::kOutOfMemory, VirtAddr{}};
  }
  heap_.Release(chunk, LoadHeader(chunk));
  return {};
}

inline void IndexedImplicitHeap::Prefetch(VirtAddr block) const {
  const VirtAddr header = block - kWordBytes;
  if (header < start() || header >= brk()) return;
  heap_.index().Prefetch(header);
  if (const std::uint32_t* page = space_.CachedPage(header.page()); page != nullptr) {
    const std::uint32_t* word = page + header.offset() / kWordBytes;
    __builtin_prefetch(word - 16, 1), __builtin_prefetch(word, 1), __builtin_prefetch(word + 16, 1);
  }
}

inline std::optional<BrokenWalk> IndexedImplicitHeap::VisitBlocks(BlockCursor from, const BlockVisitor& visit) const {
  const VirtAddr wanted(from.address);
  if (wanted >= brk()) return std::nullopt;
  return Chain().VisitBlocks(from, visit, wanted > start() ? heap_.index().LastStart(wanted) : start());
}

inline std::vector<Violation> IndexedImplicitHeap::CheckInvariants(const Interrupt& interrupt) const {
  std::vector<Violation> found = Chain().Check(interrupt);
  if (found.empty()) found = heap_.index().Check(brk(), limit(), interrupt);
  return found;
}

inline void IndexedImplicitHeap::RestoreOwn(const AllocatorState& saved) {
  ChunkHeap::RestoreOwn(saved);
  heap_.RebuildIndex();
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_INDEXED_IMPLICIT_HEAP_H_

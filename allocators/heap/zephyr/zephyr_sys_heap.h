// The heap of the Zephyr kernel (lib/os/heap.c of 2.5, 2021): since 2020 what is behind k_malloc and k_heap on boards with some
// KiB to some MiB of RAM. Good: no operation walks, so all take the same short time; all of its variables lie in the memory
// that it is given, so a program has as many heaps as it likes; a free merges at once with both neighbours. Bad: 8 bytes in
// front of each block; of the chunks that may fit it tries three, and cuts a larger one when none does; a rest of one unit is
// in no list and is of no use until a neighbour is freed.
//
//   | left size | len avail entry[0]..entry[n-1] | left size | ...payload... | left size prev next ...free... | ... | left 0 |
//   ^chunk 0: the heap's variables               ^chunk                                                            ^end marker
//
// The unit is 8 bytes; a chunk is named by its distance from the start in units, 0 is no chunk.
//
//   left         units of the chunk in front, so that this one is found from behind
//   size         units of this chunk, header included, times 2; bit 0: in use
//   prev, next   of a free chunk of 2 units or more: its neighbours in the ring of its bucket
//   len          the end marker's name; avail: bit i says that bucket i has chunks; entry: where a search of the bucket begins
//
// Bucket i has the free chunks of 2^i + 1 to 2^(i+1) units. Request: header added, rounded up to units. Its own bucket first:
// the entry's chunk if it is large enough, else the entry moves on for good, three times at most. Then the entry's chunk of the
// next bucket that has any. Units that remain are a free chunk behind the block. A free chunk is the last of its ring.
//
// A request that is refused has moved an entry, perhaps; guarded, it is moved back.
//
// A heap of up to 32,767 units has 4-byte headers in the original. This one has 8-byte headers only, so it is never that small.
//
// Metadata, for the digest: chunk 0 word by word up to the last entry; then each chunk in address order, the end marker too:
// left, size, and of a free chunk of 2 units or more prev and next.
//
// Costs: search_steps are the chunks of a request's own bucket that are tried. Each use of a word counts, those of chunk 0 too.
//
// Invariants:
//   Z1 the chunks tile the heap up to the end marker, and each knows the size of the one in front
//   Z2 no two neighbours are free
//   Z3 the rings have the free chunks of 2 units or more, each in its bucket's
//   Z4 the bits of avail are those of the buckets that have an entry
#ifndef ALLOCLAB_ALLOCATORS_HEAP_ZEPHYR_ZEPHYR_SYS_HEAP_H_
#define ALLOCLAB_ALLOCATORS_HEAP_ZEPHYR_ZEPHYR_SYS_HEAP_H_

#include <bit>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "allocators/common/declaration.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/heap/heap_allocator_info.h"
#include "allocators/heap/merges.h"
#include "allocators/machine/word_view.h"

namespace alloclab {

inline constexpr CounterInfo kZephyrCounters[] = {
    {"probe_hits", "placements in the request's own bucket, within three tries"},
    {"higher_bucket", "placements in a larger bucket, whose chunks all fit"},
    kSplits,
    kMergesNone,
    kMergesBelow,
    kMergesAbove,
    kMergesBoth,
};

class ZephyrSysHeap final : public HeapAllocator {
 public:
  static constexpr std::uint32_t kArenaBytesMin = 0x8000 * 8 + 8;  // less has 4-byte headers in the original

  // The page tables of the arena exist, and there are frames for two pages. REQUIRES: arena_bytes >= kArenaBytesMin.
  ZephyrSysHeap(AddressSpace& space, std::uint32_t arena_bytes, bool guarded);

  HeapResult Malloc(std::uint32_t bytes) override;
  HeapResult Free(VirtAddr block) override;

  const Declaration& declaration() const override;
  std::uint32_t PayloadBytes(VirtAddr block) override;
  std::uint32_t BlockBytes(std::uint32_t bytes) const override;
  std::span<const std::uint64_t> own_counters() const override { return counters_.values(); }
  std::vector<std::uint64_t> FigureValues() const override;
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const override;
  void VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt) const override;
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt) const override;
  std::uint64_t host_bytes() const override { return sizeof(*this); }

 private:
  using Chunk = std::uint32_t;  // by name; 0: none

  static constexpr std::uint32_t kUnit = 8, kHeader = 8;
  static constexpr std::uint32_t kUsed = 1;  // bit of the word `size`
  // In a chunk.
  static constexpr std::uint32_t kLeftOffset = 0, kSizeOffset = 4, kPrevOffset = 8, kNextOffset = 12;
  // In chunk 0.
  static constexpr std::uint32_t kLenOffset = 8, kAvailOffset = 12, kEntriesOffset = 16;

  static constexpr std::uint32_t UnitsFor(std::uint32_t bytes) { return (kHeader + bytes + (kUnit - 1)) / kUnit; }
  static constexpr std::uint32_t LenOf(std::uint32_t arena_bytes) { return (arena_bytes - kHeader) / kUnit; }
  // Of a chunk of 2 units or more.
  static constexpr std::uint32_t BucketOf(std::uint32_t units) {
    return 31u - static_cast<std::uint32_t>(std::countl_zero(units - 1));
  }

  struct Found {
    Chunk chunk = 0;  // 0: none is large enough
    std::uint32_t bucket = 0;
    bool is_larger = false;   // the bucket is not the request's own
    Chunk first = 0;          // the entry of the request's own as it was
    std::uint32_t moves = 0;  // how often that entry was moved
  };

  VirtAddr At(Chunk chunk) const;
  VirtAddr Entry(std::uint32_t bucket) const;
  std::uint32_t Size(WordView& words, Chunk chunk) const;
  void SetSize(WordView& words, Chunk chunk, std::uint32_t units);  // free, too
  bool IsUsed(WordView& words, Chunk chunk) const;
  void SetUsed(WordView& words, Chunk chunk, bool used);
  void SetLeft(WordView& words, Chunk chunk, std::uint32_t units);
  Chunk Right(WordView& words, Chunk chunk) const;

  void Init(WordView& words);
  Found Search(std::uint32_t bytes, std::uint32_t units);
  void SearchBucket(WordView& words, std::uint32_t units, Found& found);
  VirtAddr Take(const Found& found, std::uint32_t units);
  void Split(WordView& words, Chunk chunk, Chunk rest);
  void Merge(WordView& words, Chunk chunk, Chunk right);
  void Add(WordView& words, Chunk chunk);
  void Remove(WordView& words, Chunk chunk);
  void RemoveFrom(WordView& words, Chunk chunk, std::uint32_t bucket);

  // Adds what is wrong with the rings, and returns the chunks in them, ascending.
  std::vector<Chunk> CheckRings(std::vector<Violation>& found) const;
  // Looks at a word without touching; 0 where none is.
  std::uint32_t Peek(VirtAddr address) const { return space_.Peek(address).value_or(0); }

  std::unique_ptr<const AllocatorState> SaveOwn() const override { return SaveState(counters_); }
  void RestoreOwn(const AllocatorState& saved) override { RestoreState(saved, counters_); }
  void ResetOwnCounters() override { counters_.Reset(); }

  const bool guarded_;
  const Chunk end_;              // the end marker
  const std::uint32_t buckets_;  // how many
  Counters<kZephyrCounters> counters_;
};

HeapAllocatorInfo ZephyrSysHeapInfo();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_ZEPHYR_ZEPHYR_SYS_HEAP_H_

#include "allocators/testing/look.h"

#include <array>
#include <string_view>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_format.h"
#include "allocators/common/check.h"

namespace alloclab {
namespace {

class WordDigest {
 public:
  void Add(std::uint64_t word) {
    value_ = (value_ ^ word) * 0x9E3779B97F4A7C15;
    value_ ^= value_ >> 29;
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0x2545F4914F6CDD1D;
};

template <class Allocator>
std::uint64_t MetadataOf(const Allocator& allocator) {
  WordDigest digest;
  allocator.VisitMetadata([&digest](std::uint32_t word) { digest.Add(word); });
  return digest.value();
}

void LookAtRam(PhysicalMemory& memory, Look& look) {
  if (memory.frame_count() > kDigestedFrames) return;
  WordDigest ram, pinned;
  std::array<std::uint8_t, kPageBytes> bytes;
  for (std::uint32_t number = 0; number < memory.frame_count(); ++number) {
    const PageFrame frame{number};
    ALLOCLAB_CHECK(memory.Read(frame.base(), bytes));
    ram.Add(absl::HashOf(bytes));
    pinned.Add(memory.AnyPinned(frame, 1));
  }
  look.ram = ram.value();
  look.pinned = pinned.value();
}

// Comparisons in turn; the first that differs is kept.
class Differences {
 public:
  void Check(std::string_view what, std::uint64_t before, std::uint64_t after) {
    if (before != after && found_.empty()) found_ = absl::StrFormat("%s: %d, then %d", what, before, after);
  }
  void CheckHex(std::string_view what, std::uint64_t before, std::uint64_t after) {
    if (before != after && found_.empty()) found_ = absl::StrFormat("%s: %#x, then %#x", what, before, after);
  }
  template <class Value>  // Count or Figure
  void CheckNamed(std::string_view kind, std::string_view whose, const std::vector<Value>& before,
                  const std::vector<Value>& after, Compared compared) {
    Check(absl::StrFormat("number of %ss of %s", kind, whose), before.size(), after.size());
    for (std::size_t i = 0; i < before.size() && found_.empty(); ++i) {
      const std::string_view name = before[i].info->name;
      const bool of_search = name == "search_steps" || name == "search_pages" || name == "words_loaded";
      if (of_search && compared == Compared::kAllButSearches) continue;
      Check(absl::StrFormat("%s %s of %s", kind, name, whose), before[i].value, after[i].value);
    }
  }
  std::string Take() { return std::move(found_); }

 private:
  std::string found_;
};

void CompareHeaps(const Look& before, const Look& after, Compared compared, Differences& differences) {
  differences.CheckHex("start of the heap", before.heap.start.raw(), after.heap.start.raw());
  differences.CheckHex("the break", before.heap.brk.raw(), after.heap.brk.raw());
  differences.CheckHex("limit of the heap", before.heap.limit.raw(), after.heap.limit.raw());
  differences.Check("blocks of the heap", before.heap.blocks, after.heap.blocks);
  differences.Check("live blocks of the heap", before.heap.live_blocks, after.heap.live_blocks);
  differences.Check("bytes of live blocks", before.heap.live_block_bytes, after.heap.live_block_bytes);
  differences.Check("free blocks of the heap", before.heap.free_blocks, after.heap.free_blocks);
  differences.Check("free bytes of the heap", before.heap.free_bytes, after.heap.free_bytes);
  differences.Check("largest free block", before.heap.largest_free_bytes, after.heap.largest_free_bytes);
  differences.Check("the heap's free blocks by size (1: as before)", 1, before.heap == after.heap);
  differences.CheckHex("digest of the heap's metadata", before.heap_metadata, after.heap_metadata);
  differences.CheckNamed("counter", "the heap", before.heap_counts, after.heap_counts, compared);
  differences.CheckNamed("figure", "the heap", before.heap_figures, after.heap_figures, compared);
  differences.CheckNamed("counter", "the address space", CountsOf(before.vm), CountsOf(after.vm), compared);
  differences.CheckNamed("figure", "the address space", FiguresOf(before.vm), FiguresOf(after.vm), compared);
}

void ComparePages(const Look& before, const Look& after, Compared compared, Differences& differences) {
  differences.CheckHex("start of the arena", before.pages.arena.first.raw(), after.pages.arena.first.raw());
  differences.Check("bytes of the arena", before.pages.arena.bytes, after.pages.arena.bytes);
  differences.Check("free bytes of pages", before.pages.free_bytes, after.pages.free_bytes);
  differences.Check("free blocks of pages", before.pages.free_blocks, after.pages.free_blocks);
  differences.Check("largest free block of pages", before.pages.largest_free_bytes, after.pages.largest_free_bytes);
  differences.CheckHex("digest of the pages' metadata", before.page_metadata, after.page_metadata);
  differences.CheckNamed("counter", "the pages", before.page_counts, after.page_counts, compared);
  differences.CheckNamed("figure", "the pages", before.page_figures, after.page_figures, compared);
}

std::string FindDecrease(std::string_view whose, const std::vector<Count>& before, const std::vector<Count>& after) {
  for (std::size_t i = 0; i < before.size() && i < after.size(); ++i) {
    if (after[i].value < before[i].value) {
      return absl::StrFormat("counter %s of %s: %d, then only %d", after[i].info->name, whose, before[i].value, after[i].value);
    }
  }
  return {};
}

}  // namespace

Look LookAt(const Instance& instance) {
  const PageAllocator& pages = instance.pages();
  Look look;
  look.pages = pages.Shape();
  look.page_counts = pages.Counts();
  look.page_figures = pages.Figures();
  look.page_metadata = MetadataOf(pages);
  if (const HeapAllocator* heap = instance.heap(); heap != nullptr) {
    look.heap = heap->Shape();
    look.heap_counts = heap->Counts();
    look.heap_figures = heap->Figures();
    look.heap_metadata = MetadataOf(*heap);
    look.vm = instance.space()->costs();
  }
  LookAtRam(instance.memory(), look);
  return look;
}

std::string FindDifference(const Look& before, const Look& after, Compared compared) {
  Differences differences;
  CompareHeaps(before, after, compared, differences);
  ComparePages(before, after, compared, differences);
  differences.CheckHex("digest of the pinned frames", before.pinned, after.pinned);
  differences.CheckHex("digest of RAM", before.ram, after.ram);
  return differences.Take();
}

std::string FindDecrease(const Look& before, const Look& after) {
  std::string found = FindDecrease("the heap", before.heap_counts, after.heap_counts);
  return found.empty() ? FindDecrease("the pages", before.page_counts, after.page_counts) : found;
}

}  // namespace alloclab

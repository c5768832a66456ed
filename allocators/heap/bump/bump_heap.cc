#include "allocators/heap/bump/bump_heap.h"

#include "absl/strings/str_format.h"
#include "allocators/heap/heap_guard.h"
#include "allocators/heap/heap_range.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kAlignment = 8;

constexpr Declaration kDeclaration{
    .counters = kBumpCounters,
    .alignment = kAlignment,
    .request_max = 0xFFFFFFF8,  // above, rounding up wraps
    .shows_blocks = false,
};

}  // namespace

BumpHeap::BumpHeap(AddressSpace& space, std::uint32_t limit_bytes)
    : HeapAllocator(space, ProgramBreak(space, kHeapStart, kHeapStart + limit_bytes)) {}

const Declaration& BumpHeap::declaration() const { return kDeclaration; }

std::uint32_t BumpHeap::PayloadBytes(VirtAddr block) { return brk() - block; }

std::uint32_t BumpHeap::BlockBytes(std::uint32_t bytes) const { return (bytes + (kAlignment - 1)) & ~(kAlignment - 1); }

HeapResult BumpHeap::Malloc(std::uint32_t bytes) {
  if (bytes == 0) return {Outcome::kZeroSize, VirtAddr{}};
  const VirtAddr block = break_.Sbrk(static_cast<std::int32_t>(BlockBytes(bytes)));
  if (block == ProgramBreak::kFailed) return {Outcome::kOutOfMemory, VirtAddr{}};
  return {Outcome::kOk, block};
}

HeapResult BumpHeap::Realloc(VirtAddr block, std::uint32_t bytes) {
  const HeapResult result = Malloc(bytes);
  if (block.is_null() || result.outcome != Outcome::kOk) return result;
  CopyPayload(result.address, block, bytes);
  Free(block);
  return result;
}

HeapResult BumpHeap::Free(VirtAddr block) {
  if (!block.is_null()) ++counters_.Of<"ignored_frees">();
  return {};
}

std::vector<Violation> BumpHeap::CheckInvariants(const Interrupt& /*interrupt*/) const {
  if (brk().raw() % kAlignment == 0) return {};
  return {{"B1", brk().raw(), absl::StrFormat("the break is %#010x; expected a multiple of %d", brk().raw(), kAlignment)}};
}

HeapAllocatorInfo BumpHeapInfo() {
  return {.name = "bump",
          .title = "Bump",
          .description =
              "Each request moves the break up; frees are ignored. The baseline: no costs, and memory for every request.",
          .source = "Wilson, Johnstone, Neely and Boles, Dynamic Storage Allocation, IWMM 1995; glibc, elf/dl-minimal-malloc.c",
          .declaration = &kDeclaration,
          .parameters = {LimitParameter()},
          .make = MakeGrowingHeap<BumpHeap>};
}

}  // namespace alloclab

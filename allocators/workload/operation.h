// One operation of a workload, as every generator, trace reader and batch gives it.
//
// A block is named by a handle, which behaves like a pointer variable of the simulated program: it is null at first, an
// allocation assigns it, a free leaves it dangling (so a second free is a double free), a second allocation overwrites it (and
// leaks the first block). Heap blocks and page blocks have handles of their own.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_OPERATION_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_OPERATION_H_

#include <cstdint>
#include <string_view>

namespace alloclab {

// The numbers travel in batches: append, never renumber.
enum class OpKind : std::uint8_t {
  kMalloc = 0,         // block = malloc(size)
  kCalloc = 1,         // block = calloc(extra, size): extra elements of size bytes
  kRealloc = 2,        // block = realloc(extra, size): extra is the handle of the old block, or kNoBlock for null
  kFree = 3,           // free(block); kNoBlock is free(null)
  kAllocatePages = 4,  // block = kalloc(size)
  kFreePages = 5,      // kfree(block, its whole length); of a null block nothing happens
  kFreePagesPart = 6,  // kfree(block + extra, size); freeing from the start (extra 0) moves the block's start up, freeing to
                       // its end makes it shorter, freeing all of it or from its middle leaves it as it is
};
inline constexpr std::uint32_t kOpKinds = 7;

std::string_view OpKindName(OpKind kind);  // "malloc", "free_pages_part"
constexpr bool OnPages(OpKind kind) { return kind >= OpKind::kAllocatePages; }

inline constexpr std::uint32_t kNoBlock = 0xFFFFFFFF;

struct Operation {
  OpKind kind = OpKind::kMalloc;
  std::uint32_t block = 0;
  std::uint32_t size = 0;  // bytes
  std::uint32_t extra = 0;
  friend bool operator==(const Operation&, const Operation&) = default;
};

// What an operation asks for.
constexpr std::uint64_t RequestedBytes(const Operation& op) {
  if (op.kind == OpKind::kCalloc) return std::uint64_t{op.extra} * op.size;
  const bool asks = op.kind == OpKind::kMalloc || op.kind == OpKind::kRealloc || op.kind == OpKind::kAllocatePages;
  return asks ? op.size : 0;
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_OPERATION_H_

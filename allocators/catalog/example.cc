#include "allocators/catalog/example.h"

#include "allocators/catalog/catalog.h"
#include "allocators/catalog/instance.h"

namespace alloclab {
namespace {

constexpr std::uint64_t kRamBytes = 64 << 20;  // enough for every default

}  // namespace

std::vector<Block> ExampleBlocks(const HeapAllocatorInfo& heap) {
  if (!heap.make || !heap.declaration->shows_blocks) return {};
  const auto instance =
      Instance::Create({.ram_bytes = kRamBytes, .page_allocator = "", .heap_allocator = heap.name, .parameters = {}},
                       PageAllocators().front(), heap);
  if (!instance.ok()) return {};
  HeapGuard& guard = *(*instance)->heap_guard();
  guard.Malloc(24);
  const VirtAddr second = guard.Malloc(100).address;
  guard.Malloc(8);
  const VirtAddr fourth = guard.Malloc(300).address;
  guard.Malloc(40);
  guard.Free(second);
  guard.Free(fourth);
  guard.Malloc(60);
  std::vector<Block> blocks;
  guard.allocator().VisitBlocks({}, [&blocks](const Block& block) {
    blocks.push_back(block);
    return blocks.size() < kExampleBlocksMax;
  });
  return blocks;
}

}  // namespace alloclab

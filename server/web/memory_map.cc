#include "server/web/memory_map.h"

#include <algorithm>
#include <bit>

namespace alloclab::server {
namespace {

// The smallest power of two, at least `least`, of which `cells` cover `span`.
std::uint64_t CellSize(std::uint64_t span, std::uint32_t cells, std::uint64_t least) {
  return std::max(least, std::bit_ceil((span + cells - 1) / cells));
}

// Adds the part of [first, first + length) that lies in each cell of `size` to that cell; ranges outside are ignored.
void AddRange(google::protobuf::RepeatedField<std::uint32_t>& cells, std::uint64_t base, std::uint64_t size,
              std::uint64_t first, std::uint64_t length) {
  const std::uint64_t limit = base + size * static_cast<std::uint64_t>(cells.size());
  const std::uint64_t end = std::min(first + length, limit);
  for (std::uint64_t at = std::max(first, base); at < end;) {
    const std::uint64_t index = (at - base) / size;
    const std::uint64_t stop = std::min(end, base + (index + 1) * size);
    cells[static_cast<int>(index)] += static_cast<std::uint32_t>(stop - at);
    at = stop;
  }
}

// Counts the frames of page tables and of present pages, by reading the tables in RAM.
void AddTables(Instance& instance, v1::FrameMap& map) {
  const PhysicalMemory& memory = instance.memory();
  const PhysAddr directory = instance.space()->page_directory();
  const auto add = [&](google::protobuf::RepeatedField<std::uint32_t>& cells, std::uint32_t entry) {
    AddRange(cells, 0, map.cell_frames(), entry >> kPageShift, 1);
  };
  add(*map.mutable_page_tables(), directory.raw());
  for (std::uint32_t i = 0; i < kPageWords; ++i) {
    const std::uint32_t pde = memory.LoadU32(directory + i * kWordBytes).value_or(0);
    if ((pde & pte::kPresent) == 0) continue;
    add(*map.mutable_page_tables(), pde);
    const PhysAddr table(pde & pte::kFrameMask);
    for (std::uint32_t j = 0; j < kPageWords; ++j) {
      const std::uint32_t entry = memory.LoadU32(table + j * kWordBytes).value_or(0);
      if ((entry & pte::kPresent) != 0) add(*map.mutable_heap(), entry);
    }
  }
}

}  // namespace

v1::FrameMap MapFrames(Instance& instance, std::uint32_t cells) {
  v1::FrameMap map;
  const std::uint32_t frames = instance.memory().frame_count();
  map.set_ram_bytes(instance.memory().size_bytes());
  map.set_cell_frames(CellSize(frames, cells, 1));
  const int count = static_cast<int>((frames + map.cell_frames() - 1) / map.cell_frames());
  for (auto* field : {map.mutable_free(), map.mutable_page_tables(), map.mutable_heap(), map.mutable_blocks()}) {
    field->Resize(count, 0);
  }
  instance.pages().VisitBlocks({}, [&](const Block& block) {
    if (block.kind == BlockKind::kFree) {
      AddRange(*map.mutable_free(), 0, map.cell_frames(), PhysAddr(block.address).page(), block.bytes >> kPageShift);
    }
    return true;
  });
  if (instance.space() != nullptr) AddTables(instance, map);
  const Arena& arena = instance.pages().arena();
  AddRange(*map.mutable_blocks(), 0, map.cell_frames(), arena.first.page(), arena.bytes >> kPageShift);
  for (int i = 0; i < count; ++i) {
    const std::uint32_t known = map.free(i) + map.page_tables(i) + map.heap(i);
    map.set_blocks(i, map.blocks(i) - std::min(map.blocks(i), known));
  }
  return map;
}

void MemoryMapper::Begin(Instance& instance) {
  begun_ = true;
  *map_.mutable_frames() = MapFrames(instance, request_.cells);
  if (instance.heap() == nullptr) return;
  const HeapShape shape = instance.heap()->Shape();
  v1::HeapMap& heap = *map_.mutable_heap();
  heap.set_start(shape.start.raw());
  heap.set_brk(shape.brk.raw());
  heap.set_limit(shape.limit.raw());
  const bool whole = request_.from == 0 && request_.to == 0;
  const std::uint64_t first = whole ? shape.start.raw() : std::max(request_.from, shape.start.raw());
  const std::uint64_t last = whole ? shape.brk.raw() : std::min(request_.to, shape.limit.raw());
  heap.set_cell_bytes(CellSize(last > first ? last - first : 1, request_.cells, kWordBytes));
  const std::uint64_t base = first & ~(heap.cell_bytes() - 1);
  heap.set_from(static_cast<std::uint32_t>(base));
  const std::uint64_t beyond = std::max<std::uint64_t>(shape.limit.raw(), first + 1);
  const std::uint64_t count =
      std::min<std::uint64_t>(request_.cells, (beyond - base + heap.cell_bytes() - 1) / heap.cell_bytes());
  heap.mutable_live_bytes()->Resize(static_cast<int>(count), 0);
  heap.mutable_free_bytes()->Resize(static_cast<int>(count), 0);
  end_ = base + count * heap.cell_bytes();
  next_ = base;
}

void MemoryMapper::Add(const Block& block) {
  v1::HeapMap& heap = *map_.mutable_heap();
  auto& cells = block.kind == BlockKind::kFree ? *heap.mutable_free_bytes() : *heap.mutable_live_bytes();
  // A block may have grown downwards over what an earlier look has counted.
  const std::uint64_t first = std::max<std::uint64_t>(block.address, next_);
  const std::uint64_t end = block.address + block.bytes;
  AddRange(cells, heap.from(), heap.cell_bytes(), first, end - first);
  heap.set_blocks(heap.blocks() + 1);
  next_ = end;
  heap.set_mapped_to(static_cast<std::uint32_t>(next_));
}

bool MemoryMapper::Look(Instance& instance) {
  if (begun_) map_.set_torn(true);
  if (!begun_) Begin(instance);
  if (instance.heap() == nullptr || next_ >= end_) return true;
  std::uint32_t seen = 0;
  bool more = false;
  const auto broken = instance.heap()->VisitBlocks({.address = static_cast<std::uint32_t>(next_)}, [&](const Block& block) {
    if (block.address >= end_) return false;
    more = seen++ == request_.blocks_per_look;
    if (!more) Add(block);
    return !more;
  });
  if (broken) {
    v1::BrokenWalk& proto = *map_.mutable_heap()->mutable_broken();
    proto.set_address(broken->address);
    proto.set_what(broken->what);
  }
  return !more;
}

}  // namespace alloclab::server

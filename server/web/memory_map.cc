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
  std::uint32_t runs = 0;  // a list broken in an unguarded instance may go in circles
  instance.pages().VisitRuns(PhysAddr(0), [&](const FreeRun& run) {
    AddRange(*map.mutable_free(), 0, map.cell_frames(), run.first.page(), run.bytes >> kPageShift);
    return ++runs < frames;
  });
  if (instance.space() != nullptr) AddTables(instance, map);
  const PageShape shape = instance.pages().Shape();
  AddRange(*map.mutable_blocks(), 0, map.cell_frames(), shape.arena_first.page(), shape.arena_bytes >> kPageShift);
  for (int i = 0; i < count; ++i) {
    const std::uint32_t known = map.free(i) + map.page_tables(i) + map.heap(i);
    map.set_blocks(i, map.blocks(i) - std::min(map.blocks(i), known));
  }
  return map;
}

std::optional<Chunk> ChunkAt(const HeapAllocator& heap, VirtAddr address) {
  const VirtAddr start = heap.Shape().start;
  std::optional<Chunk> found;
  // The walk must begin at or below the chunk's header, which may be far below the address if the chunk is large.
  for (std::uint64_t back = kPageBytes;; back *= 16) {
    const bool from_start = address <= start || back >= address - start;
    heap.VisitChunks(from_start ? start : address - static_cast<std::uint32_t>(back), [&](const Chunk& chunk) {
      if (chunk.header <= address || !found) found = chunk;
      return chunk.header < address;
    });
    const bool holds = found && found->header <= address && address - found->header < found->bytes;
    if (holds || from_start) break;
  }
  if (found && found->header < address && address - found->header >= found->bytes) return std::nullopt;  // beyond the break
  return found;
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
  heap.mutable_allocated_bytes()->Resize(static_cast<int>(count), 0);
  heap.mutable_free_bytes()->Resize(static_cast<int>(count), 0);
  end_ = base + count * heap.cell_bytes();
  next_ = base;
}

void MemoryMapper::Add(const Chunk& chunk) {
  v1::HeapMap& heap = *map_.mutable_heap();
  auto& cells = chunk.allocated ? *heap.mutable_allocated_bytes() : *heap.mutable_free_bytes();
  // A chunk may have grown downwards over what an earlier look has counted.
  const std::uint64_t first = std::max<std::uint64_t>(chunk.header.raw(), next_);
  const std::uint64_t end = std::uint64_t{chunk.header.raw()} + chunk.bytes;
  AddRange(cells, heap.from(), heap.cell_bytes(), first, end - first);
  heap.set_chunks(heap.chunks() + 1);
  next_ = end;
  heap.set_mapped_to(static_cast<std::uint32_t>(next_));
}

bool MemoryMapper::Look(Instance& instance) {
  if (begun_) map_.set_torn(true);
  if (!begun_) Begin(instance);
  if (instance.heap() == nullptr || next_ >= end_) return true;
  const std::optional<Chunk> first = ChunkAt(*instance.heap(), VirtAddr(static_cast<std::uint32_t>(next_)));
  if (!first) return true;
  std::uint32_t seen = 0;
  bool more = false;
  instance.heap()->VisitChunks(first->header, [&](const Chunk& chunk) {
    // A chain broken in an unguarded instance may stand still or go back.
    if (std::uint64_t{chunk.header.raw()} + chunk.bytes <= next_ || chunk.header.raw() >= end_) return false;
    if (seen == request_.chunks_per_look) {
      more = true;
      return false;
    }
    ++seen;
    Add(chunk);
    return true;
  });
  return !more;
}

}  // namespace alloclab::server

#include "server/web/memory_map.h"

#include <algorithm>
#include <bit>
#include <string>

#include "allocators/common/check.h"
#include "allocators/common/pow2_histogram.h"
#include "server/converters/inspect_converter.h"

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
  const auto broken = instance.pages().VisitBlocks({}, [&](const Block& block) {
    if (block.kind == BlockKind::kFree) {
      AddRange(*map.mutable_free(), 0, map.cell_frames(), PhysAddr(block.address).page(), block.bytes >> kPageShift);
    }
    return true;
  });
  if (broken) *map.mutable_broken() = ToProto(*broken);
  if (instance.space() != nullptr) AddTables(instance, map);
  const Arena& arena = instance.pages().arena();
  AddRange(*map.mutable_blocks(), 0, map.cell_frames(), arena.first.page(), arena.bytes >> kPageShift);
  for (int i = 0; i < count; ++i) {
    const std::uint32_t known = map.free(i) + map.page_tables(i) + map.heap(i);
    map.set_blocks(i, map.blocks(i) - std::min(map.blocks(i), known));
  }
  return map;
}

MemoryMapper::MemoryMapper(const MapRequest& request) : request_(request) {
  ALLOCLAB_CHECK_GE(request.cells, kMapCellsMin);
  ALLOCLAB_CHECK_LE(request.cells, kMapCellsMax);
  ALLOCLAB_CHECK_GT(request.blocks_per_look, 0U);
}

void MemoryMapper::PlaceCells(const HeapAllocator& heap) {
  v1::HeapMap& map = *map_.mutable_heap();
  map.set_start(heap.start().raw());
  map.set_brk(heap.brk().raw());
  map.set_limit(heap.limit().raw());
  const bool whole = request_.from == 0 && request_.to == 0;
  const std::uint64_t first = whole ? map.start() : std::max(request_.from, map.start());
  const std::uint64_t last = whole ? map.brk() : std::min(request_.to, map.limit());
  map.set_cell_bytes(CellSize(last > first ? last - first : 1, request_.cells, kWordBytes));
  const std::uint64_t base = first & ~(map.cell_bytes() - 1);
  map.set_from(static_cast<std::uint32_t>(base));
  const std::uint64_t beyond = std::max<std::uint64_t>(map.limit(), first + 1);
  const std::uint64_t count =
      std::min<std::uint64_t>(request_.cells, (beyond - base + map.cell_bytes() - 1) / map.cell_bytes());
  for (auto* field : {map.mutable_live_bytes(), map.mutable_free_bytes(), map.mutable_metadata_bytes()}) {
    field->Resize(static_cast<int>(count), 0);
  }
  end_ = base + count * map.cell_bytes();
  next_ = base;
  map.set_at(request_.at);
  if (request_.at >= base && request_.at < end_) {
    at_first_ = request_.at & ~(map.cell_bytes() - 1);
    at_end_ = at_first_ + map.cell_bytes();
  }
}

void MemoryMapper::Begin(Instance& instance) {
  instance_ = &instance;
  *map_.mutable_frames() = MapFrames(instance, request_.cells);
  if (instance.heap() == nullptr) return;
  for (const FieldInfo& field : instance.heap()->declaration().block_fields) {
    map_.mutable_heap()->add_field_names(std::string(field.name));
  }
  PlaceCells(*instance.heap());
}

void MemoryMapper::TellIfAsked(const Block& block, const Declaration& declaration) {
  v1::HeapMap& map = *map_.mutable_heap();
  if (block.address >= at_end_ || block.address + block.bytes <= at_first_) return;
  if (map.at_blocks_size() == kCellBlocksMax) {
    map.set_at_more(true);
  } else {
    *map.add_at_blocks() = ToProto(block, declaration);
  }
}

void MemoryMapper::Add(const Block& block, const Declaration& declaration) {
  v1::HeapMap& map = *map_.mutable_heap();
  auto& cells = block.kind == BlockKind::kFree   ? *map.mutable_free_bytes()
                : block.kind == BlockKind::kLive ? *map.mutable_live_bytes()
                                                 : *map.mutable_metadata_bytes();
  // A block may have grown downwards over what an earlier look has counted.
  const std::uint64_t first = std::max<std::uint64_t>(block.address, next_);
  const std::uint64_t end = block.address + block.bytes;
  if (end > first) AddRange(cells, map.from(), map.cell_bytes(), first, end - first);
  map.set_blocks(map.blocks() + 1);
  if (block.kind == BlockKind::kLive) {
    auto& by_size = *map.mutable_live_blocks_by_size();
    if (by_size.empty()) by_size.Resize(Pow2Histogram::kBuckets, 0);
    ++by_size[Pow2Histogram::BucketOf(block.bytes)];
  }
  next_ = std::max(next_, end);
  map.set_mapped_to(static_cast<std::uint32_t>(next_));
  TellIfAsked(block, declaration);
}

bool MemoryMapper::Look(Instance& instance) {
  if (instance_ == nullptr) Begin(instance);
  ALLOCLAB_CHECK(&instance == instance_);
  const HeapAllocator* const heap = instance.heap();
  if (heap == nullptr || next_ >= end_) return true;
  // Where the last look stopped the walk goes on, unless the machine was at work: then the block there must be found anew.
  const bool goes_on = map_.heap().blocks() > 0;
  const bool untouched = goes_on && instance.costs() == costs_;
  if (goes_on && !untouched) map_.set_torn(true);
  std::uint32_t seen = 0;
  bool more = false;
  const BlockCursor cursor{.address = static_cast<std::uint32_t>(next_), .exact = untouched};
  const auto broken = heap->VisitBlocks(cursor, [&](const Block& block) {
    if (block.address >= end_) return false;
    more = seen++ == request_.blocks_per_look;
    if (!more) Add(block, heap->declaration());
    return !more;
  });
  if (broken) *map_.mutable_heap()->mutable_broken() = ToProto(*broken);
  costs_ = instance.costs();
  return !more;
}

}  // namespace alloclab::server

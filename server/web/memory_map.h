// The memory of an instance as a picture: the heap by blocks and the RAM by frames, summed up in equal cells.
//
// A heap of millions of blocks is read in several looks, each short, so that whoever works on the instance never waits long:
//
//   MemoryMapper mapper(request);
//   while (!done) <with the instance to oneself> done = mapper.Look(instance);
//
// Between two looks operations may go on; then the map is torn there, and says so. Where the chain of blocks is broken the map
// says where and why; what lies behind is in no cell.
#ifndef ALLOCLAB_SERVER_WEB_MEMORY_MAP_H_
#define ALLOCLAB_SERVER_WEB_MEMORY_MAP_H_

#include <cstdint>
#include <optional>
#include <utility>

#include "allocators/catalog/instance.h"
#include "alloclab/v1/web.pb.h"

namespace alloclab::server {

inline constexpr std::uint32_t kMapCellsMin = 16, kMapCellsDefault = 2048, kMapCellsMax = 16384;
inline constexpr std::uint32_t kMapBlocksPerLook = 65536;  // about 1 ms
inline constexpr int kCellBlocksMax = 12;                  // as many as a reader takes in

struct MapRequest {
  std::uint32_t cells = kMapCellsDefault;
  std::uint32_t from = 0, to = 0;  // range of the heap; 0, 0: from its start to its break and somewhat beyond
  std::uint32_t at = 0;            // tells the blocks of the cell that holds this address; 0: of none
  std::uint32_t blocks_per_look = kMapBlocksPerLook;
};

class MemoryMapper {
 public:
  // REQUIRES: kMapCellsMin to kMapCellsMax cells, and a block per look.
  explicit MemoryMapper(const MapRequest& request);

  // Reads on, at most blocks_per_look blocks; the first look reads the frames too. True when the map is complete. REQUIRES:
  // the same instance every time.
  bool Look(Instance& instance);

  v1::MemoryMap Take() { return std::move(map_); }
  // Gives up before the map is complete: says so in it.
  void MarkPartial() { map_.set_partial(true); }

 private:
  void Begin(Instance& instance);
  void PlaceCells(const HeapAllocator& heap);
  void Add(const Block& block, const Declaration& declaration);
  void TellIfAsked(const Block& block, const Declaration& declaration);

  const MapRequest request_;
  v1::MemoryMap map_;
  const Instance* instance_ = nullptr;       // that the first look was at
  Costs costs_;                              // when the last look ended
  std::uint64_t next_ = 0;                   // first address not mapped yet; 64 bits: a heap may end at 4 GiB
  std::uint64_t end_ = 0;                    // of the cells
  std::uint64_t at_first_ = 0, at_end_ = 0;  // the cell that holds request_.at; empty: none does
};

// The frames of the whole machine.
v1::FrameMap MapFrames(Instance& instance, std::uint32_t cells);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_WEB_MEMORY_MAP_H_

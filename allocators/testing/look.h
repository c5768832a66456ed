// Everything that a machine shows of itself at one moment, to be compared: with the moment before, or with another machine that
// was used alike.
#ifndef ALLOCLAB_ALLOCATORS_TESTING_LOOK_H_
#define ALLOCLAB_ALLOCATORS_TESTING_LOOK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "allocators/catalog/instance.h"
#include "allocators/common/costs.h"
#include "allocators/common/declaration.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/pages/page_allocator.h"

namespace alloclab {

struct Look {
  // Of the heap; as they are made without one.
  HeapShape heap;
  std::vector<Count> heap_counts;
  std::vector<Figure> heap_figures;
  std::uint64_t heap_metadata = 0;  // a digest of VisitMetadata's words
  VmCosts vm;

  PageShape pages;
  std::vector<Count> page_counts;
  std::vector<Figure> page_figures;
  std::uint64_t page_metadata = 0;

  std::uint64_t ram = 0;     // a digest of all bytes, on machines of at most kDigestedFrames frames
  std::uint64_t pinned = 0;  // a digest of which frames are pinned, likewise
};

inline constexpr std::uint32_t kDigestedFrames = 512;

Look LookAt(const Instance& instance);

enum class Compared {
  kEverything,
  // All but what a search costs that finds nothing: search steps, search pages, words loaded.
  kAllButSearches,
};

// The first thing that is not the same, as "counter splits of the heap: 3, then 4"; empty when all is the same.
std::string FindDifference(const Look& before, const Look& after, Compared compared);
// The first counter that has become smaller, likewise.
std::string FindDecrease(const Look& before, const Look& after);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_TESTING_LOOK_H_

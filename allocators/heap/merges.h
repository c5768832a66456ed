// The counters of cutting, joining and ordering blocks that most heaps declare, in the words that they have in common.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_MERGES_H_
#define ALLOCLAB_ALLOCATORS_HEAP_MERGES_H_

#include <cstddef>
#include <string_view>

#include "allocators/common/declaration.h"

namespace alloclab {

inline constexpr CounterInfo kExactFits{"exact_fits", "placements that took a whole free block"};
inline constexpr CounterInfo kSplits{"splits", "placements that left a remainder"};
// A part of search_steps.
inline constexpr CounterInfo kPlaceSteps{"place_steps", "steps of walks that look for the place of a free block in a list"};

// Declared together, in this order.
inline constexpr std::string_view kMergesHelp = "blocks freed, split off or grown, by which neighbours they were merged with";
inline constexpr CounterInfo kMergesNone{"merges", kMergesHelp, "with", "none"};
inline constexpr CounterInfo kMergesBelow{"merges", kMergesHelp, "with", "below"};
inline constexpr CounterInfo kMergesAbove{"merges", kMergesHelp, "with", "above"};
inline constexpr CounterInfo kMergesBoth{"merges", kMergesHelp, "with", "both"};
// Which of them counts: ++counters.Of<"merges">(MergedWith(below, above)).
constexpr std::size_t MergedWith(bool below, bool above) { return (below ? 1u : 0u) + (above ? 2u : 0u); }

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_MERGES_H_

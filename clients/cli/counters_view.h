// The counters of an instance or of a run as sections of a document, and the ratios computed from them.
#ifndef ALLOCLAB_CLIENTS_CLI_COUNTERS_VIEW_H_
#define ALLOCLAB_CLIENTS_CLI_COUNTERS_VIEW_H_

#include <optional>
#include <vector>

#include "alloclab/v1/inspect.pb.h"
#include "clients/cli/declarations.h"
#include "clients/common/document.h"

namespace alloclab::client {

// Nothing where the ratio is not defined (no free byte, no live block, an empty heap), or is none from 0 to 1, as on an
// unguarded machine whose metadata is damaged.
struct MemoryRatios {
  std::optional<double> peak_utilisation;  // most payload asked for and live / most heap; the peaks may be at different times
  std::optional<double>
      internal_fragmentation;  // 1 - payload asked for / bytes of the live blocks, headers and padding included
  std::optional<double> external_fragmentation;  // 1 - largest free block / free bytes
};
MemoryRatios RatiosOf(const v1::Counters& counters, const v1::HeapShape& heap);

// Whether there is room for what the shape tells. If not, the chain of blocks that it was read from is broken.
bool IsPossible(const v1::HeapShape& heap);
bool IsPossible(const v1::PageShape& pages);

// What to show of a machine: `heap` is null without a heap, `pages` without a page allocator's shape.
struct CountersView {
  const v1::Counters& counters;
  const v1::HeapShape* heap;
  const v1::PageShape* pages;
  int width;  // of the terminal, for the histograms
  const FigureUnits& units;
  // The chain of blocks is known to be broken: what only a walk over it tells is unknown.
  bool heap_broken = false, pages_broken = false;
};
// Sections: outcomes; with a heap its memory, search and work; pages; with a heap virtual memory. What an allocator declares
// comes as it declares it.
std::vector<Section> CounterSections(const CountersView& view);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_COUNTERS_VIEW_H_

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

// What to show of a machine: `heap` is null without a heap, `pages` without a page allocator's shape.
struct CountersView {
  const v1::Counters& counters;
  const v1::HeapShape* heap;
  const v1::PageShape* pages;
  int width;  // of the terminal, for the histograms
  const FigureUnits& units;
};
// Sections: outcomes; with a heap its memory, search and work; pages; with a heap virtual memory. What an allocator declares
// comes as it declares it. What only a walk over a broken chain of blocks could tell is unknown.
std::vector<Section> CounterSections(const CountersView& view);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_COUNTERS_VIEW_H_

// Page runs answered from an index in host memory, guarded only: the same addresses, words in RAM and costs as the literal
// walk, without walking. RAM is written, never asked. See page_runs.h.
#ifndef ALLOCLAB_ALLOCATORS_PAGES_RUNS_INDEXED_PAGE_RUNS_H_
#define ALLOCLAB_ALLOCATORS_PAGES_RUNS_INDEXED_PAGE_RUNS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "allocators/pages/page_guard.h"
#include "allocators/pages/runs/run_index.h"
#include "allocators/pages/runs/run_list.h"

namespace alloclab {

class IndexedPageRuns final : public PageAllocator {
 public:
  // REQUIRES: the arena lies in RAM and is not empty.
  IndexedPageRuns(PhysicalMemory& memory, const Arena& arena);

  PageResult Allocate(std::uint32_t bytes) override;
  PageResult Free(PhysAddr first, std::uint32_t bytes) override;

  bool HoldsPages(std::uint32_t count) const override {
    return list_.free_bytes() >= std::int64_t{count} * std::int64_t{kPageBytes};
  }

  const Declaration& declaration() const override { return kPageRunsDeclaration; }
  std::span<const std::uint64_t> own_counters() const override { return list_.state().counters.values(); }
  std::vector<std::uint64_t> FigureValues() const override { return {list_.head().raw()}; }
  PageShape Shape() const override;
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const override;
  void VisitMetadata(const std::function<void(std::uint32_t word)>& visit) const override { list_.VisitMetadata(visit); }
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt) const override;
  std::uint64_t host_bytes() const override { return sizeof(*this) - sizeof(index_) + index_.host_bytes(); }

 private:
  using Run = RunIndex::Run;

  PhysAddr AddressOf(std::uint32_t page) const { return list_.arena().first + (page << kPageShift); }
  std::uint32_t PageOf(PhysAddr address) const { return (address - list_.arena().first) >> kPageShift; }

  // The run's header words, and the link to it: `next` of the run below, or the list head when there is none.
  void StoreNext(std::uint32_t run, Run next) { Store(AddressOf(run) + kRunNext, next ? AddressOf(next.page).raw() : 0); }
  void StoreLength(std::uint32_t run, std::uint32_t pages) { Store(AddressOf(run) + kRunBytes, pages << kPageShift); }
  void StoreLink(Run below, Run run);
  void Store(PhysAddr address, std::uint32_t value);
  Merge Join(Run below, Run freed, Run above);

  std::unique_ptr<const AllocatorState> SaveOwn() const override { return SaveState(list_.state()); }
  void RestoreOwn(const AllocatorState& saved) override;
  void ResetOwnCounters() override { list_.state().counters.Reset(); }

  RunList list_;
  RunIndex index_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_RUNS_INDEXED_PAGE_RUNS_H_

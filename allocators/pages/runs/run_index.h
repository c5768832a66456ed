// Where the free runs are, beside simulated RAM: the run found by first fit, the neighbours of a page and the number of runs
// below it, each in a few table look-ups. Pages are numbered from the start of the arena; there are at most 2^20.
//
// The pages are cut into leaves of 1,024 (4 MiB of RAM). A leaf is made when a run first starts in it; it is a table of the
// lengths of the runs that start there. Over the leaves lies one table of their longest runs, and one of their numbers of runs.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_PAGES_RUNS_RUN_INDEX_H_
#define ALLOCLAB_ALLOCATORS_PAGES_RUNS_RUN_INDEX_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "allocators/common/check.h"
#include "allocators/common/max_table.h"
#include "allocators/common/prefix_counts.h"

namespace alloclab {

class RunIndex {
 public:
  static constexpr std::uint32_t kPagesMax = MaxTable::kSlots * MaxTable::kSlots;
  static_assert(MaxTable::kSlots <= PrefixCounts::kCountMax);  // runs in a leaf

  struct Run {
    std::uint32_t page = 0;   // the first
    std::uint32_t pages = 0;  // how many; 0: there is no such run
    explicit operator bool() const { return pages != 0; }
    std::uint32_t end() const { return page + pages; }
    friend bool operator==(const Run&, const Run&) = default;
  };

  // No runs. REQUIRES: pages <= kPagesMax.
  explicit RunIndex(std::uint32_t pages) : leaves_((pages + MaxTable::kSlots - 1) / MaxTable::kSlots) {
    ALLOCLAB_CHECK_LE(pages, kPagesMax);
  }

  // The run that starts at `page` is now this long; 0: none starts there. REQUIRES: page lies in the arena.
  void Set(std::uint32_t page, std::uint32_t pages);

  // The lowest run of at least so many pages. REQUIRES: pages > 0.
  Run FirstFit(std::uint32_t pages) const;
  // The lowest run that starts at or above `page`; the highest one that starts below it. Nothing lies beyond the arena.
  Run FirstFrom(std::uint32_t page) const;
  Run LastBefore(std::uint32_t page) const;
  // How many runs start below `page`. REQUIRES: page lies in the arena.
  std::uint32_t CountBefore(std::uint32_t page) const;

  std::uint32_t runs() const { return runs_; }
  std::uint32_t longest() const { return longest_.max(); }
  std::uint64_t host_bytes() const;

 private:
  static std::uint32_t LeafOf(std::uint32_t page) { return page / MaxTable::kSlots; }
  static std::uint32_t SlotOf(std::uint32_t page) { return page % MaxTable::kSlots; }
  Run At(std::uint32_t leaf, std::uint32_t slot) const { return {leaf * MaxTable::kSlots + slot, (*leaves_[leaf])[slot]}; }

  std::vector<std::unique_ptr<MaxTable>> leaves_;  // by first page: length of the run; null: no run yet
  MaxTable longest_;                               // by leaf
  PrefixCounts counts_;                            // by leaf
  std::uint32_t runs_ = 0;
};

inline void RunIndex::Set(std::uint32_t page, std::uint32_t pages) {
  const std::uint32_t leaf = LeafOf(page);
  ALLOCLAB_CHECK_LT(leaf, leaves_.size());
  if (!leaves_[leaf]) leaves_[leaf] = std::make_unique<MaxTable>();
  MaxTable& lengths = *leaves_[leaf];
  const bool was = lengths[SlotOf(page)] != 0, is = pages != 0;
  lengths.Set(SlotOf(page), pages);
  if (lengths.max() != longest_[leaf]) longest_.Set(leaf, lengths.max());
  if (was == is) return;
  const std::uint32_t change = is ? 1 : ~0u;
  counts_.Add(leaf, change);
  runs_ += change;
}

inline RunIndex::Run RunIndex::FirstFit(std::uint32_t pages) const {
  ALLOCLAB_CHECK_GT(pages, 0u);
  if (longest_.max() < pages) return {};
  const std::uint32_t leaf = leaves_.size() == 1 ? 0 : longest_.FirstAtLeast(pages);
  return At(leaf, leaves_[leaf]->FirstAtLeast(pages));
}

inline RunIndex::Run RunIndex::FirstFrom(std::uint32_t page) const {
  std::uint32_t leaf = LeafOf(page);
  if (leaf < leaves_.size() && leaves_[leaf]) {
    const std::uint32_t slot = leaves_[leaf]->FirstFrom(SlotOf(page));
    if (slot != MaxTable::kNone) return At(leaf, slot);
  }
  if (leaf >= leaves_.size()) return {};
  leaf = longest_.FirstFrom(leaf + 1);
  return leaf == MaxTable::kNone ? Run{} : At(leaf, leaves_[leaf]->FirstFrom(0));
}

inline RunIndex::Run RunIndex::LastBefore(std::uint32_t page) const {
  std::uint32_t leaf = LeafOf(page);
  if (leaf < leaves_.size() && leaves_[leaf]) {
    const std::uint32_t slot = leaves_[leaf]->LastBefore(SlotOf(page));
    if (slot != MaxTable::kNone) return At(leaf, slot);
  }
  leaf = longest_.LastBefore(leaf);
  return leaf == MaxTable::kNone ? Run{} : At(leaf, leaves_[leaf]->LastBefore(MaxTable::kSlots));
}

inline std::uint32_t RunIndex::CountBefore(std::uint32_t page) const {
  const std::uint32_t leaf = LeafOf(page);
  ALLOCLAB_CHECK_LT(leaf, leaves_.size());
  return counts_.Before(leaf) + (leaves_[leaf] ? leaves_[leaf]->CountBefore(SlotOf(page)) : 0);
}

inline std::uint64_t RunIndex::host_bytes() const {
  std::uint64_t bytes = sizeof(*this) + leaves_.size() * sizeof(leaves_[0]);
  for (const auto& leaf : leaves_) bytes += leaf ? sizeof(MaxTable) : 0;
  return bytes;
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_RUNS_RUN_INDEX_H_

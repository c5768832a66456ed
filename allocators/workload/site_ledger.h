// What call sites hold live: now, at the end, and when the whole trace had the most live bytes. The number of a site is its
// place in a table, so memory is that of the highest number; no file has more than kSitesMax (call_sites.h).
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_SITE_LEDGER_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_SITE_LEDGER_H_

#include <cstdint>
#include <vector>

namespace alloclab {

// What one call site asked for. A realloc takes the block over from the site that had it.
struct SiteUse {
  std::uint32_t site = 0;  // 0: all whose site is not known
  std::uint64_t requests = 0, requested_bytes = 0;
  std::uint64_t peak_bytes = 0, peak_blocks = 0;  // live when the whole trace had the most live bytes
  std::uint64_t end_bytes = 0, end_blocks = 0;    // live at the end
};

class SiteLedger {
 public:
  // The sites up to that one are counted from now on; of none that is higher anything is.
  void Know(std::uint32_t site) {
    if (site >= sites_.size()) sites_.resize(std::size_t{site} + 1);
  }
  void Request(std::uint32_t site, std::uint64_t bytes);
  // A block of so many bytes lives, or no longer.
  void Hold(std::uint32_t site, std::uint64_t bytes) { Change(site, bytes, 1); }
  void Drop(std::uint32_t site, std::uint64_t bytes) { Change(site, 0 - bytes, 0 - std::uint64_t{1}); }
  // What lives now is the most that did so far.
  void Peak() { ++peaks_; }

  // Of the sites that asked for something, those that hold the most at the peak first.
  std::vector<SiteUse> Uses() const;
  std::uint64_t host_bytes() const { return sites_.capacity() * sizeof(Site); }

 private:
  struct Site {
    SiteUse use;             // its `end` is what is live now
    std::uint64_t peak = 0;  // to which of the peaks `use` says what was live
  };
  void Change(std::uint32_t site, std::uint64_t bytes, std::uint64_t blocks);
  void KeepPeak(Site& site) const;

  std::vector<Site> sites_;  // by number
  std::uint64_t peaks_ = 0;  // that were the highest when they came
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_SITE_LEDGER_H_

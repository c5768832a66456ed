// Which call sites a run's fragmentation and its peak come from: what the blocks of each cost by keeping holes apart, and what
// each holds when the trace has the most live bytes. Of a trace without call sites nothing is kept.
//
// Memory: 4 bytes for each handle of the trace, and a row for each site, of which a file has at most kSitesMax.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_SITE_COSTS_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_SITE_COSTS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "allocators/workload/site_ledger.h"
#include "allocators/workload/trace.h"

namespace alloclab {

struct SiteCost {
  std::uint32_t site = 0;  // 0: all whose site is not known
  std::string called_by;   // ShortSiteName(); empty for site 0
  std::uint64_t cost = 0;  // of its separating blocks (holes.h): bytes times operations
  std::uint64_t operations = 0;
  std::uint64_t peak_bytes = 0, peak_blocks = 0;  // asked for and live when the trace has the most live bytes
  friend bool operator==(const SiteCost&, const SiteCost&) = default;
};

class SiteCosts {
 public:
  // Host memory by handle of the trace, of which one may have many.
  static std::uint64_t HostNeed(const Trace& trace) {
    return trace.operation_sites.empty() ? 0 : std::uint64_t{trace.heap_handles} * sizeof(alive_[0]);
  }

  explicit SiteCosts(std::shared_ptr<const Trace> trace);

  // Whether the trace tells call sites.
  bool known() const { return !trace_->operation_sites.empty(); }
  // The site of an operation, counted from 1; 0: not known, or of operation 0.
  std::uint32_t SiteOf(std::uint64_t operation) const;
  // The next operation of the trace.
  void Follow(std::uint64_t index);
  // A block of that operation, counted from 1 or 0 for none, kept holes apart.
  void Charge(std::uint64_t allocated_by, std::uint64_t cost, std::uint64_t operations);

  // The first `count` by cost and the first `count` by what they hold at the peak, each once, those that cost most first.
  std::vector<SiteCost> First(std::size_t count) const;
  std::uint64_t host_bytes() const;

 private:
  struct Tally {
    std::uint64_t cost = 0, operations = 0;
  };
  void Release(std::uint32_t handle);

  const std::shared_ptr<const Trace> trace_;
  std::vector<Tally> tallies_;        // by site
  std::vector<std::uint32_t> alive_;  // by handle: the operation that its live block is of, counted from 1; 0: none lives
  SiteLedger ledger_;
  std::uint64_t live_bytes_ = 0, peak_bytes_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_SITE_COSTS_H_

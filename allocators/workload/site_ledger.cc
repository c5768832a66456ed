#include "allocators/workload/site_ledger.h"

#include <algorithm>
#include <tuple>

namespace alloclab {

void SiteLedger::Request(std::uint32_t site, std::uint64_t bytes) {
  if (site >= sites_.size()) return;
  ++sites_[site].use.requests;
  sites_[site].use.requested_bytes += bytes;
}

void SiteLedger::KeepPeak(Site& site) const {
  if (site.peak == peaks_) return;
  site.peak = peaks_;
  site.use.peak_bytes = site.use.end_bytes;
  site.use.peak_blocks = site.use.end_blocks;
}

void SiteLedger::Change(std::uint32_t site, std::uint64_t bytes, std::uint64_t blocks) {
  if (site >= sites_.size()) return;
  KeepPeak(sites_[site]);
  sites_[site].use.end_bytes += bytes;
  sites_[site].use.end_blocks += blocks;
}

std::vector<SiteUse> SiteLedger::Uses() const {
  std::vector<SiteUse> uses;
  for (std::size_t i = 0; i < sites_.size(); ++i) {
    Site site = sites_[i];
    KeepPeak(site);
    site.use.site = static_cast<std::uint32_t>(i);
    if (site.use.requests != 0) uses.push_back(site.use);
  }
  std::sort(uses.begin(), uses.end(), [](const SiteUse& a, const SiteUse& b) {
    return std::tie(b.peak_bytes, b.end_bytes, b.requested_bytes, a.site) <
           std::tie(a.peak_bytes, a.end_bytes, a.requested_bytes, b.site);
  });
  return uses;
}

}  // namespace alloclab

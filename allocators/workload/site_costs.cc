#include "allocators/workload/site_costs.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace alloclab {
namespace {

bool CostsMore(const SiteCost& a, const SiteCost& b) {
  return std::tie(b.cost, b.peak_bytes, a.site) < std::tie(a.cost, a.peak_bytes, b.site);
}
bool HoldsMore(const SiteCost& a, const SiteCost& b) {
  return std::tie(b.peak_bytes, b.cost, a.site) < std::tie(a.peak_bytes, a.cost, b.site);
}

}  // namespace

SiteCosts::SiteCosts(std::shared_ptr<const Trace> trace) : trace_(std::move(trace)) {
  if (!known()) return;
  const std::uint32_t last = *std::max_element(trace_->operation_sites.begin(), trace_->operation_sites.end());
  tallies_.resize(std::size_t{last} + 1);
  ledger_.Know(last);
  alive_.resize(trace_->heap_handles);
}

std::uint32_t SiteCosts::SiteOf(std::uint64_t operation) const {
  return known() && operation != 0 ? trace_->operation_sites[operation - 1] : 0;
}

void SiteCosts::Release(std::uint32_t handle) {
  if (handle >= alive_.size() || alive_[handle] == 0) return;
  const std::uint64_t bytes = RequestedBytes(trace_->operations[alive_[handle] - 1]);
  ledger_.Drop(SiteOf(alive_[handle]), bytes);
  live_bytes_ -= bytes;
  alive_[handle] = 0;
}

void SiteCosts::Follow(std::uint64_t index) {
  const Operation& op = trace_->operations[index];
  if (!known() || OnPages(op.kind)) return;
  if (op.kind == OpKind::kFree) return Release(op.block);
  if (op.kind == OpKind::kRealloc && op.extra != kNoBlock) {
    if (op.extra >= alive_.size() || alive_[op.extra] == 0) return;  // of a block that does not live
    Release(op.extra);
  }
  if (op.block >= alive_.size()) return;
  const std::uint64_t bytes = RequestedBytes(op);
  alive_[op.block] = static_cast<std::uint32_t>(index + 1);  // what lived there leaks, and is counted to the end
  ledger_.Request(SiteOf(index + 1), bytes);
  ledger_.Hold(SiteOf(index + 1), bytes);
  live_bytes_ += bytes;
  if (live_bytes_ <= peak_bytes_) return;
  peak_bytes_ = live_bytes_;
  ledger_.Peak();
}

void SiteCosts::Charge(std::uint64_t allocated_by, std::uint64_t cost, std::uint64_t operations) {
  if (!known()) return;
  Tally& tally = tallies_[SiteOf(allocated_by)];
  tally.cost += cost;
  tally.operations += operations;
}

std::vector<SiteCost> SiteCosts::First(std::size_t count) const {
  std::vector<SiteCost> sites;
  for (const SiteUse& use : ledger_.Uses()) {
    const Tally& tally = tallies_[use.site];
    if (tally.cost == 0 && use.peak_bytes == 0) continue;
    sites.push_back({use.site, "", tally.cost, tally.operations, use.peak_bytes, use.peak_blocks});
  }
  const bool unnamed = std::any_of(sites.begin(), sites.end(), [](const SiteCost& site) { return site.site == 0; });
  if (known() && !unnamed && tallies_[0].cost != 0) sites.push_back({0, "", tallies_[0].cost, tallies_[0].operations, 0, 0});
  const std::size_t shown = std::min(count, sites.size());
  std::sort(sites.begin(), sites.end(), CostsMore);
  const auto behind = sites.begin() + static_cast<std::ptrdiff_t>(shown);
  // Of those that cost less, as many as are among the first by what they hold.
  std::vector<SiteCost> holders = sites;
  std::sort(holders.begin(), holders.end(), HoldsMore);
  holders.resize(shown);
  const auto end = std::remove_if(behind, sites.end(), [&holders](const SiteCost& site) {
    return std::find(holders.begin(), holders.end(), site) == holders.end();
  });
  sites.erase(end, sites.end());
  for (SiteCost& site : sites) site.called_by = ShortSiteName(trace_->sites, site.site);
  return sites;
}

std::uint64_t SiteCosts::host_bytes() const {
  return tallies_.capacity() * sizeof(Tally) + alive_.capacity() * sizeof(alive_[0]) + ledger_.host_bytes();
}

}  // namespace alloclab

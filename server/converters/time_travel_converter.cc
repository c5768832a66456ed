#include "server/converters/time_travel_converter.h"

#include <string>

#include "allocators/common/check.h"
#include "server/converters/inspect_converter.h"

namespace alloclab::server {
namespace {

v1::Explanation::Found ToProto(const Found& found) {
  v1::Explanation::Found message;
  message.set_free_bytes(found.free_bytes);
  message.set_free_blocks(found.free_blocks);
  message.set_largest_free_bytes(found.largest_free_bytes);
  message.set_large_enough(found.large_enough);
  message.set_smallest_enough_bytes(found.smallest_enough_bytes);
  message.set_too_small_below(found.too_small_below);
  message.set_passed_over_below(found.passed_over_below);
  return message;
}

v1::Explanation::Gap ToProto(const Gap& gap) {
  v1::Explanation::Gap message;
  message.set_address(gap.address);
  message.set_bytes(gap.bytes);
  message.set_live_bytes(gap.live_bytes);
  for (const Separator& block : gap.between) {
    auto* between = message.add_between();
    between->set_address(block.address);
    between->set_bytes(block.bytes);
    between->set_allocated_by(block.allocated_by);
    between->set_called_by(block.called_by);
  }
  return message;
}

v1::RunExplanation::Block ToProto(const SeparatingBlock& block) {
  v1::RunExplanation::Block message;
  message.set_allocated_by(block.allocated_by);
  message.set_request_bytes(block.request_bytes);
  message.set_address(block.address);
  message.set_bytes(block.bytes);
  message.set_cost(block.cost);
  message.set_operations(block.operations);
  message.set_first_seen(block.first_seen);
  message.set_last_seen(block.last_seen);
  message.set_site(block.site);
  message.set_called_by(block.called_by);
  return message;
}

v1::RunExplanation::Size ToProto(const SeparatingSize& size) {
  v1::RunExplanation::Size message;
  message.set_bytes(size.bytes);
  message.set_cost(size.cost);
  message.set_operations(size.operations);
  return message;
}

v1::RunExplanation::Site ToProto(const SiteCost& site) {
  v1::RunExplanation::Site message;
  message.set_site(site.site);
  message.set_called_by(site.called_by);
  message.set_cost(site.cost);
  message.set_operations(site.operations);
  message.set_peak_bytes(site.peak_bytes);
  message.set_peak_blocks(site.peak_blocks);
  return message;
}

v1::RunExplanation::Rise ToProto(const FragmentationRise& rise) {
  v1::RunExplanation::Rise message;
  message.set_from_operation(rise.from_operation);
  message.set_to_operation(rise.to_operation);
  message.set_from_fragmentation(rise.from);
  message.set_to_fragmentation(rise.to);
  return message;
}

v1::Explanation::Path ToProto(const SearchPath& path) {
  v1::Explanation::Path message;
  const auto add = [](const std::vector<Visit>& visits, auto& list) {
    for (const Visit& visit : visits) {
      auto* added = list.Add();
      added->set_number(visit.number);
      added->set_address(visit.address);
      added->set_bytes(visit.bytes);
      added->set_live(visit.live);
    }
  };
  message.set_visits(path.visits);
  add(path.first, *message.mutable_first());
  add(path.last, *message.mutable_last());
  message.mutable_page_faults()->Add(path.page_faults.begin(), path.page_faults.end());
  return message;
}

}  // namespace

v1::Moment MomentOf(const LiveInstance& instance) {
  ALLOCLAB_CHECK(instance.opened_run().has_value());
  v1::Moment message;
  message.set_instance(instance.name());
  message.set_run(instance.opened_run()->run);
  message.set_operation(instance.operations());
  message.set_operations(instance.opened_run()->trace->operations.size());
  return message;
}

v1::Explanation ToProto(const Explanation& explanation, std::uint64_t run) {
  const Operation& what = explanation.what;
  v1::Explanation message;
  message.set_run(run);
  message.set_operation(explanation.operation);
  message.set_kind(std::string(OpKindName(what.kind)));
  message.set_request_bytes(RequestedBytes(what));
  message.set_outcome(static_cast<v1::Outcome>(explanation.result.outcome));
  message.set_address(explanation.result.address);
  message.set_search_steps(explanation.search_steps);
  message.set_page_faults(explanation.page_faults);
  message.set_cycles_386(explanation.cycles_386);
  message.set_needed_bytes(explanation.needed_bytes);
  message.set_block_bytes(explanation.block_bytes);
  message.set_grown_bytes(explanation.grown_bytes);
  message.set_allocated_by(explanation.allocated_by);
  message.set_called_by(explanation.called_by);
  message.set_allocation_called_by(explanation.allocation_called_by);
  if (explanation.found) *message.mutable_found() = ToProto(*explanation.found);
  if (explanation.taken_bytes) message.set_taken_bytes(*explanation.taken_bytes);
  if (explanation.refusal) *message.mutable_refusal() = ToProto(*explanation.refusal);
  if (explanation.gap) *message.mutable_gap() = ToProto(*explanation.gap);
  if (explanation.path) *message.mutable_path() = ToProto(*explanation.path);
  message.set_taken_address(explanation.taken_address);
  for (const MergedBlock& block : explanation.merged) {
    auto* merged = message.add_merged();
    merged->set_address(block.address);
    merged->set_bytes(block.bytes);
  }
  if (explanation.missing_bytes) message.set_missing_bytes(*explanation.missing_bytes);
  message.set_missing_ram(explanation.missing_ram);
  message.mutable_sentences()->Add(explanation.sentences.begin(), explanation.sentences.end());
  return message;
}

v1::RunExplanation ToProto(const HoleReport& report, std::uint64_t run) {
  v1::RunExplanation message;
  message.set_run(run);
  message.set_operations(report.operations);
  message.set_looked_at(report.looked_at);
  message.set_every(report.every);
  message.set_looks(report.looks);
  message.set_broken_looks(report.broken_looks);
  message.set_hole_cost(report.hole_cost);
  message.set_separated_cost(report.separated_cost);
  for (const SeparatingBlock& block : report.blocks) *message.add_blocks() = ToProto(block);
  for (const SeparatingSize& size : report.sizes) *message.add_sizes() = ToProto(size);
  for (const FragmentationRise& rise : report.rises) *message.add_rises() = ToProto(rise);
  for (const SiteCost& site : report.sites) *message.add_sites() = ToProto(site);
  message.mutable_sentences()->Add(report.sentences.begin(), report.sentences.end());
  return message;
}

v1::TenantList ToProto(const TenantReport& report, const OpenedRun& opened, const v1::FindTenantsRequest& request) {
  v1::TenantList message;
  message.set_run(opened.run);
  message.set_operations(opened.trace->operations.size());
  message.set_looked_at(report.operations);
  message.set_address(request.address());
  message.set_pages(request.pages());
  message.set_count(report.count);
  for (const Tenant& tenant : report.tenants) {
    auto* added = message.add_tenants();
    added->set_allocated_by(tenant.allocated_by);
    added->set_ended_by(tenant.ended_by);
    added->set_address(tenant.address);
    added->set_bytes(tenant.bytes);
  }
  message.mutable_sentences()->Add(report.sentences.begin(), report.sentences.end());
  return message;
}

}  // namespace alloclab::server

#include "server/converters/inspect_converter.h"

#include "allocators/common/cost_model.h"

namespace alloclab::server {
namespace {

std::uint64_t Faults(const VmCosts& costs) {
  return costs.demand_faults + costs.not_mapped_faults + costs.protection_faults + costs.refused_faults;
}

}  // namespace

v1::Chunk ToProto(const Chunk& chunk) {
  v1::Chunk proto;
  proto.set_address(chunk.header.raw());
  proto.set_bytes(chunk.bytes);
  proto.set_allocated(chunk.allocated);
  proto.set_previous_free(chunk.previous_free);
  proto.set_header(chunk.header_word);
  return proto;
}

v1::FreeRun ToProto(const FreeRun& run) {
  v1::FreeRun proto;
  proto.set_address(run.first.raw());
  proto.set_bytes(run.bytes);
  return proto;
}

v1::Translation ToProto(const Translation& translation) {
  v1::Translation proto;
  proto.set_address(translation.virt.raw());
  proto.set_directory_index(translation.directory_index);
  proto.set_table_index(translation.table_index);
  proto.set_pde_address(translation.pde_address.raw());
  proto.set_pde(translation.pde);
  if ((translation.pde & pte::kPresent) != 0) {
    proto.set_pte_address(translation.pte_address.raw());
    proto.set_pte(translation.pte);
  }
  proto.set_present(translation.phys.has_value());
  proto.set_physical(translation.phys.value_or(PhysAddr()).raw());
  proto.set_on_demand(translation.on_demand);
  return proto;
}

v1::Violation ToProto(const Violation& violation) {
  v1::Violation proto;
  proto.set_invariant(violation.invariant);
  proto.set_address(violation.address);
  proto.set_what(violation.what);
  return proto;
}

CostTotals CostsOf(const Driver& driver) {
  Instance& machine = driver.instance();
  return {machine.heap() != nullptr ? machine.heap()->costs() : HeapCosts{}, machine.pages().costs(), machine.vm_costs()};
}

v1::OperationReply ToProto(const OpResult& result, std::uint64_t sequence, const CostTotals& before, const CostTotals& after) {
  v1::OperationReply proto;
  proto.set_outcome(static_cast<v1::Outcome>(result.outcome));
  proto.set_address(result.address);
  proto.set_sequence(sequence);
  proto.set_headers_visited(after.heap.headers_visited - before.heap.headers_visited + after.pages.runs_visited -
                            before.pages.runs_visited);
  proto.set_words_loaded(after.heap.words_loaded - before.heap.words_loaded + after.pages.words_loaded -
                         before.pages.words_loaded);
  proto.set_words_stored(after.heap.words_stored - before.heap.words_stored + after.pages.words_stored -
                         before.pages.words_stored);
  proto.set_page_faults(Faults(after.vm) - Faults(before.vm));
  proto.set_cycles_386(Cycles(k386dx33, after.heap) - Cycles(k386dx33, before.heap) + Cycles(k386dx33, after.pages) -
                       Cycles(k386dx33, before.pages));
  return proto;
}

}  // namespace alloclab::server

#include "server/converters/inspect_converter.h"

#include "allocators/common/cost_model.h"

namespace alloclab::server {
namespace {

template <class PartCosts>
v1::Cost::Part PartToProto(const PartCosts& before, const PartCosts& after) {
  v1::Cost::Part proto;
  proto.set_search_steps(after.search_steps - before.search_steps);
  proto.set_words_loaded(after.words_loaded - before.words_loaded);
  proto.set_words_stored(after.words_stored - before.words_stored);
  proto.set_cycles_386(Cycles(k386dx33, after) - Cycles(k386dx33, before));
  return proto;
}

v1::Cost CostToProto(const Costs& before, const Costs& after) {
  v1::Cost proto;
  *proto.mutable_heap() = PartToProto(before.heap, after.heap);
  *proto.mutable_pages() = PartToProto(before.pages, after.pages);
  proto.set_page_faults(after.vm.faults() - before.vm.faults());
  proto.set_cycles_386(Cycles(k386dx33, after) - Cycles(k386dx33, before));
  return proto;
}

v1::Block::Kind KindToProto(BlockKind kind) {
  switch (kind) {
    case BlockKind::kLive:
      return v1::Block::LIVE;
    case BlockKind::kFree:
      return v1::Block::FREE;
    case BlockKind::kMetadata:
      return v1::Block::METADATA;
  }
  return v1::Block::FREE;
}

}  // namespace

v1::Block ToProto(const Block& block, const Declaration& declaration) {
  v1::Block proto;
  proto.set_address(block.address);
  proto.set_bytes(block.bytes);
  proto.set_kind(KindToProto(block.kind));
  proto.set_payload(block.payload);
  for (std::size_t i = 0; i < declaration.block_fields.size(); ++i) proto.add_fields(block.fields[i]);
  return proto;
}

v1::BlockList EmptyBlockList(const Declaration& declaration) {
  v1::BlockList proto;
  for (const FieldInfo& field : declaration.block_fields) proto.add_field_names(std::string(field.name));
  return proto;
}

v1::BrokenWalk ToProto(const BrokenWalk& broken) {
  v1::BrokenWalk proto;
  proto.set_address(broken.address);
  proto.set_what(broken.what);
  return proto;
}

v1::Refusal ToProto(const Refusal& refusal) {
  v1::Refusal proto;
  proto.set_needed_bytes(refusal.needed_bytes);
  if (refusal.free_bytes) proto.set_free_bytes(*refusal.free_bytes);
  if (refusal.largest_free_bytes) proto.set_largest_free_bytes(*refusal.largest_free_bytes);
  if (refusal.frames_left) proto.set_frames_left(*refusal.frames_left);
  if (refusal.growth_bytes) proto.set_growth_bytes(*refusal.growth_bytes);
  if (refusal.request_max_bytes) proto.set_request_max_bytes(*refusal.request_max_bytes);
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

v1::OperationReply ToProto(const OpResult& result, std::uint64_t sequence, const Costs& before, const Costs& after) {
  v1::OperationReply proto;
  proto.set_outcome(static_cast<v1::Outcome>(result.outcome));
  proto.set_address(result.address);
  proto.set_sequence(sequence);
  *proto.mutable_cost() = CostToProto(before, after);
  return proto;
}

}  // namespace alloclab::server

#include "proto/converters/workload_spec.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace alloclab {
namespace {

absl::Status BadField(const std::string& field, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", what));
}

absl::StatusOr<SizeDistribution> SizeFromProto(const v1::Size& proto, const std::string& field) {
  switch (proto.distribution_case()) {
    case v1::Size::kFixed:
      return FixedSize{proto.fixed()};
    case v1::Size::kUniform:
      return UniformSize{proto.uniform().min(), proto.uniform().max()};
    case v1::Size::kExponential:
      return ExponentialSize{proto.exponential().mean(), proto.exponential().max()};
    case v1::Size::kWeighted: {
      WeightedSizes sizes;
      for (const v1::Choice& choice : proto.weighted().choices()) sizes.choices.emplace_back(choice.size(), choice.weight());
      return sizes;
    }
    case v1::Size::DISTRIBUTION_NOT_SET:
      break;
  }
  return BadField(field, "not set; one of fixed, uniform, exponential and weighted is expected");
}

v1::Size SizeToProto(const SizeDistribution& sizes) {
  v1::Size proto;
  if (const auto* fixed = std::get_if<FixedSize>(&sizes)) {
    proto.set_fixed(fixed->value);
  } else if (const auto* uniform = std::get_if<UniformSize>(&sizes)) {
    proto.mutable_uniform()->set_min(uniform->min);
    proto.mutable_uniform()->set_max(uniform->max);
  } else if (const auto* exponential = std::get_if<ExponentialSize>(&sizes)) {
    proto.mutable_exponential()->set_mean(exponential->mean);
    proto.mutable_exponential()->set_max(exponential->max);
  } else if (const auto* weighted = std::get_if<WeightedSizes>(&sizes)) {
    for (const auto& [size, weight] : weighted->choices) {
      v1::Choice& choice = *proto.mutable_weighted()->add_choices();
      choice.set_size(size);
      choice.set_weight(weight);
    }
  }
  return proto;
}

absl::StatusOr<Phase> PhaseFromProto(const v1::Phase& proto, const std::string& field) {
  if (!v1::FreeOrder_IsValid(proto.free_order())) {
    return BadField(field + ".free_order", absl::StrCat(static_cast<int>(proto.free_order()), " is no FreeOrder"));
  }
  absl::StatusOr<SizeDistribution> size = SizeFromProto(proto.size(), field + ".size");
  if (!size.ok()) return size.status();
  Phase phase;
  phase.name = proto.name();
  phase.operations = proto.operations();
  phase.live_blocks = proto.live_blocks();
  phase.size = *std::move(size);
  phase.free_order = static_cast<FreeOrder>(proto.free_order());
  if (proto.has_mix()) {
    phase.malloc_weight = proto.mix().malloc();
    phase.calloc_weight = proto.mix().calloc();
    phase.realloc_weight = proto.mix().realloc();
  }
  phase.pages = proto.pages();
  return phase;
}

v1::Phase PhaseToProto(const Phase& phase) {
  v1::Phase proto;
  proto.set_name(phase.name);
  proto.set_operations(phase.operations);
  proto.set_live_blocks(phase.live_blocks);
  *proto.mutable_size() = SizeToProto(phase.size);
  proto.set_free_order(static_cast<v1::FreeOrder>(phase.free_order));
  proto.mutable_mix()->set_malloc(phase.malloc_weight);
  proto.mutable_mix()->set_calloc(phase.calloc_weight);
  proto.mutable_mix()->set_realloc(phase.realloc_weight);
  proto.set_pages(phase.pages);
  return proto;
}

}  // namespace

absl::StatusOr<WorkloadSpec> SpecFromProto(const v1::WorkloadSpec& proto) {
  WorkloadSpec spec;
  spec.name = proto.name();
  spec.seed = proto.seed();
  for (int i = 0; i < proto.phases_size(); ++i) {
    absl::StatusOr<Phase> phase = PhaseFromProto(proto.phases(i), absl::StrCat("phases[", i, "]"));
    if (!phase.ok()) return phase.status();
    spec.phases.push_back(*std::move(phase));
  }
  if (absl::Status status = ValidateSpec(spec); !status.ok()) return status;
  return spec;
}

v1::WorkloadSpec SpecToProto(const WorkloadSpec& spec) {
  v1::WorkloadSpec proto;
  proto.set_name(spec.name);
  proto.set_seed(spec.seed);
  for (const Phase& phase : spec.phases) *proto.add_phases() = PhaseToProto(phase);
  return proto;
}

}  // namespace alloclab

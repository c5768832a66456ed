#include "proto/converters/workload_spec.h"

#include <utility>
#include <variant>

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
    case v1::Size::kLognormal:
      return LognormalSize{proto.lognormal().median(), proto.lognormal().sigma_percent(), proto.lognormal().max()};
    case v1::Size::kPareto:
      return ParetoSize{proto.pareto().min(), proto.pareto().shape_percent(), proto.pareto().max()};
    case v1::Size::kZipf:
      return ZipfSizes{{proto.zipf().sizes().begin(), proto.zipf().sizes().end()}, proto.zipf().exponent_percent()};
    case v1::Size::kHistogram: {
      HistogramSizes sizes;
      for (const v1::Bin& bin : proto.histogram().bins()) sizes.bins.push_back({bin.min(), bin.max(), bin.weight()});
      return sizes;
    }
    case v1::Size::DISTRIBUTION_NOT_SET:
      break;
  }
  return BadField(field,
                  "not set; one of fixed, uniform, exponential, weighted, lognormal, pareto, zipf and histogram is expected");
}

struct SizeWriter {
  v1::Size& proto;

  void operator()(const FixedSize& size) const { proto.set_fixed(size.value); }
  void operator()(const UniformSize& size) const {
    proto.mutable_uniform()->set_min(size.min);
    proto.mutable_uniform()->set_max(size.max);
  }
  void operator()(const ExponentialSize& size) const {
    proto.mutable_exponential()->set_mean(size.mean);
    proto.mutable_exponential()->set_max(size.max);
  }
  void operator()(const WeightedSizes& sizes) const {
    for (const auto& [size, weight] : sizes.choices) {
      v1::Choice& choice = *proto.mutable_weighted()->add_choices();
      choice.set_size(size);
      choice.set_weight(weight);
    }
  }
  void operator()(const LognormalSize& size) const {
    proto.mutable_lognormal()->set_median(size.median);
    proto.mutable_lognormal()->set_sigma_percent(size.sigma_percent);
    proto.mutable_lognormal()->set_max(size.max);
  }
  void operator()(const ParetoSize& size) const {
    proto.mutable_pareto()->set_min(size.min);
    proto.mutable_pareto()->set_shape_percent(size.shape_percent);
    proto.mutable_pareto()->set_max(size.max);
  }
  void operator()(const ZipfSizes& size) const {
    proto.mutable_zipf()->mutable_sizes()->Add(size.sizes.begin(), size.sizes.end());
    proto.mutable_zipf()->set_exponent_percent(size.exponent_percent);
  }
  void operator()(const HistogramSizes& size) const {
    for (const HistogramSizes::Bin& from : size.bins) {
      v1::Bin& bin = *proto.mutable_histogram()->add_bins();
      bin.set_min(from.min);
      bin.set_max(from.max);
      bin.set_weight(from.weight);
    }
  }
};

v1::Size SizeToProto(const SizeDistribution& size) {
  v1::Size proto;
  std::visit(SizeWriter{proto}, size);
  return proto;
}

// What a phase with lifetimes has beside them.
absl::Status LifeFromProto(const v1::Phase& proto, const std::string& field, Phase& phase) {
  const auto read = [](const v1::Size& from, const std::string& name, SizeDistribution& to) {
    absl::StatusOr<SizeDistribution> size = SizeFromProto(from, name);
    if (size.ok()) to = *std::move(size);
    return size.status();
  };
  if (proto.has_lifetime()) {
    absl::Status status = read(proto.lifetime(), field + ".lifetime", phase.lifetime.emplace());
    if (!status.ok()) return status;
  }
  for (int i = 0; i < proto.groups_size(); ++i) {
    const std::string name = absl::StrCat(field, ".groups[", i, "]");
    BlockGroup& group = phase.groups.emplace_back();
    group.weight = proto.groups(i).weight();
    if (absl::Status status = read(proto.groups(i).size(), name + ".size", group.size); !status.ok()) return status;
    if (absl::Status status = read(proto.groups(i).lifetime(), name + ".lifetime", group.lifetime); !status.ok()) return status;
  }
  if (proto.has_processes()) {
    phase.processes = proto.processes().count();
    absl::Status status = read(proto.processes().lifetime(), field + ".processes.lifetime", phase.process_lifetime);
    if (!status.ok()) return status;
    if (phase.processes == 0) return BadField(field + ".processes.count", "0; expected at least 1");
  }
  phase.burst_every = proto.burst().every();
  phase.burst_blocks = proto.burst().blocks();
  phase.pages_weight = proto.mix().pages();
  if (!proto.has_page_size()) return absl::OkStatus();
  if (phase.pages_weight == 0) return BadField(field + ".page_size", "no pages are asked for; expected mix.pages above 0");
  return read(proto.page_size(), field + ".page_size", phase.page_size);
}

void LifeToProto(const Phase& phase, v1::Phase& proto) {
  if (phase.lifetime) *proto.mutable_lifetime() = SizeToProto(*phase.lifetime);
  for (const BlockGroup& group : phase.groups) {
    v1::BlockGroup& to = *proto.add_groups();
    to.set_weight(group.weight);
    *to.mutable_size() = SizeToProto(group.size);
    *to.mutable_lifetime() = SizeToProto(group.lifetime);
  }
  if (phase.processes != 0) {
    proto.mutable_processes()->set_count(phase.processes);
    *proto.mutable_processes()->mutable_lifetime() = SizeToProto(phase.process_lifetime);
  }
  if (phase.burst_every != 0) {
    proto.mutable_burst()->set_every(phase.burst_every);
    proto.mutable_burst()->set_blocks(phase.burst_blocks);
  }
  if (phase.pages_weight == 0) return;
  proto.mutable_mix()->set_pages(phase.pages_weight);
  *proto.mutable_page_size() = SizeToProto(phase.page_size);
}

absl::StatusOr<Touch> TouchFromProto(const v1::Touch& proto, const std::string& field) {
  switch (proto.part_case()) {
    case v1::Touch::kPercent:
      return Touch{Touch::Part::kPercent, proto.percent()};
    case v1::Touch::kFirstBytes:
      return Touch{Touch::Part::kFirstBytes, proto.first_bytes()};
    case v1::Touch::PART_NOT_SET:
      break;
  }
  return BadField(field, "not set; one of percent and first_bytes is expected");
}

void TouchToProto(const Touch& touch, v1::Phase& proto) {
  if (touch.part == Touch::Part::kPercent) proto.mutable_touch()->set_percent(touch.amount);
  if (touch.part == Touch::Part::kFirstBytes) proto.mutable_touch()->set_first_bytes(touch.amount);
}

absl::StatusOr<Phase> PhaseFromProto(const v1::Phase& proto, const std::string& field) {
  if (!v1::FreeOrder_IsValid(proto.free_order())) {
    return BadField(field + ".free_order", absl::StrCat(static_cast<int>(proto.free_order()), " is no FreeOrder"));
  }
  Phase phase;
  if (proto.groups_size() == 0) {
    absl::StatusOr<SizeDistribution> size = SizeFromProto(proto.size(), field + ".size");
    if (!size.ok()) return size.status();
    phase.size = *std::move(size);
  } else if (proto.has_size()) {
    return BadField(field + ".size", "excludes `groups`, which have their own");
  }
  phase.name = proto.name();
  phase.operations = proto.operations();
  phase.live_blocks = proto.live_blocks();
  phase.free_order = static_cast<FreeOrder>(proto.free_order());
  if (proto.has_mix()) {
    phase.malloc_weight = proto.mix().malloc();
    phase.calloc_weight = proto.mix().calloc();
    phase.realloc_weight = proto.mix().realloc();
  }
  phase.pages = proto.pages();
  if (proto.has_touch()) {
    const absl::StatusOr<Touch> touch = TouchFromProto(proto.touch(), field + ".touch");
    if (!touch.ok()) return touch.status();
    phase.touch = *touch;
  }
  if (absl::Status status = LifeFromProto(proto, field, phase); !status.ok()) return status;
  return phase;
}

v1::Phase PhaseToProto(const Phase& phase) {
  v1::Phase proto;
  proto.set_name(phase.name);
  proto.set_operations(phase.operations);
  proto.set_live_blocks(phase.live_blocks);
  if (phase.groups.empty()) *proto.mutable_size() = SizeToProto(phase.size);
  proto.set_free_order(static_cast<v1::FreeOrder>(phase.free_order));
  proto.mutable_mix()->set_malloc(phase.malloc_weight);
  proto.mutable_mix()->set_calloc(phase.calloc_weight);
  proto.mutable_mix()->set_realloc(phase.realloc_weight);
  proto.set_pages(phase.pages);
  TouchToProto(phase.touch, proto);
  LifeToProto(phase, proto);
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

#include "server/converters/workload_converter.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "server/errors.h"
#include "server/limits.h"

namespace alloclab::server {
namespace {

absl::StatusOr<SizeDistribution> SizeFromProto(const v1::Size& proto, const std::string& field) {
  switch (proto.distribution_case()) {
    case v1::Size::kFixed:
      return FixedSize{proto.fixed()};
    case v1::Size::kUniform:
      return UniformSize{proto.uniform().min(), proto.uniform().max()};
    case v1::Size::kExponential:
      return ExponentialSize{proto.exponential().mean(), proto.exponential().max()};
    case v1::Size::kWeighted: {
      const auto& choices = proto.weighted().choices();
      if (static_cast<std::size_t>(choices.size()) > kWeightedChoicesMax) {
        return errors::BadField(field + ".weighted.choices",
                                fmt::format("{} choices; at most {} are allowed", choices.size(), kWeightedChoicesMax));
      }
      WeightedSizes sizes;
      for (const v1::Choice& choice : choices) sizes.choices.emplace_back(choice.size(), choice.weight());
      return sizes;
    }
    case v1::Size::DISTRIBUTION_NOT_SET:
      break;
  }
  return errors::BadField(field, "not set; one of fixed, uniform, exponential and weighted is expected");
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
    return errors::BadField(field + ".free_order", fmt::format("{} is no FreeOrder", static_cast<int>(proto.free_order())));
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

bool IsDigest(const std::string& text) {
  const auto is_hex = [](char letter) { return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f'); };
  return text.size() == 64 && std::all_of(text.begin(), text.end(), is_hex);
}

v1::Builtin BuiltinToProto(const BuiltinWorkload& workload) {
  v1::Builtin proto;
  proto.set_name(workload.name);
  proto.set_description(workload.description);
  if (const auto* spec = std::get_if<WorkloadSpec>(&workload.content)) {
    *proto.mutable_spec() = ToProto(*spec);
    std::uint64_t operations = 0;
    for (const Phase& phase : spec->phases) operations += phase.operations;
    proto.set_operations(operations);
  } else if (const auto trace = MakeBuiltin(workload.name, 0, 0); trace.ok()) {
    proto.set_operations(trace->operations.size());
  }
  return proto;
}

}  // namespace

absl::StatusOr<WorkloadSpec> FromProto(const v1::WorkloadSpec& proto, const std::string& field) {
  WorkloadSpec spec;
  spec.name = proto.name();
  spec.seed = proto.seed();
  for (int i = 0; i < proto.phases_size(); ++i) {
    absl::StatusOr<Phase> phase = PhaseFromProto(proto.phases(i), fmt::format("{}.phases[{}]", field, i));
    if (!phase.ok()) return phase.status();
    spec.phases.push_back(*std::move(phase));
  }
  if (absl::Status status = ValidateSpec(spec); !status.ok()) {
    return absl::InvalidArgumentError(fmt::format("{}.{}", field, std::string(status.message())));
  }
  return spec;
}

v1::WorkloadSpec ToProto(const WorkloadSpec& spec) {
  v1::WorkloadSpec proto;
  proto.set_name(spec.name);
  proto.set_seed(spec.seed);
  for (const Phase& phase : spec.phases) *proto.add_phases() = PhaseToProto(phase);
  return proto;
}

absl::StatusOr<decltype(RunRequest::workload)> FromProto(const v1::Workload& proto) {
  switch (proto.source_case()) {
    case v1::Workload::kBuiltin:
      return BuiltinChoice{proto.builtin().name(), proto.builtin().seed(), proto.builtin().operations()};
    case v1::Workload::kSpec: {
      absl::StatusOr<WorkloadSpec> spec = FromProto(proto.spec(), "workload.spec");
      if (!spec.ok()) return spec.status();
      return *std::move(spec);
    }
    case v1::Workload::kTraceSha256:
      if (IsDigest(proto.trace_sha256())) return UploadedTrace{proto.trace_sha256()};
      return errors::BadField("workload.trace_sha256",
                              fmt::format("\"{}\" is not a digest of 64 lower-case hex digits", proto.trace_sha256()));
    case v1::Workload::SOURCE_NOT_SET:
      break;
  }
  return errors::BadField("workload", "not set; one of builtin, spec and trace_sha256 is expected");
}

v1::Workload ToProto(const decltype(RunRequest::workload)& workload) {
  v1::Workload proto;
  if (const auto* choice = std::get_if<BuiltinChoice>(&workload)) {
    proto.mutable_builtin()->set_name(choice->name);
    proto.mutable_builtin()->set_seed(choice->seed);
    proto.mutable_builtin()->set_operations(choice->operations);
  } else if (const auto* spec = std::get_if<WorkloadSpec>(&workload)) {
    *proto.mutable_spec() = ToProto(*spec);
  } else if (const auto* trace = std::get_if<UploadedTrace>(&workload)) {
    proto.set_trace_sha256(trace->sha256);
  }
  return proto;
}

v1::ListBuiltinsResponse BuiltinsToProto() {
  v1::ListBuiltinsResponse proto;
  for (const BuiltinWorkload& workload : BuiltinWorkloads()) *proto.add_builtins() = BuiltinToProto(workload);
  return proto;
}

v1::TraceInfo ToProto(const TraceEntry& entry, const std::string& name) {
  v1::TraceInfo proto;
  proto.set_sha256(entry.sha256);
  proto.set_name(name);
  proto.set_format(entry.trace->format);
  proto.set_operations(entry.trace->operations.size());
  proto.set_heap_handles(entry.trace->heap_handles);
  for (const std::string& note : entry.trace->notes) proto.add_notes(note);
  return proto;
}

}  // namespace alloclab::server

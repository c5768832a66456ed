#include "clients/load/workload_source.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "clients/common/workload_argument.h"

namespace alloclab::load {
namespace {

absl::StatusOr<SizeDistribution> SizeFromProto(const v1::Size& size) {
  switch (size.distribution_case()) {
    case v1::Size::kFixed:
      return FixedSize{size.fixed()};
    case v1::Size::kUniform:
      return UniformSize{size.uniform().min(), size.uniform().max()};
    case v1::Size::kExponential:
      return ExponentialSize{size.exponential().mean(), size.exponential().max()};
    case v1::Size::kWeighted: {
      WeightedSizes weighted;
      for (const v1::Choice& choice : size.weighted().choices()) weighted.choices.emplace_back(choice.size(), choice.weight());
      return weighted;
    }
    case v1::Size::DISTRIBUTION_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("size: expected fixed, uniform, exponential or weighted");
}

absl::StatusOr<Phase> PhaseFromProto(const v1::Phase& message) {
  absl::StatusOr<SizeDistribution> size = SizeFromProto(message.size());
  if (!size.ok()) return size.status();
  if (!v1::FreeOrder_IsValid(message.free_order())) {
    return absl::InvalidArgumentError(fmt::format("free_order: {} is no FreeOrder", static_cast<int>(message.free_order())));
  }
  Phase phase{.name = message.name(),
              .operations = message.operations(),
              .live_blocks = message.live_blocks(),
              .size = *std::move(size),
              .free_order = static_cast<FreeOrder>(message.free_order()),
              .pages = message.pages()};
  if (message.has_mix()) {
    phase.malloc_weight = message.mix().malloc();
    phase.calloc_weight = message.mix().calloc();
    phase.realloc_weight = message.mix().realloc();
  }
  return phase;
}

absl::Status BadFile(const std::string& path, const client::Places& places, const absl::Status& status) {
  const std::string message(status.message());
  const std::string located = client::Locate(message, path, places);
  return absl::DataLossError(located.empty() ? fmt::format("{}: {}", path, message) : located);
}

struct Load {
  std::uint64_t seed;

  absl::StatusOr<LoadedWorkload> operator()(const client::BuiltinName& builtin) const {
    absl::StatusOr<Trace> trace = MakeBuiltin(builtin.name, seed, 0);
    if (!trace.ok()) return absl::DataLossError(trace.status().message());
    LoadedWorkload loaded;
    loaded.source.mutable_builtin()->set_name(builtin.name);
    loaded.source.mutable_builtin()->set_seed(seed);
    return WithScript(std::move(loaded), builtin.name, *std::move(trace));
  }

  absl::StatusOr<LoadedWorkload> operator()(const client::SpecificationFile& file) const {
    LoadedWorkload loaded;
    *loaded.source.mutable_spec() = file.spec;
    if (seed != 0) loaded.source.mutable_spec()->set_seed(seed);
    absl::StatusOr<WorkloadSpec> spec = FromProto(loaded.source.spec());
    if (!spec.ok()) return BadFile(file.path, file.places, spec.status());
    absl::StatusOr<Trace> trace = Generate(*spec);
    if (!trace.ok()) return BadFile(file.path, file.places, trace.status());
    return WithScript(std::move(loaded), file.path, *std::move(trace));
  }

  absl::StatusOr<LoadedWorkload> operator()(const client::TraceFile& file) const {
    if (seed != 0) return absl::InvalidArgumentError("--seed: a recorded trace has none");
    absl::StatusOr<Trace> trace = ReadTrace(file.bytes, file.path);
    if (!trace.ok()) return absl::DataLossError(trace.status().message());
    return WithScript({}, file.path, *std::move(trace));
  }

  absl::StatusOr<LoadedWorkload> operator()(const client::StoredTrace&) const {
    return absl::InvalidArgumentError(
        "a trace in the server's store cannot be fetched from there: expected the trace file itself");
  }

 private:
  static LoadedWorkload WithScript(LoadedWorkload loaded, std::string name, Trace trace) {
    loaded.script = std::make_shared<const Script>(MakeScript(std::move(name), std::move(trace)));
    return loaded;
  }
};

}  // namespace

absl::StatusOr<WorkloadSpec> FromProto(const v1::WorkloadSpec& message) {
  WorkloadSpec spec{.name = message.name(), .seed = message.seed(), .phases = {}};
  for (int i = 0; i < message.phases_size(); ++i) {
    absl::StatusOr<Phase> phase = PhaseFromProto(message.phases(i));
    if (!phase.ok()) return absl::InvalidArgumentError(fmt::format("phases[{}].{}", i, std::string(phase.status().message())));
    spec.phases.push_back(*std::move(phase));
  }
  return spec;
}

absl::StatusOr<LoadedWorkload> LoadWorkload(const std::string& argument, std::uint64_t seed) {
  const absl::StatusOr<client::WorkloadArgument> read = client::ReadWorkloadArgument(argument);
  if (!read.ok()) return read.status();
  return std::visit(Load{seed}, *read);
}

}  // namespace alloclab::load

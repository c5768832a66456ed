#include "clients/load/workload_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include "allocators/workload/builtins.h"
#include "clients/common/workload_argument.h"
#include "proto/converters/workload_spec.h"

namespace alloclab::load {
namespace {

absl::Status BadFile(const std::string& path, const client::Places& places, const absl::Status& status) {
  const std::string message(status.message());
  const std::string located = client::Locate(message, path, places);
  return absl::DataLossError(located.empty() ? fmt::format("{}: {}", path, message) : located);
}

// Of a built-in.
bool IsRecorded(std::string_view name) {
  const auto builtins = BuiltinWorkloads();
  return std::any_of(builtins.begin(), builtins.end(), [name](const BuiltinWorkload& builtin) {
    return builtin.name == name && !std::holds_alternative<WorkloadSpec>(builtin.content);
  });
}

struct Load {
  std::uint64_t seed;

  absl::StatusOr<LoadedWorkload> operator()(const client::BuiltinName& builtin) const {
    const std::uint64_t wanted_seed = seed != 0 ? seed : builtin.seed;
    if (wanted_seed != 0 && IsRecorded(builtin.name)) {
      return absl::InvalidArgumentError(fmt::format("--seed: {} is recorded and has no seed", builtin.name));
    }
    absl::StatusOr<Trace> trace = MakeBuiltin(builtin.name, wanted_seed, builtin.operations);
    if (!trace.ok()) return absl::DataLossError(trace.status().message());
    LoadedWorkload loaded;
    loaded.source.mutable_builtin()->set_name(builtin.name);
    loaded.source.mutable_builtin()->set_seed(wanted_seed);
    loaded.source.mutable_builtin()->set_operations(builtin.operations);
    return WithScript(std::move(loaded), builtin.name, *std::move(trace));
  }

  absl::StatusOr<LoadedWorkload> operator()(const client::SpecificationFile& file) const {
    LoadedWorkload loaded;
    *loaded.source.mutable_spec() = file.spec;
    if (seed != 0) loaded.source.mutable_spec()->set_seed(seed);
    absl::StatusOr<WorkloadSpec> spec = SpecFromProto(loaded.source.spec());
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

absl::StatusOr<LoadedWorkload> LoadWorkload(const std::string& argument, std::uint64_t seed) {
  const absl::StatusOr<client::WorkloadArgument> read = client::ReadWorkloadArgument(argument);
  if (!read.ok()) return read.status();
  return std::visit(Load{seed}, *read);
}

}  // namespace alloclab::load

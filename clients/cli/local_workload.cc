#include "clients/cli/local_workload.h"

#include <fmt/format.h>

#include <limits>
#include <utility>
#include <variant>

#include "allocators/workload/builtins.h"
#include "allocators/workload/trace_bytes.h"
#include "clients/common/workload_argument.h"
#include "proto/converters/workload_spec.h"

namespace alloclab::client {
namespace {

absl::Status AsBadWorkload(const absl::Status& status) { return absl::DataLossError(status.message()); }

struct Loader {
  std::uint64_t seed, operations;
  LocalWorkload& loaded;

  absl::StatusOr<Trace> operator()(const BuiltinName& builtin) const {
    loaded.name = builtin.name;
    return MakeBuiltin(builtin.name, seed != 0 ? seed : builtin.seed, operations != 0 ? operations : builtin.operations);
  }
  absl::StatusOr<Trace> operator()(const SpecificationFile& file) const {
    const absl::StatusOr<WorkloadSpec> spec = SpecFromProto(file.spec);
    if (!spec.ok()) return absl::DataLossError(Locate(std::string(spec.status().message()), file.path, file.places));
    return Generate(*spec);
  }
  absl::StatusOr<Trace> operator()(const TraceFile& file) const {
    loaded.file = file.bytes;
    return ReadTrace(file.bytes, file.path);
  }
  absl::StatusOr<Trace> operator()(const StoredTrace& trace) const {
    return absl::DataLossError(fmt::format("sha256:{}: only a server has stored traces; expected a file", trace.sha256));
  }
};

}  // namespace

absl::StatusOr<LocalWorkload> LoadLocalWorkload(const std::string& argument, std::uint64_t seed, std::uint64_t operations) {
  const absl::StatusOr<WorkloadArgument> meant = ReadWorkloadArgument(argument);
  if (!meant.ok()) return meant.status();
  LocalWorkload loaded;
  loaded.name = argument.substr(argument.rfind('/') + 1);
  absl::StatusOr<Trace> trace = std::visit(Loader{seed, operations, loaded}, *meant);
  if (!trace.ok()) return AsBadWorkload(trace.status());
  loaded.trace = *std::move(trace);
  return loaded;
}

std::uint64_t LineOfOperation(const LocalWorkload& workload, std::uint64_t operation) {
  if (!workload.trace.format.starts_with("cmu-rep")) return 0;
  TraceBytes bytes(workload.file, workload.name, std::numeric_limits<std::uint64_t>::max());
  std::uint64_t line = 1, seen = 0;
  bool in_front = true;  // nothing but spaces on the line until now
  while (bytes.Fill().ok() && !bytes.Window().empty()) {
    const char c = bytes.Window().front();
    if (c == '\n') {
      ++line;
      in_front = true;
    } else if (in_front && c != ' ' && c != '\t' && c != '\r') {
      in_front = false;
      if ((c == 'a' || c == 'f' || c == 'r') && seen++ == operation) return line;
    }
    bytes.Consume(1);
  }
  return 0;
}

}  // namespace alloclab::client

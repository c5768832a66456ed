#include "clients/cli/workload_request.h"

#include <fmt/format.h>

#include <string_view>

#include "absl/strings/match.h"
#include "allocators/common/suggestion.h"
#include "alloclab/v1/workload.grpc.pb.h"
#include "clients/cli/trace_upload.h"

namespace alloclab::client {
namespace {

constexpr std::size_t kLabelBytesMax = 128;

absl::Status Refuse(const char* option, const char* why) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", option, why));
}

// Puts what the argument means into the request, uploading a trace file first.
struct Resolver {
  const WorkloadOptions& given;
  const Connection& connection;
  Interruption& interruption;
  Progress& progress;
  v1::Workload& workload;
  std::vector<std::string>& notes;

  absl::Status operator()(const BuiltinName& builtin) const {
    if (absl::Status status = RefuseLogOptions(); !status.ok()) return status;
    workload.mutable_builtin()->set_name(builtin.name);
    workload.mutable_builtin()->set_seed(given.seed != 0 ? given.seed : builtin.seed);
    workload.mutable_builtin()->set_operations(given.operations != 0 ? given.operations : builtin.operations);
    return absl::OkStatus();
  }
  absl::Status operator()(const SpecificationFile& file) const {
    if (given.operations != 0) return Refuse("--operations", "only for built-in workloads; a specification has its own");
    if (absl::Status status = RefuseLogOptions(); !status.ok()) return status;
    *workload.mutable_spec() = file.spec;
    if (given.seed != 0) workload.mutable_spec()->set_seed(given.seed);
    return absl::OkStatus();
  }
  absl::Status operator()(const TraceFile& file) const {
    if (absl::Status status = RefuseForTrace(); !status.ok()) return status;
    const absl::StatusOr<v1::TraceInfo> info = Upload(file);
    if (!info.ok()) return info.status();
    notes.assign(info->notes().begin(), info->notes().end());
    workload.set_trace_sha256(info->sha256());
    return absl::OkStatus();
  }
  absl::Status operator()(const StoredTrace& trace) const {
    workload.set_trace_sha256(trace.sha256);
    if (absl::Status status = RefuseLogOptions(); !status.ok()) return status;
    return RefuseForTrace();
  }

 private:
  absl::StatusOr<v1::TraceInfo> Upload(const TraceFile& file) const {
    if (GivenPolicies(given.log).empty()) return UploadTrace(connection, file, interruption, progress);
    absl::StatusOr<std::string> read = ImportAsAllocTrace(file.bytes, file.path, given.log);
    if (!read.ok()) return read.status();
    return UploadTrace(connection, {.path = file.path, .bytes = *std::move(read)}, interruption, progress);
  }
  absl::Status RefuseLogOptions() const {
    const std::string policies = GivenPolicies(given.log);
    if (policies.empty()) return absl::OkStatus();
    return Refuse(policies.c_str(), "only for the file of a trace");
  }
  absl::Status RefuseForTrace() const {
    if (given.seed != 0) return Refuse("--seed", "a recorded trace has no seed");
    if (given.operations != 0) return Refuse("--operations", "only for built-in workloads; a trace is replayed whole");
    return absl::OkStatus();
  }
};

absl::Status UnknownBuiltin(const Connection& connection, const std::string& name) {
  const absl::StatusOr<v1::ListBuiltinsResponse> list =
      connection.Call(&v1::Workloads::Stub::ListBuiltins, v1::ListBuiltinsRequest());
  if (!list.ok()) return list.status();
  std::vector<std::string_view> names;
  for (const v1::Builtin& builtin : list->builtins()) names.push_back(builtin.name());
  const std::string_view nearest = NearestName(name, names);
  return absl::DataLossError(fmt::format(
      "'{}' is neither a file nor a built-in workload; {}", name,
      nearest.empty() ? fmt::format("there are {}", fmt::join(names, ", ")) : fmt::format("did you mean '{}'?", nearest)));
}

}  // namespace

absl::Status ResolveWorkload(const WorkloadArgument& argument, const WorkloadOptions& options, const Connection& connection,
                             Interruption& interruption, Progress& progress, v1::Workload& workload,
                             std::vector<std::string>& notes) {
  return std::visit(Resolver{options, connection, interruption, progress, workload, notes}, argument);
}

absl::Status ExplainRefusal(const absl::Status& status, const WorkloadArgument& argument, const Connection& connection) {
  if (const auto* builtin = std::get_if<BuiltinName>(&argument);
      builtin != nullptr && status.code() == absl::StatusCode::kNotFound) {
    return UnknownBuiltin(connection, builtin->name);
  }
  const bool of_trace = absl::StartsWith(status.message(), "sha256:DIGEST");  // as Connection names the request's field
  if (std::holds_alternative<StoredTrace>(argument) && of_trace) return absl::DataLossError(status.message());
  const auto* file = std::get_if<SpecificationFile>(&argument);
  if (file == nullptr || status.code() != absl::StatusCode::kInvalidArgument) return status;
  std::string message(status.message());
  if (message.starts_with("workload.spec.")) message.erase(0, message.find("spec.") + 5);
  const bool of_workload = message.starts_with("phases") || message.starts_with("workload");
  return of_workload ? absl::DataLossError(Locate(message, file->path, file->places)) : status;
}

std::string DefaultLabel(const std::string& given, const WorkloadArgument& argument) {
  const bool file = std::holds_alternative<SpecificationFile>(argument) || std::holds_alternative<TraceFile>(argument);
  if (!file || given == "-") return "";
  const std::string name = FileName(given);
  return name.size() <= kLabelBytesMax ? name : "";
}

}  // namespace alloclab::client

#include "server/converters/workload_converter.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "allocators/workload/builtins.h"
#include "proto/converters/workload_spec.h"
#include "server/converters/list_converter.h"
#include "server/converters/time_converter.h"
#include "server/errors.h"

namespace alloclab::server {
namespace {

bool IsDigest(const std::string& text) {
  const auto is_hex = [](char letter) { return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f'); };
  return text.size() == 64 && std::all_of(text.begin(), text.end(), is_hex);
}

v1::Builtin BuiltinToProto(const BuiltinWorkload& workload) {
  v1::Builtin proto;
  proto.set_name(workload.name);
  proto.set_description(workload.description);
  if (const auto* spec = std::get_if<WorkloadSpec>(&workload.content)) {
    *proto.mutable_spec() = SpecToProto(*spec);
    std::uint64_t operations = 0;
    for (const Phase& phase : spec->phases) operations += phase.operations;
    proto.set_operations(operations);
  } else if (const auto trace = MakeBuiltin(workload.name, 0, 0); trace.ok()) {
    proto.set_operations(trace->operations.size());
  }
  return proto;
}

}  // namespace

absl::StatusOr<decltype(RunRequest::workload)> FromProto(const v1::Workload& proto) {
  switch (proto.source_case()) {
    case v1::Workload::kBuiltin:
      return BuiltinChoice{proto.builtin().name(), proto.builtin().seed(), proto.builtin().operations()};
    case v1::Workload::kSpec: {
      absl::StatusOr<WorkloadSpec> spec = SpecFromProto(proto.spec());
      if (!spec.ok()) {
        return absl::InvalidArgumentError(fmt::format("workload.spec.{}", std::string(spec.status().message())));
      }
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
    *proto.mutable_spec() = SpecToProto(*spec);
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

v1::ListTracesResponse ToProto(const TraceList& list, std::size_t size) {
  v1::ListTracesResponse page;
  PageBounds bounds(size);
  std::uint64_t last = 0;  // on the page, if the list goes on behind it
  for (const StoredTrace& trace : list.traces) {
    v1::TraceInfo listed;
    listed.set_sha256(trace.sha256);
    listed.set_name(trace.name);
    listed.set_format(trace.format);
    listed.set_operations(trace.operations);
    listed.set_bytes(trace.bytes);
    *listed.mutable_upload_time() = ToProto(trace.upload_time);
    listed.set_owner(trace.owner);
    if (!bounds.Admit(listed.ByteSizeLong())) {
      last = list.traces[static_cast<std::size_t>(page.traces_size()) - 1].id;
      page.set_next_page_token(std::to_string(last));
      break;
    }
    *page.add_traces() = std::move(listed);
  }
  for (const std::uint64_t id : list.damaged) {
    if (id > last) page.add_damaged(fmt::format("trace {}", id));
  }
  return page;
}

}  // namespace alloclab::server

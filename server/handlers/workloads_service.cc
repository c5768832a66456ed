#include "server/handlers/workloads_service.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "server/access/owner.h"
#include "server/converters/list_converter.h"
#include "server/converters/workload_converter.h"
#include "server/entities/memory_lease.h"
#include "server/errors.h"
#include "server/handlers/grpc_status.h"
#include "server/handlers/upload.h"
#include "server/limits.h"
#include "server/log.h"

namespace alloclab::server {
WorkloadsService::WorkloadsService(TraceLibrary& traces, RunExecutor& runs, const Callers& callers, OpenCalls& uploads,
                                   CallQueue& calls)
    : QueuedService(callers), traces_(traces), runs_(runs), uploads_(uploads) {
  Queue(calls, "ListBuiltins", &WorkloadsService::DoListBuiltins);
  Queue(calls, "ListTraces", &WorkloadsService::DoListTraces);
  Queue(calls, "DeleteTrace", &WorkloadsService::DoDeleteTrace);
}

grpc::Status WorkloadsService::DoListBuiltins(const Caller&, const v1::ListBuiltinsRequest&, v1::ListBuiltinsResponse& reply) {
  reply = BuiltinsToProto();
  return grpc::Status::OK;
}

grpc::Status WorkloadsService::UploadTrace(grpc::ServerContext* context, grpc::ServerReader<v1::UploadTraceRequest>* reader,
                                           v1::TraceInfo* reply) {
  const absl::StatusOr<std::string> owner = callers_.Enter(*context);
  if (!owner.ok()) return ToGrpcStatus(owner.status());
  if (absl::Status status = AdmitUpload(uploads_, *context, *owner); !status.ok()) return ToGrpcStatus(status);
  const absl::Cleanup leave = [&] { uploads_.Leave(context); };
  MemoryLease lease(traces_.budget());
  absl::StatusOr<UploadedFile> file =
      ReadUpload(*context, *reader, uploads_, lease, kTraceUploadBytesMax, errors::TraceUploadTooLarge(kTraceUploadBytesMax));
  if (!file.ok()) return ToGrpcStatus(file.status());
  if (file->name.empty()) file->name = "trace";
  const absl::StatusOr<Bearer> who = callers_.Who(*context);
  if (!who.ok()) return ToGrpcStatus(who.status());
  const absl::StatusOr<TraceEntry> entry = runs_.AddTrace(
      std::move(file->bytes), file->name, [context] { return context->IsCancelled(); }, who->name);
  if (!entry.ok()) return ToGrpcStatus(entry.status());
  *reply = ToProto(*entry, file->name);
  Log(LogLevel::kInfo, "trace.uploaded",
      {{"name", reply->name()}, {"sha256", reply->sha256()}, {"operations", reply->operations()}});
  return grpc::Status::OK;
}

grpc::Status WorkloadsService::DoListTraces(const Caller&, const v1::ListTracesRequest& request,
                                            v1::ListTracesResponse& reply) {
  const auto size = PageSizeFromProto(request.page_size(), kListTracesDefault, kListTracesMax);
  if (!size.ok()) return ToGrpcStatus(size.status());
  const auto before = PageTokenFromProto(request.page_token());
  if (!before.ok()) return ToGrpcStatus(before.status());
  const auto traces = traces_.List(*before, *size);
  if (!traces.ok()) return ToGrpcStatus(traces.status());
  const auto stored = traces_.StoredBytes();
  if (!stored.ok()) return ToGrpcStatus(stored.status());
  reply = ToProto(*traces, *size);
  reply.set_stored_bytes(*stored);
  reply.set_stored_bytes_max(traces_.bytes_max());
  return grpc::Status::OK;
}

grpc::Status WorkloadsService::DoDeleteTrace(const Caller& caller, const v1::DeleteTraceRequest& request,
                                             v1::DeleteTraceResponse&) {
  const absl::StatusOr<Bearer> who = callers_.Who(caller);
  if (!who.ok()) return ToGrpcStatus(who.status());
  absl::Status status = runs_.DeleteTrace(request.sha256(), [&](const std::string& owner) {
    return CheckOwner(*who, owner, fmt::format("trace {}", request.sha256()));
  });
  if (status.ok()) Log(LogLevel::kInfo, "trace.deleted", {{"sha256", request.sha256()}});
  return ToGrpcStatus(status);
}

}  // namespace alloclab::server

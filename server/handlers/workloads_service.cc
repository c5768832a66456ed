#include "server/handlers/workloads_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "allocators/common/printable.h"
#include "proto/converters/bounds.h"
#include "server/converters/list_converter.h"
#include "server/converters/workload_converter.h"
#include "server/entities/memory_lease.h"
#include "server/errors.h"
#include "server/handlers/grpc_status.h"
#include "server/limits.h"
#include "server/log.h"

namespace alloclab::server {
namespace {

struct UploadedFile {
  std::string name;
  std::string bytes;
};

// Room for so many bytes more, taken from the budget before; while the text moves it is in memory twice.
absl::Status MakeRoom(std::size_t more, std::string& bytes, MemoryLease& lease) {
  if (more <= bytes.capacity() - bytes.size()) return absl::OkStatus();
  const std::size_t capacity = std::max(bytes.size() + more, 2 * bytes.capacity());
  if (absl::Status status = lease.Take(capacity); !status.ok()) return status;
  bytes.reserve(capacity);
  lease.Settle(bytes.capacity());
  return absl::OkStatus();
}

absl::StatusOr<UploadedFile> ReadFile(grpc::ServerContext& context, grpc::ServerReader<v1::UploadTraceRequest>& reader,
                                      OpenCalls& uploads, MemoryLease& lease) {
  UploadedFile file;
  v1::UploadTraceRequest chunk;
  for (bool first = true; reader.Read(&chunk); first = false) {
    uploads.Heard(&context);
    if (absl::Status status = CheckBounds(chunk); !status.ok()) return status;
    if (first) file.name = Printable(chunk.name());
    if (file.name.size() > kFileNameMax) {
      return errors::BadField("name", fmt::format("{} characters; at most {} are allowed", file.name.size(), kFileNameMax));
    }
    if (chunk.data().size() > kTraceUploadBytesMax - file.bytes.size())
      return errors::TraceUploadTooLarge(kTraceUploadBytesMax);
    if (absl::Status status = MakeRoom(chunk.data().size(), file.bytes, lease); !status.ok()) return status;
    file.bytes += chunk.data();
  }
  if (context.IsCancelled()) return errors::CallCancelled();
  if (file.name.empty()) file.name = "trace";
  return file;
}

}  // namespace

WorkloadsService::WorkloadsService(TraceLibrary& traces, RunExecutor& runs, OpenCalls& uploads, CallQueue& calls)
    : traces_(traces), runs_(runs), uploads_(uploads) {
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
  if (absl::Status status = uploads_.Admit(
          context, context->peer(), errors::TooManyUploads(uploads_.max()),
          [context](const absl::Status& why) {
            Log(LogLevel::kWarning, "upload.ended", {{"client", context->peer()}, {"reason", std::string(why.message())}});
            context->TryCancel();  // wakes the read that waits for the client
          });
      !status.ok()) {
    return ToGrpcStatus(status);
  }
  const absl::Cleanup leave = [&] { uploads_.Leave(context); };
  MemoryLease lease(traces_.budget());
  absl::StatusOr<UploadedFile> file = ReadFile(*context, *reader, uploads_, lease);
  if (!file.ok()) return ToGrpcStatus(file.status());
  const absl::StatusOr<TraceEntry> entry =
      runs_.AddTrace(std::move(file->bytes), file->name, [context] { return context->IsCancelled(); });
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

grpc::Status WorkloadsService::DoDeleteTrace(const Caller&, const v1::DeleteTraceRequest& request, v1::DeleteTraceResponse&) {
  absl::Status status = runs_.DeleteTrace(request.sha256());
  if (status.ok()) Log(LogLevel::kInfo, "trace.deleted", {{"sha256", request.sha256()}});
  return ToGrpcStatus(status);
}

}  // namespace alloclab::server

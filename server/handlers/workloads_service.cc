#include "server/handlers/workloads_service.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "allocators/common/printable.h"
#include "server/converters/workload_converter.h"
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

absl::StatusOr<UploadedFile> ReadFile(grpc::ServerContext& context, grpc::ServerReader<v1::UploadTraceRequest>& reader,
                                      OpenCalls& uploads) {
  UploadedFile file;
  v1::UploadTraceRequest chunk;
  for (bool first = true; reader.Read(&chunk); first = false) {
    uploads.Heard(&context);
    if (first) file.name = Printable(chunk.name());
    if (file.name.size() > kFileNameMax) {
      return errors::BadField("name", fmt::format("{} characters; at most {} are allowed", file.name.size(), kFileNameMax));
    }
    if (chunk.data().size() > kTraceUploadBytesMax - file.bytes.size())
      return errors::TraceUploadTooLarge(kTraceUploadBytesMax);
    file.bytes += chunk.data();
  }
  if (context.IsCancelled()) return errors::CallCancelled();
  if (file.name.empty()) file.name = "trace";
  return file;
}

}  // namespace

grpc::Status WorkloadsService::ListBuiltins(grpc::ServerContext*, const v1::ListBuiltinsRequest*,
                                            v1::ListBuiltinsResponse* reply) {
  *reply = BuiltinsToProto();
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
  absl::StatusOr<UploadedFile> file = ReadFile(*context, *reader, uploads_);
  if (!file.ok()) return ToGrpcStatus(file.status());
  const absl::StatusOr<TraceEntry> entry = traces_.Add(std::move(file->bytes), file->name);
  if (!entry.ok()) return ToGrpcStatus(entry.status());
  *reply = ToProto(*entry, file->name);
  Log(LogLevel::kInfo, "trace.uploaded",
      {{"name", reply->name()}, {"sha256", reply->sha256()}, {"operations", reply->operations()}});
  return grpc::Status::OK;
}

}  // namespace alloclab::server

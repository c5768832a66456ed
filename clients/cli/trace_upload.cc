#include "clients/cli/trace_upload.h"

#include <algorithm>
#include <memory>
#include <string>

#include "alloclab/v1/workload.grpc.pb.h"

namespace alloclab::client {
namespace {

constexpr std::size_t kChunkBytes = 1 << 20;
constexpr std::chrono::milliseconds kUploadDeadline{600'000};

}  // namespace

std::string FileName(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

absl::StatusOr<v1::TraceInfo> UploadTrace(const Connection& connection, const TraceFile& file, Interruption& interruption,
                                          Progress& progress) {
  v1::Workloads::Stub stub(connection.channel());
  const std::shared_ptr<grpc::ClientContext> context = connection.MakeContext(kUploadDeadline);
  interruption.Set([context] { context->TryCancel(); });
  v1::TraceInfo info;
  const auto writer = stub.UploadTrace(context.get(), &info);
  v1::UploadTraceRequest request;
  request.set_name(FileName(file.path));
  for (std::size_t sent = 0; sent < file.bytes.size();) {
    const std::size_t size = std::min(kChunkBytes, file.bytes.size() - sent);
    request.set_data(file.bytes.data() + sent, size);
    if (!writer->Write(request)) break;  // the server has answered already: Finish says what
    request.clear_name();
    sent += size;
    progress.Update("uploading", sent, file.bytes.size(), true);
  }
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  if (status.ok()) return info;
  if (interruption.interrupted()) return absl::CancelledError("interrupted while uploading the trace; nothing was submitted");
  if (status.error_code() == grpc::StatusCode::INVALID_ARGUMENT) return absl::DataLossError(status.error_message());
  return connection.Explain(status);
}

}  // namespace alloclab::client

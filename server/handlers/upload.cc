#include "server/handlers/upload.h"

#include <fmt/format.h>

#include <algorithm>

#include "server/limits.h"
#include "server/log.h"

namespace alloclab::server {
namespace {

// Room for so many bytes more; while the text moves it is in memory twice.
absl::Status MakeRoom(std::size_t more, std::string& bytes, MemoryLease& lease) {
  if (more <= bytes.capacity() - bytes.size()) return absl::OkStatus();
  const std::size_t capacity = std::max(bytes.size() + more, 2 * bytes.capacity());
  if (absl::Status status = lease.Take(capacity); !status.ok()) return status;
  bytes.reserve(capacity);
  lease.Settle(bytes.capacity());
  return absl::OkStatus();
}

}  // namespace

absl::Status AdmitUpload(OpenCalls& uploads, grpc::ServerContext& context, const std::string& owner) {
  return uploads.Admit(
      &context, {context.peer(), owner}, errors::TooManyUploads(uploads.max()), [&context](const absl::Status& why) {
        Log(LogLevel::kWarning, "upload.ended", {{"client", context.peer()}, {"reason", std::string(why.message())}});
        context.TryCancel();  // wakes the read that waits for the client
      });
}

absl::Status AddChunk(const std::string& name, const std::string& data, bool first, UploadedFile& file, MemoryLease& lease) {
  if (first) file.name = Printable(name);
  if (file.name.size() > kFileNameMax) {
    return errors::BadField("name", fmt::format("{} characters; at most {} are allowed", file.name.size(), kFileNameMax));
  }
  if (absl::Status status = MakeRoom(data.size(), file.bytes, lease); !status.ok()) return status;
  file.bytes += data;
  return absl::OkStatus();
}

}  // namespace alloclab::server

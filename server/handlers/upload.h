// A file that comes in chunks: how uploads are admitted and read, whatever is in them.
#ifndef ALLOCLAB_SERVER_HANDLERS_UPLOAD_H_
#define ALLOCLAB_SERVER_HANDLERS_UPLOAD_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "allocators/common/printable.h"
#include "proto/converters/bounds.h"
#include "server/entities/memory_lease.h"
#include "server/errors.h"
#include "server/handlers/open_calls.h"

namespace alloclab::server {

struct UploadedFile {
  std::string name, bytes;
};

// One more open upload, which is to Leave `uploads`; a silent one is ended where others wait. RESOURCE_EXHAUSTED.
absl::Status AdmitUpload(OpenCalls& uploads, grpc::ServerContext& context, const std::string& owner);

// Adds a chunk to the file, whose memory is taken from the budget before.
absl::Status AddChunk(const std::string& name, const std::string& data, bool first, UploadedFile& file, MemoryLease& lease);

// The whole file; of more than `bytes_max` the error `too_large`. Chunk: a message with a name, that of the first counts, and
// data.
template <class Chunk>
absl::StatusOr<UploadedFile> ReadUpload(grpc::ServerContext& context, grpc::ServerReader<Chunk>& reader, OpenCalls& uploads,
                                        MemoryLease& lease, std::size_t bytes_max, const absl::Status& too_large) {
  UploadedFile file;
  Chunk chunk;
  for (bool first = true; reader.Read(&chunk); first = false) {
    uploads.Heard(&context);
    if (absl::Status status = CheckBounds(chunk); !status.ok()) return status;
    if (chunk.data().size() > bytes_max - file.bytes.size()) return too_large;
    if (absl::Status status = AddChunk(chunk.name(), chunk.data(), first, file, lease); !status.ok()) return status;
  }
  if (context.IsCancelled()) return errors::CallCancelled();
  return file;
}

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_UPLOAD_H_

// Reads an .alloctrace file frame by frame, in constant memory. Every byte is covered by a checksum, and the operations by
// their SHA-256: what was changed is an error that says where. Where the file was cut off, the whole frames before are its
// operations.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_ALLOCTRACE_READER_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_ALLOCTRACE_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "allocators/common/sha256.h"
#include "allocators/workload/alloctrace.h"
#include "allocators/workload/alloctrace_codec.h"
#include "allocators/workload/trace_bytes.h"

struct ZSTD_DCtx_s;

namespace alloclab {

class AllocTraceReader {
 public:
  // `bytes` outlives this; `name` is for errors. RESOURCE_EXHAUSTED after so many bytes of inflated frames.
  AllocTraceReader(TraceBytes& bytes, std::string_view name, std::uint64_t inflated_bytes_max);
  ~AllocTraceReader();

  // Reads magic and HEAD. Call first. INVALID_ARGUMENT: no such file, a version that is not known, damage.
  absl::Status Start();
  // Instead of Start(): `bytes` begins at that frame, as the file's index says; `version` is that of the file. Neither SHA-256
  // nor the order of sites is checked then.
  void StartAt(const FrameEntry& frame, char version = kAllocTraceMagic[kAllocTraceVersionAt]);

  // The operations of the next frame. False: there is none.
  absl::StatusOr<bool> Next(std::vector<RecordedOperation>& operations);

  const TraceAttributes& attributes() const { return attributes_; }  // of HEAD
  bool with_sites() const { return with_sites_; }                    // the file is of the version that has call sites
  std::uint64_t operations() const { return operations_; }           // so far
  const alloctrace::Handles& handles() const { return handles_; }
  // After the last frame: what the file says at its end, or nothing if it was cut off; then `cut` says where.
  const std::optional<AllocTraceEnd>& end() const { return end_; }
  const std::string& cut() const { return cut_; }
  // After the last frame: what the file says of its call sites, by their number; those of a file that was cut off it may not
  // tell. For the caller to take.
  SiteTable& sites() { return sites_; }

 private:
  struct Free {
    void operator()(ZSTD_DCtx_s* context) const;
  };

  // The next chunk's kind, its payload in payload_. Empty: the file ends before the chunk does.
  absl::StatusOr<std::string_view> ReadChunk();
  absl::StatusOr<bool> Gather(std::size_t size, std::string& out);
  absl::StatusOr<std::string_view> Inflate();
  absl::Status ReadSites();
  absl::Status ReadFrame(std::vector<RecordedOperation>& operations);
  absl::Status ReadEnd();
  absl::Status At(std::uint64_t offset, std::string_view what) const;
  void Cut();

  TraceBytes& bytes_;
  const std::string name_;
  const std::uint64_t inflated_bytes_max_;
  const std::unique_ptr<ZSTD_DCtx_s, Free> zstd_;
  std::uint64_t base_ = 0;   // where in the file `bytes_` begins
  std::uint64_t chunk_ = 0;  // where the chunk that is read begins
  std::uint64_t inflated_ = 0, operations_ = 0, frames_ = 0;
  bool whole_ = true;  // from the first operation on
  bool ended_ = false;
  bool with_sites_ = false;  // of the version that has them
  std::size_t sites_inflated_ = 0;
  SiteTable sites_;
  std::string payload_, frame_;
  alloctrace::Handles handles_;
  TraceAttributes attributes_;
  std::optional<AllocTraceEnd> end_;
  std::string cut_;
  Sha256 digest_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_ALLOCTRACE_READER_H_

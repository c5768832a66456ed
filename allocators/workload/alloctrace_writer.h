// Writes an .alloctrace file, frame by frame, in constant memory but for one word for each handle.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_ALLOCTRACE_WRITER_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_ALLOCTRACE_WRITER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "allocators/common/sha256.h"
#include "allocators/workload/alloctrace.h"
#include "allocators/workload/alloctrace_codec.h"

struct ZSTD_CCtx_s;

namespace alloclab {

class AllocTraceWriter {
 public:
  // Takes the next bytes of the file, whole chunks only. An error of it is that of the call which wrote.
  using Sink = std::function<absl::Status(std::string_view bytes)>;

  // `level` is zstd's: 1 is fast, 19 small. Texts of attributes are made printable ASCII and cut to the limits. `with_sites`:
  // operations may have call sites, and the file is of the version that has them.
  AllocTraceWriter(Sink sink, TraceAttributes attributes, int level = 3, bool with_sites = false);
  ~AllocTraceWriter();

  // INVALID_ARGUMENT: an operation that the format cannot say: a handle or a site beyond the next new one, a field that its
  // kind has not, a site in a file without.
  absl::Status Add(const RecordedOperation& recorded);
  // Writes what was added since the last frame, so that a crash cannot lose it.
  absl::Status Flush();
  // What is known of the sites, before the end: texts as those of attributes, sites and depths beyond the limits left off.
  // REQUIRES: with_sites; frames that are in the table.
  absl::Status AddSites(SiteTable table);
  // The end of the file. No other call may follow.
  absl::Status Finish(const std::vector<std::string>& notes);

  std::uint64_t operations() const { return end_.operations; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
  };

  absl::Status WriteCompressed(std::string_view kind, std::string_view payload);
  absl::Status Write(std::string_view kind, std::string_view payload);
  absl::Status WriteHead();
  void StartFrame();
  void CountLive(const Operation& op);

  const Sink sink_;
  const TraceAttributes attributes_;
  const int level_;
  const bool with_sites_;
  const std::unique_ptr<ZSTD_CCtx_s, Free> zstd_;
  AllocTraceEnd end_;
  alloctrace::Handles handles_;
  alloctrace::OperationCoder coder_{with_sites_};
  FrameEntry frame_;                      // the one that is filled
  std::uint64_t indexed_ = 0, step_ = 1;  // frames seen by the index, of which it takes every `step_`th
  std::uint32_t frame_operations_ = 0;
  std::string operations_, compressed_;
  std::vector<std::uint64_t> live_;  // by heap handle: one more than the block's bytes, or 0
  std::uint64_t live_blocks_ = 0, live_bytes_ = 0, bytes_ = 0;
  Sha256 digest_;
};

// A whole trace as a file; its format, notes and call sites are kept in it.
absl::StatusOr<std::string> WriteAllocTrace(const Trace& trace, TraceAttributes attributes = {}, int level = 19);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_ALLOCTRACE_WRITER_H_

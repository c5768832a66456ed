// The bytes of a trace file as its reader sees them: inflated on the way if they are gzip, so that a compressed file never
// stands in memory whole.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_BYTES_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "allocators/common/interrupt.h"

struct z_stream_s;

namespace alloclab {

class TraceBytes {
 public:
  // Window() shows at least this many bytes after Fill(), unless the input ends before.
  static constexpr std::size_t kLookahead = 1024;

  // `bytes` must outlive this; `name` is for errors. RESOURCE_EXHAUSTED from Fill() after `inflated_bytes_max`, CANCELLED when
  // it is interrupted.
  TraceBytes(std::string_view bytes, std::string_view name, std::uint64_t inflated_bytes_max, Interrupt interrupt = {});
  ~TraceBytes();
  TraceBytes(const TraceBytes&) = delete;
  TraceBytes& operator=(const TraceBytes&) = delete;

  // INVALID_ARGUMENT: the gzip data is corrupt or ends too soon.
  absl::Status Fill();
  // Fill() would do something.
  bool NeedsFill() const { return !ended_ && window_.size() < kLookahead; }
  // What comes next. Empty after Fill(): the end.
  std::string_view Window() const { return window_; }
  void Consume(std::size_t bytes) { window_.remove_prefix(bytes); }
  // Bytes consumed so far.
  std::uint64_t Offset() const { return produced_ - window_.size(); }

  // Adds a note of what was odd in the compressed data so far and let pass: zero bytes after its end, as tapes and block
  // devices pad a file.
  void Tell(std::vector<std::string>& notes) const;

 private:
  struct EndInflate {
    void operator()(z_stream_s* stream) const;
  };
  static constexpr std::size_t kBufferBytes = 256 * 1024;

  absl::Status Inflate();
  absl::Status StartMember();
  absl::Status GzipError(std::string_view what) const;

  const std::string_view bytes_;
  const std::string name_;
  const std::uint64_t inflated_bytes_max_;
  const Interrupt interrupt_;
  std::unique_ptr<z_stream_s, EndInflate> stream_;  // null for plain input
  std::uint64_t padding_bytes_ = 0;                 // zeros at the end of the compressed data
  bool ended_ = false;                              // nothing comes after the window
  std::vector<unsigned char> buffer_;               // of inflated bytes
  std::string_view window_;
  std::uint64_t produced_ = 0;  // bytes that were ever in the window
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_BYTES_H_

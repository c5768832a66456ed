// The bytes of a trace file as its reader sees them: decompressed on the way if they are gzip, zstd or xz, so that a compressed
// file never stands in memory whole.
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
#include "allocators/workload/byte_source.h"
#include "allocators/workload/decoder.h"

namespace alloclab {

class TraceBytes {
 public:
  // Window() shows at least this many bytes after Fill(), unless the input ends before.
  static constexpr std::size_t kLookahead = 1024;
  // The most that can be asked for.
  static constexpr std::size_t kLookaheadMax = 64 * 1024;

  // `bytes` or `source` must outlive this; `name` is for errors. RESOURCE_EXHAUSTED from Fill() after `inflated_bytes_max`,
  // CANCELLED when it is interrupted.
  TraceBytes(std::string_view bytes, std::string_view name, std::uint64_t inflated_bytes_max, Interrupt interrupt = {});
  TraceBytes(ByteSource& source, std::string_view name, std::uint64_t inflated_bytes_max, Interrupt interrupt = {});
  TraceBytes(const TraceBytes&) = delete;
  TraceBytes& operator=(const TraceBytes&) = delete;

  // INVALID_ARGUMENT: the compressed data is damaged or ends too soon; errors of the source. REQUIRES: wanted <= kLookaheadMax.
  absl::Status Fill(std::size_t wanted = kLookahead);
  // Fill() would do something.
  bool NeedsFill(std::size_t wanted = kLookahead) const { return !ended_ && window_.size() < wanted; }
  // What comes next. Empty after Fill(): the end.
  std::string_view Window() const { return window_; }
  void Consume(std::size_t bytes) { window_.remove_prefix(bytes); }
  // Bytes consumed so far.
  std::uint64_t Offset() const { return produced_ - window_.size(); }

  // Adds a note of what was odd in the compressed data so far and let pass: zero bytes after its end, as tapes and block
  // devices pad a file.
  void Tell(std::vector<std::string>& notes) const;

 private:
  static constexpr std::size_t kBufferBytes = 256 * 1024;

  absl::Status Start();
  // The next bytes of the source become input_.
  absl::Status Refill();
  absl::Status Produce(DecoderRoom& room);
  absl::Status Damaged(std::string_view what) const;

  std::unique_ptr<ByteSource> own_source_;
  ByteSource& source_;
  const std::string name_;
  const std::uint64_t inflated_bytes_max_;
  const Interrupt interrupt_;
  bool started_ = false;
  std::unique_ptr<Decoder> decoder_;  // null for plain input
  std::string_view input_;            // of the source, not yet taken
  std::uint64_t taken_ = 0;           // bytes of the source that are in input_ or behind it
  bool ended_ = false;                // nothing comes after the window
  std::vector<char> buffer_;          // of what the window shows, but for plain bytes in memory
  std::string_view window_;
  std::uint64_t produced_ = 0;  // bytes that were ever in the window
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_BYTES_H_

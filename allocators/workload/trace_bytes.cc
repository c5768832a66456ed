#include "allocators/workload/trace_bytes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"

namespace alloclab {

TraceBytes::TraceBytes(std::string_view bytes, std::string_view name, std::uint64_t inflated_bytes_max, Interrupt interrupt)
    : own_source_(std::make_unique<MemorySource>(bytes)),
      source_(*own_source_),
      name_(name),
      inflated_bytes_max_(inflated_bytes_max),
      interrupt_(std::move(interrupt)) {}

TraceBytes::TraceBytes(ByteSource& source, std::string_view name, std::uint64_t inflated_bytes_max, Interrupt interrupt)
    : source_(source), name_(name), inflated_bytes_max_(inflated_bytes_max), interrupt_(std::move(interrupt)) {}

absl::Status TraceBytes::Fill(std::size_t wanted) {
  ALLOCLAB_CHECK_LE(wanted, kLookaheadMax);
  if (!NeedsFill(wanted)) return absl::OkStatus();
  if (Interrupted(interrupt_)) return absl::CancelledError("the trace was not read to its end: nobody waits for it");
  if (!started_) {
    if (absl::Status status = Start(); !status.ok() || ended_) return status;
  }
  std::copy(window_.begin(), window_.end(), buffer_.begin());
  DecoderRoom room{buffer_.data() + window_.size(), buffer_.size() - window_.size()};
  const std::size_t space = room.bytes;
  const absl::Status status = Produce(room);
  const std::size_t fresh = space - room.bytes;
  window_ = {buffer_.data(), window_.size() + fresh};
  produced_ += fresh;
  if (!status.ok()) return status;
  if (decoder_ && produced_ > inflated_bytes_max_) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("%s: inflates to more than %d bytes, the limit", name_, inflated_bytes_max_));
  }
  return absl::OkStatus();
}

absl::Status TraceBytes::Start() {
  started_ = true;
  if (absl::Status status = Refill(); !status.ok()) return status;
  decoder_ = MakeDecoder(input_);
  if (!decoder_ && own_source_) {  // plain bytes in memory are shown where they are
    window_ = std::exchange(input_, {});
    produced_ = window_.size();
    ended_ = true;
  } else {
    buffer_.resize(kBufferBytes);
  }
  return absl::OkStatus();
}

absl::Status TraceBytes::Refill() {
  const absl::StatusOr<std::string_view> next = source_.Next();
  if (!next.ok()) return next.status();
  input_ = *next;
  taken_ += input_.size();
  return absl::OkStatus();
}

absl::Status TraceBytes::Produce(DecoderRoom& room) {
  while (true) {
    if (decoder_) {
      if (absl::Status status = decoder_->Decode(input_, room); !status.ok()) return Damaged(std::string(status.message()));
    } else {
      const std::size_t size = std::min(input_.size(), room.bytes);
      std::copy_n(input_.data(), size, room.at);
      room.at += size;
      room.bytes -= size;
      input_.remove_prefix(size);
    }
    if (room.bytes == 0) return absl::OkStatus();
    if (absl::Status status = Refill(); !status.ok()) return status;
    if (input_.empty()) {
      ended_ = true;
      if (!decoder_ || decoder_->MayEnd()) return absl::OkStatus();
      return Damaged(absl::StrFormat("the %s data ends too soon, the file was cut off", decoder_->name()));
    }
  }
}

void TraceBytes::Tell(std::vector<std::string>& notes) const {
  if (!decoder_ || decoder_->padding_bytes() == 0) return;
  notes.push_back(absl::StrFormat("byte %d: zeros after the %s data are skipped (%d bytes)",
                                  taken_ - input_.size() - decoder_->padding_bytes(), decoder_->name(),
                                  decoder_->padding_bytes()));
}

absl::Status TraceBytes::Damaged(std::string_view what) const {
  const std::string of = source_.size() != 0 ? absl::StrFormat(" of %d", source_.size()) : "";
  return absl::InvalidArgumentError(absl::StrFormat("%s: byte %d%s: %s", name_, taken_ - input_.size(), of, what));
}

}  // namespace alloclab

#define ZLIB_CONST  // next_in points to const bytes
#include "allocators/workload/trace_bytes.h"

#include <zlib.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"

namespace alloclab {
namespace {

constexpr int kGzipWindowBits = 15 + 16;  // the largest window; gzip headers and checksums, nothing else

bool IsGzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

}  // namespace

void TraceBytes::EndInflate::operator()(z_stream_s* stream) const {
  inflateEnd(stream);
  delete stream;
}

TraceBytes::TraceBytes(std::string_view bytes, std::string_view name, std::uint64_t inflated_bytes_max, Interrupt interrupt)
    : bytes_(bytes), name_(name), inflated_bytes_max_(inflated_bytes_max), interrupt_(std::move(interrupt)) {
  if (!IsGzip(bytes)) {
    window_ = bytes;
    produced_ = bytes.size();
    ended_ = true;
    return;
  }
  buffer_.resize(kBufferBytes);
  stream_.reset(new z_stream_s{});
  stream_->next_in = static_cast<const Bytef*>(static_cast<const void*>(bytes.data()));
  stream_->avail_in = static_cast<uInt>(std::min<std::size_t>(bytes.size(), UINT32_MAX));
  inflateInit2(stream_.get(), kGzipWindowBits);  // having no memory shows at the first inflate()
}

TraceBytes::~TraceBytes() = default;

absl::Status TraceBytes::Fill() {
  if (!NeedsFill()) return absl::OkStatus();
  if (Interrupted(interrupt_)) return absl::CancelledError("the trace was not read to its end: nobody waits for it");
  std::copy(window_.begin(), window_.end(), buffer_.begin());
  stream_->next_out = buffer_.data() + window_.size();
  stream_->avail_out = static_cast<uInt>(buffer_.size() - window_.size());
  const uInt room = stream_->avail_out;
  const absl::Status status = Inflate();
  const std::size_t fresh = room - stream_->avail_out;
  window_ = {static_cast<const char*>(static_cast<const void*>(buffer_.data())), window_.size() + fresh};
  produced_ += fresh;
  if (!status.ok()) return status;
  if (produced_ > inflated_bytes_max_) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("%s: inflates to more than %d bytes, the limit", name_, inflated_bytes_max_));
  }
  return absl::OkStatus();
}

absl::Status TraceBytes::Inflate() {
  while (stream_->avail_out != 0 && !ended_) {
    const int code = inflate(stream_.get(), Z_NO_FLUSH);
    if (code == Z_STREAM_END) {
      if (absl::Status status = StartMember(); !status.ok()) return status;
    } else if (code == Z_BUF_ERROR || (code == Z_OK && stream_->avail_in == 0 && stream_->avail_out != 0)) {
      return GzipError("the gzip data ends too soon, the file was cut off");
    } else if (code != Z_OK) {
      return GzipError(absl::StrFormat("the gzip data is damaged (%s)", stream_->msg != nullptr ? stream_->msg : "bad data"));
    }
  }
  return absl::OkStatus();
}

// A gzip file is one or more members, one after the other.
absl::Status TraceBytes::StartMember() {
  const std::string_view rest = bytes_.substr(bytes_.size() - stream_->avail_in);
  if (rest.find_first_not_of('\0') == rest.npos) {
    padding_bytes_ = rest.size();
    ended_ = true;
    return absl::OkStatus();
  }
  if (!IsGzip(rest)) return GzipError("something that is not gzip follows its end");
  inflateReset(stream_.get());
  return absl::OkStatus();
}

void TraceBytes::Tell(std::vector<std::string>& notes) const {
  if (padding_bytes_ == 0) return;
  notes.push_back(absl::StrFormat("byte %d: zeros after the gzip data are skipped (%d bytes)", bytes_.size() - padding_bytes_,
                                  padding_bytes_));
}

absl::Status TraceBytes::GzipError(std::string_view what) const {
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: byte %d of %d: %s", name_, bytes_.size() - stream_->avail_in, bytes_.size(), what));
}

}  // namespace alloclab

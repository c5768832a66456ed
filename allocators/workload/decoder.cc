#define ZLIB_CONST  // next_in points to const bytes
#include "allocators/workload/decoder.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <memory>

#include "absl/strings/str_format.h"

namespace alloclab {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kGzipStart = "\x1f\x8b", kZstdStart = "\x28\xB5\x2F\xFD",
                           kXzStart =
                               "\xFD"
                               "7zXZ\0"sv;
constexpr int kGzipWindowBits = 15 + 16;  // the largest window; gzip headers and checksums, nothing else
constexpr int kZstdWindowLog = 23;

template <typename Byte>
const Byte* In(std::string_view in) {
  return static_cast<const Byte*>(static_cast<const void*>(in.data()));
}
template <typename Byte>
Byte* Out(const DecoderRoom& room) {
  return static_cast<Byte*>(static_cast<void*>(room.at));
}

void Advance(std::string_view& in, std::size_t taken, DecoderRoom& room, std::size_t given) {
  in.remove_prefix(taken);
  room.at += given;
  room.bytes -= given;
}

class GzipDecoder : public Decoder {
 public:
  GzipDecoder() { inflateInit2(&stream_, kGzipWindowBits); }  // having no memory shows at the first inflate()
  ~GzipDecoder() override { inflateEnd(&stream_); }

  std::string_view name() const override { return "gzip"; }
  bool MayEnd() const override { return between_; }

  absl::Status Decode(std::string_view& in, DecoderRoom& room) override {
    while (room.bytes != 0) {
      if (between_) {
        if (absl::Status status = StartMember(in); !status.ok() || between_) return status;
      }
      stream_.next_in = In<Bytef>(in);
      stream_.next_out = Out<Bytef>(room);
      const uInt had = stream_.avail_in = static_cast<uInt>(std::min<std::size_t>(in.size(), 1 << 30));
      const uInt space = stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(room.bytes, 1 << 30));
      const int code = inflate(&stream_, Z_NO_FLUSH);
      Advance(in, had - stream_.avail_in, room, space - stream_.avail_out);
      if (code == Z_STREAM_END) {
        between_ = true;
      } else if (code == Z_BUF_ERROR || (code == Z_OK && in.empty())) {
        return absl::OkStatus();
      } else if (code != Z_OK) {
        return absl::InvalidArgumentError(
            absl::StrFormat("the gzip data is damaged (%s)", stream_.msg != nullptr ? stream_.msg : "bad data"));
      }
    }
    return absl::OkStatus();
  }

 private:
  // A gzip file is one or more members, one after the other, and perhaps zeros.
  absl::Status StartMember(std::string_view& in) {
    const std::size_t zeros = std::min(in.find_first_not_of('\0'), in.size());
    if (zeros == in.size()) {
      padding_bytes_ += zeros;
      in = {};
      return absl::OkStatus();
    }
    if (padding_bytes_ + zeros != 0 || in.front() != kGzipStart.front()) {
      return absl::InvalidArgumentError("something that is not gzip follows its end");
    }
    inflateReset(&stream_);
    between_ = false;
    return absl::OkStatus();
  }

  z_stream stream_{};
  bool between_ = false;  // two members, or after the last
};

class ZstdDecoder : public Decoder {
 public:
  ZstdDecoder() { ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kZstdWindowLog); }

  std::string_view name() const override { return "zstd"; }
  bool MayEnd() const override { return between_; }

  absl::Status Decode(std::string_view& in, DecoderRoom& room) override {
    while (true) {
      ZSTD_inBuffer from{in.data(), in.size(), 0};
      ZSTD_outBuffer to{room.at, room.bytes, 0};
      const std::size_t code = ZSTD_decompressStream(stream_.get(), &to, &from);
      Advance(in, from.pos, room, to.pos);
      if (ZSTD_isError(code)) {
        if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge) {
          return absl::InvalidArgumentError(
              "the zstd data needs a window of more than 8 MiB; expected one that `zstd -19` without --ultra or --long wrote");
        }
        return absl::InvalidArgumentError(absl::StrFormat("the zstd data is damaged (%s)", ZSTD_getErrorName(code)));
      }
      if (from.pos != 0 || to.pos != 0) between_ = code == 0;
      if (in.empty() || room.bytes == 0) return absl::OkStatus();
    }
  }

 private:
  struct End {
    void operator()(ZSTD_DCtx* stream) const { ZSTD_freeDCtx(stream); }
  };

  std::unique_ptr<ZSTD_DCtx, End> stream_{ZSTD_createDCtx()};
  bool between_ = false;
};

class XzDecoder : public Decoder {
 public:
  XzDecoder() { Start(); }
  ~XzDecoder() override { lzma_end(&stream_); }

  std::string_view name() const override { return "xz"; }
  // Where one stream has ended another may begin.
  bool MayEnd() const override { return between_; }

  absl::Status Decode(std::string_view& in, DecoderRoom& room) override {
    while (room.bytes != 0) {
      if (between_) {
        if (absl::Status status = StartStream(in); !status.ok() || between_) return status;
      }
      stream_.next_in = In<std::uint8_t>(in);
      stream_.avail_in = in.size();
      stream_.next_out = Out<std::uint8_t>(room);
      stream_.avail_out = room.bytes;
      const lzma_ret code = lzma_code(&stream_, LZMA_RUN);
      Advance(in, in.size() - stream_.avail_in, room, room.bytes - stream_.avail_out);
      if (code == LZMA_STREAM_END) {
        between_ = true;
      } else if (code == LZMA_BUF_ERROR || (code == LZMA_OK && in.empty())) {
        return absl::OkStatus();
      } else if (code == LZMA_MEMLIMIT_ERROR) {
        return absl::InvalidArgumentError(
            absl::StrFormat("the xz data needs %d MiB to decompress; expected at most %d, as `xz -7` takes",
                            lzma_memusage(&stream_) >> 20, kDecoderBytesMax >> 20));
      } else if (code != LZMA_OK) {
        return absl::InvalidArgumentError(
            absl::StrFormat("the xz data is damaged (%s)", code == LZMA_OPTIONS_ERROR ? "unknown options" : "bad data"));
      }
    }
    return absl::OkStatus();
  }

 private:
  // Having no memory shows at the next lzma_code().
  void Start() { [[maybe_unused]] const lzma_ret code = lzma_stream_decoder(&stream_, kDecoderBytesMax, 0); }

  absl::Status StartStream(std::string_view& in) {
    const std::size_t zeros = std::min(in.find_first_not_of('\0'), in.size());
    padding_bytes_ += zeros;
    in.remove_prefix(zeros);
    if (in.empty()) return absl::OkStatus();
    if (in.front() != kXzStart.front()) return absl::InvalidArgumentError("something that is not xz follows its end");
    Start();
    between_ = false;
    return absl::OkStatus();
  }

  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool between_ = false;
};

}  // namespace

std::unique_ptr<Decoder> MakeDecoder(std::string_view start) {
  if (start.starts_with(kGzipStart)) return std::make_unique<GzipDecoder>();
  if (start.starts_with(kZstdStart)) return std::make_unique<ZstdDecoder>();
  if (start.starts_with(kXzStart)) return std::make_unique<XzDecoder>();
  return nullptr;
}

}  // namespace alloclab

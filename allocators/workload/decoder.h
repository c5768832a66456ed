// Decompression of gzip, zstd and xz as a stream: the compressed bytes come and the others go in pieces of any size.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_DECODER_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_DECODER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/status.h"

namespace alloclab {

// The most memory that a decoder takes: a window of 8 MiB for zstd, all that `xz -7` asks for.
inline constexpr std::uint64_t kDecoderBytesMax = 18ull << 20;

struct DecoderRoom {
  char* at = nullptr;
  std::size_t bytes = 0;
};

class Decoder {
 public:
  virtual ~Decoder() = default;

  // "gzip"
  virtual std::string_view name() const = 0;
  // Takes bytes off `in` and fills `room` until one of them is empty. INVALID_ARGUMENT with what is wrong, without a place.
  virtual absl::Status Decode(std::string_view& in, DecoderRoom& room) = 0;
  // Whether the data may end here. Several compressed files may follow each other.
  virtual bool MayEnd() const = 0;
  // Zeros after the data, as tapes and block devices pad a file.
  std::uint64_t padding_bytes() const { return padding_bytes_; }

 protected:
  std::uint64_t padding_bytes_ = 0;
};

// For data that begins so. Null: it is none of these.
std::unique_ptr<Decoder> MakeDecoder(std::string_view start);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_DECODER_H_

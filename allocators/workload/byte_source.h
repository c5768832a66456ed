// Where the bytes of a file come from, piece by piece.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_BYTE_SOURCE_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_BYTE_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace alloclab {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // The next bytes, good until the next call; empty: the end.
  virtual absl::StatusOr<std::string_view> Next() = 0;
  // Of all; 0: not known.
  virtual std::uint64_t size() const { return 0; }
};

// Bytes that are all there.
class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : bytes_(bytes) {}
  absl::StatusOr<std::string_view> Next() override { return std::exchange(rest_, {}); }
  std::uint64_t size() const override { return bytes_.size(); }

 private:
  const std::string_view bytes_;
  std::string_view rest_ = bytes_;
};

// A file or a pipe, a quarter of a megabyte at a time.
class FileSource : public ByteSource {
 public:
  // DATA_LOSS: cannot be opened, or is a directory. "-" is standard input.
  static absl::StatusOr<std::unique_ptr<FileSource>> Open(const std::string& path);
  ~FileSource() override;
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  absl::StatusOr<std::string_view> Next() override;
  std::uint64_t size() const override { return size_; }

 private:
  static constexpr std::size_t kBufferBytes = 256 * 1024;

  FileSource(int file, std::string path, std::uint64_t size)
      : file_(file), path_(std::move(path)), size_(size), buffer_(kBufferBytes) {}

  const int file_;
  const std::string path_;
  const std::uint64_t size_;
  std::vector<char> buffer_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_BYTE_SOURCE_H_

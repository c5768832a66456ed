// Memory that this process has mapped and that it may hand to another one, by a descriptor: a memfd.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_SERVER_ENTITIES_SHARED_MEMORY_H_
#define ALLOCLAB_SERVER_ENTITIES_SHARED_MEMORY_H_

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"

namespace alloclab::server {

class SharedMemory {
 public:
  // All zero. INTERNAL: the host has none.
  static absl::StatusOr<SharedMemory> Create(std::size_t bytes);
  ~SharedMemory();
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&&) = delete;

  int file() const { return file_; }
  std::size_t bytes() const { return bytes_; }
  // Seen as an array; the memory is aligned to a page.
  template <class T>
  std::span<T> As() const {
    return {static_cast<T*>(memory_), bytes_ / sizeof(T)};
  }
  // As text, up to the first zero.
  std::string_view Text() const {
    const char* const text = static_cast<const char*>(memory_);
    return {text, strnlen(text, bytes_)};
  }

  // Gives back what lies behind. REQUIRES: bytes <= bytes().
  void Shrink(std::size_t bytes);
  // Nobody makes it larger or smaller from now on.
  absl::Status SealSize() const;

 private:
  SharedMemory(int file, void* memory, std::size_t bytes) : file_(file), memory_(memory), bytes_(bytes) {}

  int file_;
  void* memory_;
  std::size_t bytes_;
  std::size_t mapped_bytes_ = bytes_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ENTITIES_SHARED_MEMORY_H_

// The file in memory that recorded programs map (recorder/layout.h), made by the one who reads it.
#ifndef ALLOCLAB_CLIENTS_RECORD_SHARED_MEMORY_H_
#define ALLOCLAB_CLIENTS_RECORD_SHARED_MEMORY_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "recorder/layout.h"

namespace alloclab::client {

class SharedMemory {
 public:
  // In /dev/shm, or where that cannot be, in $TMPDIR or /tmp; for this user alone. Sparse: as large as what was ever written.
  static absl::StatusOr<std::unique_ptr<SharedMemory>> Create();
  // Programs that still run stop recording; the file is gone.
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  recorder::Memory& operator*() const { return *memory_; }
  recorder::Memory* operator->() const { return memory_; }
  const std::string& path() const { return path_; }

  // Until a program has written much, or about so long.
  void WaitForWriters(int milliseconds) const;

 private:
  SharedMemory(recorder::Memory* memory, std::string path) : memory_(memory), path_(std::move(path)) {}

  recorder::Memory* const memory_;
  const std::string path_;
};

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_RECORD_SHARED_MEMORY_H_

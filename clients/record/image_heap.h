// What is live in one recorded image, by address, and the operations that its records become.
#ifndef ALLOCLAB_CLIENTS_RECORD_IMAGE_HEAP_H_
#define ALLOCLAB_CLIENTS_RECORD_IMAGE_HEAP_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "allocators/workload/operation.h"
#include "clients/record/ring_cursor.h"
#include "clients/record/trace_output.h"

namespace alloclab::client {

struct RecordedBlock {
  std::uint64_t order = 0;  // of its allocation
  std::uint32_t handle = 0, size = 0;
  std::uint32_t site = 0;  // of its allocation, as in the record
  std::uint8_t alignment_log2 = 0;
};
using RecordedBlocks = absl::flat_hash_map<std::uint64_t, RecordedBlock>;  // by address

class ImageHeap {
 public:
  // `output` is asked for when there is a first operation; null: none is wanted.
  explicit ImageHeap(std::function<TraceOutput*()> output) : make_output_(std::move(output)) {}

  // The child of a fork begins with its parent's blocks: they are allocated before its first operation. Before any record.
  void Inherit(RecordedBlocks blocks) { inherited_ = std::move(blocks); }

  // The next record of the thread that the kernel calls `thread`, from ring `ring`.
  void Apply(const Record& record, std::uint32_t thread, std::uint32_t ring);
  // Most time goes into waiting for memory: of what may be told soon, it can be fetched already.
  void Expect(std::uint64_t address) const { blocks_.prefetch(address); }
  // The kernel may give that number to another thread.
  void EndThread(std::uint32_t thread);
  // Of one process among several in one file: its memory goes away with it.
  void FreeAll();

  // For a child that is forked now.
  const RecordedBlocks& blocks() const { return output_ != nullptr ? blocks_ : inherited_; }
  TraceOutput* output() const { return output_; }  // null: nothing was recorded
  // What was odd, a sentence of a kind.
  std::vector<std::string> Notes() const;

 private:
  void Start();
  std::uint32_t ThreadNumber(std::uint32_t thread);
  void Allocate(const Record& record, std::uint32_t thread);
  void Free(std::uint64_t address, std::uint32_t thread);
  void BeginRealloc(std::uint64_t address, std::uint32_t ring);
  void EndRealloc(const Record& record, std::uint32_t thread, std::uint32_t ring);
  RecordedBlock& Place(std::uint64_t address, std::uint32_t thread);
  void GiveBack(const RecordedBlock& block, std::uint32_t thread);
  std::uint32_t Size(std::uint64_t bytes);

  struct Moving {
    std::uint64_t address = 0;
    RecordedBlock block;
  };

  const std::function<TraceOutput*()> make_output_;
  TraceOutput* output_ = nullptr;
  RecordedBlocks inherited_, blocks_;
  absl::flat_hash_map<std::uint32_t, Moving> moving_;          // blocks inside a realloc, by ring
  absl::flat_hash_map<std::uint32_t, std::uint32_t> threads_;  // numbers in the file, by the kernel's
  std::uint32_t last_thread_ = 0, last_number_ = 0;            // 0: none; the kernel numbers from 1 on
  std::uint64_t order_ = 0, inherited_count_ = 0;
  std::uint64_t failed_ = 0, unknown_ = 0, doubled_ = 0, too_large_ = 0;
};

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_RECORD_IMAGE_HEAP_H_

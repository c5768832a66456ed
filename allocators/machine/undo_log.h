// What simulated RAM held before it was changed, in the order of the changes: the memory of a journal (journal.h).
#ifndef ALLOCLAB_ALLOCATORS_MACHINE_UNDO_LOG_H_
#define ALLOCLAB_ALLOCATORS_MACHINE_UNDO_LOG_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "allocators/machine/address.h"

namespace alloclab {

class PhysicalMemory;

class UndoLog {
 public:
  // These bytes of one frame are about to change. A frame that is recorded as a whole is so only once.
  void RecordBytes(const PhysicalMemory& memory, PhysAddr first, std::uint32_t bytes);
  // These frames, each byte of which is `fill`, are about to change.
  void RecordFill(PageFrame first, std::uint32_t count, std::uint8_t fill);
  void RecordPinned(PageFrame frame, bool pinned);
  // It was not known to be a page table.
  void RecordNoTable(PageFrame frame) { entries_.push_back({Kind::kNoTable, 0, frame.number, 1}); }

  std::uint64_t host_bytes() const;

  void Clear();
  // Gives the memory back what it held, the last change first, and clears the log.
  void Undo(PhysicalMemory& memory);

 private:
  enum class Kind : std::uint8_t { kBytes, kFill, kPinned, kNoTable };
  struct Entry {
    Kind kind;
    std::uint8_t value;   // the fill byte, or whether the frame was pinned
    std::uint32_t first;  // kBytes: the address, otherwise the frame
    std::uint32_t count;  // of bytes or frames
  };

  std::vector<Entry> entries_;
  std::vector<std::uint8_t> bytes_;  // of all entries of that kind
  absl::flat_hash_set<std::uint32_t> whole_frames_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_MACHINE_UNDO_LOG_H_

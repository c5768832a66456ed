#include "allocators/machine/undo_log.h"

#include "allocators/machine/physical_memory.h"

namespace alloclab {

void UndoLog::RecordBytes(const PhysicalMemory& memory, PhysAddr first, std::uint32_t bytes) {
  if (bytes == kPageBytes && !whole_frames_.insert(first.page()).second) return;
  entries_.push_back({Kind::kBytes, 0, first.raw(), bytes});
  bytes_.resize(bytes_.size() + bytes);
  (void)memory.Read(first, std::span(bytes_).last(bytes));
}

void UndoLog::RecordFill(PageFrame first, std::uint32_t count, std::uint8_t fill) {
  if (!entries_.empty()) {
    Entry& last = entries_.back();
    if (last.kind == Kind::kFill && last.value == fill && last.first + last.count == first.number) {
      last.count += count;
      return;
    }
  }
  entries_.push_back({Kind::kFill, fill, first.number, count});
}

void UndoLog::RecordPinned(PageFrame frame, bool pinned) { entries_.push_back({Kind::kPinned, pinned, frame.number, 1}); }

std::uint64_t UndoLog::host_bytes() const {
  return sizeof(*this) + entries_.capacity() * sizeof(entries_[0]) + bytes_.capacity() +
         whole_frames_.capacity() * (sizeof(std::uint32_t) + 1);
}

void UndoLog::Clear() {
  entries_.clear();
  bytes_.clear();
  whole_frames_.clear();
}

void UndoLog::Undo(PhysicalMemory& memory) {
  std::span<const std::uint8_t> bytes(bytes_);
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    switch (entry->kind) {
      case Kind::kBytes: {
        const std::span<const std::uint8_t> old = bytes.last(entry->count);
        bytes = bytes.first(bytes.size() - entry->count);
        memory.Put(PhysAddr(entry->first), old);  // who kept pointers takes them back itself
        break;
      }
      case Kind::kFill:
        (void)memory.FillFrames(PageFrame{entry->first}, entry->count, entry->value);
        break;
      case Kind::kPinned:
        (void)(entry->value != 0 ? memory.Pin(PageFrame{entry->first}) : memory.Unpin(PageFrame{entry->first}));
        break;
      case Kind::kNoTable:
        memory.StateOf(PageFrame{entry->first}).table = false;
        break;
    }
  }
  Clear();
}

}  // namespace alloclab

// The RAM of one simulated machine: 16 KiB to 4 GiB in 4 KiB frames, host memory only for frames that were written.
//
// A frame that was never written, or was filled as a whole, is kept as its fill byte plus its first two words (which is where a
// free page run keeps its header): it costs 12 bytes of table, and a fill of any length costs one byte per whole 2 MiB.
// Every read sees exactly the bytes that eager memory would hold.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_MACHINE_PHYSICAL_MEMORY_H_
#define ALLOCLAB_ALLOCATORS_MACHINE_PHYSICAL_MEMORY_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "allocators/common/slabs.h"
#include "allocators/machine/address.h"
#include "allocators/machine/memory_image.h"
#include "allocators/machine/undo_log.h"

namespace alloclab {

class PhysicalMemory {
 public:
  static constexpr std::uint64_t kBytesMin = 16ull << 10;
  static constexpr std::uint64_t kBytesMax = 1ull << 32;
  static constexpr std::uint64_t kBytesDefault = 512ull << 20;

  using FrameWords = std::array<std::uint32_t, kPageWords>;

  // INVALID_ARGUMENT unless kBytesMin <= bytes <= kBytesMax and bytes is a multiple of the page size.
  static absl::Status ValidateSize(std::uint64_t bytes);

  // All zero. REQUIRES: ValidateSize(bytes).ok().
  explicit PhysicalMemory(std::uint64_t bytes);
  // As large and with the same contents and pins as the memory that the image is of.
  explicit PhysicalMemory(const MemoryImage& image);
  ~PhysicalMemory();
  PhysicalMemory(const PhysicalMemory&) = delete;
  PhysicalMemory& operator=(const PhysicalMemory&) = delete;

  std::uint64_t size_bytes() const { return std::uint64_t{frame_count_} << kPageShift; }
  std::uint32_t frame_count() const { return frame_count_; }
  bool Contains(PhysAddr first, std::uint64_t bytes) const { return first.raw() + bytes <= size_bytes(); }

  // Little-endian access at any alignment. Nothing, or false and no change, when any byte lies outside RAM.
  std::optional<std::uint32_t> LoadU32(PhysAddr address) const;
  [[nodiscard]] bool StoreU32(PhysAddr address, std::uint32_t value);
  [[nodiscard]] bool Read(PhysAddr address, std::span<std::uint8_t> out) const;
  [[nodiscard]] bool Write(PhysAddr address, std::span<const std::uint8_t> bytes);

  // Sets every byte of `count` frames from `first`. Lazy: gives the host memory of unpinned frames back.
  [[nodiscard]] bool FillFrames(PageFrame first, std::uint32_t count, std::uint8_t value);

  // The words of a frame in host memory, made real if they were not; they stay at this place for the life of the memory, so
  // that a translation cache may keep the pointer. Null when the frame is outside RAM. Only to be read through:
  const FrameWords* WordsToRead(PageFrame frame);
  // To be written: these bytes now, or, if they are all bytes of the frame, any of them until the next journal begins or
  // the next snapshot is taken.
  FrameWords* WordsToWrite(PageFrame frame, std::uint32_t offset, std::uint32_t bytes);

  // From now on a write to this frame makes all pointers void (PointerKeeper): a processor translates by it. False when it is
  // outside RAM, or was known to be a table.
  bool MarkTable(PageFrame frame);
  bool IsTable(PageFrame frame) const;
  // StoreU32 of a keeper that knows which of its pointers the entry concerns: they stay. Nothing outside RAM. REQUIRES:
  // aligned.
  void StoreEntry(PhysAddr address, std::uint32_t entry);

  // Pins a frame: it is in use by the machine itself, mapped or a table. False when outside RAM.
  [[nodiscard]] bool Pin(PageFrame frame);
  // The machine does not use the frame any more. False when outside RAM.
  [[nodiscard]] bool Unpin(PageFrame frame);
  // Whether any of these frames is pinned. Frames outside RAM are not.
  bool AnyPinned(PageFrame first, std::uint32_t count) const;

  // The contents and pins as they are now; and back to an image, of this memory or of another one of its size. Either costs
  // what differs from the image that was last taken or restored, the first one what was ever touched. Words stay in place;
  // pointers to write through are given up (PointerKeeper). REQUIRES: no journal is on the memory.
  std::shared_ptr<const MemoryImage> TakeSnapshot();
  void Restore(const MemoryImage& image);

  // Who keeps pointers from WordsToRead and WordsToWrite.
  class PointerKeeper {
   public:
    virtual void ForgetWritablePointers() = 0;  // a snapshot was taken: a write through them would not be noticed
    virtual void ForgetAllPointers() = 0;       // an image was restored or a table written: it may say something else

   protected:
    ~PointerKeeper() = default;
  };
  void AddPointerKeeper(PointerKeeper* keeper) { keepers_.push_back(keeper); }
  void RemovePointerKeeper(PointerKeeper* keeper) { std::erase(keepers_, keeper); }

  // Host bytes held for frames and tables, images not counted; for the memory limits of the lab.
  std::uint64_t host_bytes() const;

 private:
  static constexpr std::uint32_t kLeafShift = MemoryImage::kLeafShift;
  static constexpr std::uint32_t kLeafFrames = MemoryImage::kLeafFrames;
  static constexpr std::uint32_t kFillWord = MemoryImage::kFillWord;

  // One frame: its words when real, otherwise its first two words; all further bytes are the fill byte.
  union Slot {
    FrameWords* words;
    std::array<std::uint32_t, 2> head;
  };
  struct State {
    std::uint8_t fill = 0;
    bool real = false;
    bool clean = false;  // as in image_: the next write has to be noticed
    bool pinned : 1 = false;
    bool fixed : 1 = false;    // once real, its words stay where they are
    bool in_slab : 1 = false;  // real, and its words lie in a slab: it was fixed when it became so
    bool table : 1 = false;    // a write makes pointers void
  };
  struct Leaf {  // the frames of 2 MiB
    std::array<Slot, kLeafFrames> slots;
    std::array<State, kLeafFrames> states;
    std::uint32_t pinned_count = 0, fixed_count = 0;

    explicit Leaf(std::uint8_t fill_byte);
    ~Leaf();
    Leaf(const Leaf&) = delete;
    Leaf& operator=(const Leaf&) = delete;
    void SetLazy(std::uint32_t slot, std::uint8_t fill_byte);
    std::uint32_t Word(std::uint32_t slot, std::uint32_t word) const {
      if (states[slot].real) return (*slots[slot].words)[word];
      return word < 2 ? slots[slot].head[word] : kFillWord * states[slot].fill;
    }
  };

  std::optional<std::uint32_t> LoadUnaligned(PhysAddr address) const;
  bool StoreUnaligned(PhysAddr address, std::uint32_t value);
  // Null if all frames of the 2 MiB are lazy and alike.
  const Leaf* FindLeaf(std::uint32_t leaf) const { return leaf_at_[leaf] != 0 ? leaves_[leaf_at_[leaf] - 1].get() : nullptr; }
  Leaf* FindLeaf(std::uint32_t leaf) { return leaf_at_[leaf] != 0 ? leaves_[leaf_at_[leaf] - 1].get() : nullptr; }
  Leaf& TouchLeaf(std::uint32_t leaf);
  State& StateOf(PageFrame frame) { return TouchLeaf(frame.number >> kLeafShift).states[frame.number % kLeafFrames]; }
  Leaf& MakeLeaf(std::uint32_t leaf);
  void DropLeaf(std::uint32_t leaf);
  // Frames that are fixed stay real, so they lie in slabs; others are allocated one by one, to be given back.
  FrameWords& Materialise(PageFrame frame);
  FrameWords& MaterialiseFixed(PageFrame frame);
  void FillOne(Leaf& leaf, std::uint32_t slot, std::uint8_t value);

  friend class Journal;
  friend class UndoLog;
  void BeginUndoable();
  void EndUndoable(bool undo);
  void RecordFrames(PageFrame first, std::uint32_t count);
  // Called before bytes of one frame change, except where nobody has to notice.
  void BeforeWrite(PhysAddr first, std::uint32_t bytes);
  void BeforeWriteToTable();
  void Put(PhysAddr first, std::span<const std::uint8_t> bytes);

  void MarkDirty(PageFrame frame);
  void MarkLeafDirty(std::uint32_t leaf);
  static MemoryImage::Frame FrameImage(const Leaf& leaf, std::uint32_t slot, const MemoryImage::Frame& before);
  std::shared_ptr<const MemoryImage::Leaf> LeafImage(std::uint32_t leaf) const;
  void AddDirtyFrames(MemoryImage& image);
  void BecomeCleanAs(std::shared_ptr<const MemoryImage> image);
  void RestoreChangedFrames(std::uint32_t leaf, const MemoryImage& image);
  void RestoreLeaf(std::uint32_t leaf, const MemoryImage& image);
  void RestoreFrame(PageFrame frame, const MemoryImage::Frame& wanted);

  const std::uint32_t frame_count_;
  std::vector<std::uint16_t> leaf_at_;   // per 2 MiB: 1 + where in leaves_; 0: no leaf
  std::vector<std::uint8_t> leaf_fill_;  // what every byte reads as where there is no leaf
  std::vector<std::unique_ptr<Leaf>> leaves_;
  std::vector<std::uint16_t> dropped_;  // places in leaves_ to be used again, each plus 1
  std::uint64_t loose_frames_ = 0;      // real ones that are not in slabs
  Slabs<FrameWords> slabs_;
  UndoLog* undo_ = nullptr;            // null: no journal
  std::unique_ptr<UndoLog> undo_log_;  // kept from one journal to the next

  std::shared_ptr<const MemoryImage> image_;  // the one last taken or restored; null: all frames are dirty, unlisted
  std::vector<std::uint32_t> dirty_frames_;   // those that may differ from it; or whole leaves:
  std::vector<std::uint32_t> dirty_leaves_;
  std::vector<std::uint8_t> leaf_is_dirty_;  // by leaf
  std::vector<PointerKeeper*> keepers_;
};

inline std::optional<std::uint32_t> PhysicalMemory::LoadU32(PhysAddr address) const {
  if (!Contains(address, kWordBytes)) return std::nullopt;
  if (address.raw() % kWordBytes != 0) return LoadUnaligned(address);
  const std::uint32_t frame = address.page();
  const Leaf* leaf = FindLeaf(frame >> kLeafShift);
  if (leaf == nullptr) return kFillWord * leaf_fill_[frame >> kLeafShift];
  return leaf->Word(frame % kLeafFrames, address.offset() / kWordBytes);
}

inline bool PhysicalMemory::StoreU32(PhysAddr address, std::uint32_t value) {
  if (!Contains(address, kWordBytes)) return false;
  if (address.raw() % kWordBytes != 0) return StoreUnaligned(address, value);
  const std::uint32_t frame = address.page(), slot = frame % kLeafFrames, word = address.offset() / kWordBytes;
  Leaf& leaf = TouchLeaf(frame >> kLeafShift);
  if (leaf.states[slot].clean || leaf.states[slot].table || undo_ != nullptr) [[unlikely]]
    BeforeWrite(address, kWordBytes);
  if (!leaf.states[slot].real && word < 2) {
    leaf.slots[slot].head[word] = value;
    return true;
  }
  (leaf.states[slot].real ? *leaf.slots[slot].words : Materialise(PageFrame{frame}))[word] = value;
  return true;
}

inline PhysicalMemory::Leaf& PhysicalMemory::TouchLeaf(std::uint32_t leaf) {
  Leaf* found = FindLeaf(leaf);
  return found != nullptr ? *found : MakeLeaf(leaf);
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_MACHINE_PHYSICAL_MEMORY_H_

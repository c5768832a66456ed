// The one address space of a simulated i386: a page directory and page tables in simulated RAM with the processor's bit layout,
// translation, page faults, and the kernel's fault handler for demand paging.
//
//   PDE, PTE   31 ........ 12 | 11..7 | 6 D | 5 A | 4 PCD | 3 PWT | 2 U/S | 1 R/W | 0 P     Intel 80386 Programmer's Reference
//              frame address  | avail  (D in PTEs only)                                     Manual (1986), 5.2
//
// Like LunaixOS (2022), the kernel marks pages that the break has passed as writable and not present; a frame is taken at the
// first touch, by the fault handler, which does not clear it. Page tables are cleared when they are made.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_MACHINE_ADDRESS_SPACE_H_
#define ALLOCLAB_ALLOCATORS_MACHINE_ADDRESS_SPACE_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "allocators/common/costs.h"
#include "allocators/machine/address.h"
#include "allocators/machine/frame_source.h"
#include "allocators/machine/page_fault.h"
#include "allocators/machine/physical_memory.h"

namespace alloclab {

namespace pte {
inline constexpr std::uint32_t kPresent = 1u << 0;
inline constexpr std::uint32_t kWritable = 1u << 1;
inline constexpr std::uint32_t kUser = 1u << 2;
inline constexpr std::uint32_t kAccessed = 1u << 5;
inline constexpr std::uint32_t kDirty = 1u << 6;
inline constexpr std::uint32_t kFrameMask = ~(kPageBytes - 1);
}  // namespace pte

// What the tables say about one address, without touching anything.
struct Translation {
  VirtAddr virt;
  std::uint32_t directory_index = 0, table_index = 0;
  PhysAddr pde_address, pte_address;  // pte_address is meaningful only if the PDE is present
  std::uint32_t pde = 0, pte = 0;
  std::optional<PhysAddr> phys;  // only if present
  bool on_demand = false;        // not present, but a touch would bring a frame
};

class AddressSpace final : private PhysicalMemory::PointerKeeper {
 public:
  // Takes one frame for the page directory. RESOURCE_EXHAUSTED when there is none.
  static absl::StatusOr<std::unique_ptr<AddressSpace>> Create(PhysicalMemory& memory, FrameSource& frames);
  ~AddressSpace();
  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;

  // What an address space knows beside RAM: with an image of RAM, a saved address space.
  struct State {
    PageFrame directory;
    VmCosts costs;
    std::optional<PageFault> last_fault;
    std::uint32_t first_page = 0, pages = 0;  // the range that its translation cache is for
  };
  State Save() const;
  // After the memory was restored to the image that was taken with the state. REQUIRES: the state is of this address space.
  void Restore(const State& state);
  // A new one over a memory that was made from that image or restored to it. Takes no frame.
  static std::unique_ptr<AddressSpace> CreateOver(PhysicalMemory& memory, FrameSource& frames, const State& state);

  // Takes `count` page tables, the first one for the 4 MiB that hold `first`; cleared. RESOURCE_EXHAUSTED: too few frames.
  absl::Status AddPageTables(VirtAddr first, std::uint32_t count);
  bool HasPageTables(VirtAddr first, VirtAddr end) const;  // for all of [first, end)
  // Marks `pages` pages as writable on demand, from the page that holds `first`; a page that is present stays as it is. Ends at
  // the first page that has no page table.
  void PromisePages(VirtAddr first, std::uint32_t pages);
  // Makes one present page read-only, or writable again; supervisor writes fault too, as with CR0.WP set (i486 and later).
  // False when the page is not present. Pointers from CachedPage do not see the protection.
  bool SetWritable(VirtAddr page, bool writable);

  // Maps the page at `page` to a frame, which is pinned; a mapping that was there is replaced, and its frame unpinned. Takes a
  // frame for the page table if there is none; false, and no change, when none is left. A mapping to a frame outside RAM can be
  // made, as on any machine; touching it faults.
  [[nodiscard]] bool Map(VirtAddr page, PageFrame frame, bool writable);
  // Takes the mapping of one present page away, and gives the frame, which is unpinned, back to the caller. Nothing when the
  // page is not present; a promise stays.
  std::optional<PageFrame> Unmap(VirtAddr page);
  // A kernel's direct map, where every physical address is seen at itself plus `offset`: maps a block, from the page that holds
  // `first` on, writable, and gives its virtual address (wraps at 32 bits). Nothing when no frame is left for a page table; the
  // pages before it are mapped then. REQUIRES: `offset` is a multiple of the page size.
  std::optional<VirtAddr> MapBlock(PhysAddr first, std::uint32_t pages, std::uint32_t offset);
  void UnmapBlock(VirtAddr first, std::uint32_t pages);

  // Access as the processor does it: sets A and D, runs the fault handler. Little-endian, any alignment; a word across a page
  // border is two accesses. On a fault that the handler cannot serve: nothing (or false), and last_fault() tells.
  std::optional<std::uint32_t> LoadU32(VirtAddr address);
  [[nodiscard]] bool StoreU32(VirtAddr address, std::uint32_t value);
  // As one access: faults before anything is written. REQUIRES: one byte to a page of them.
  [[nodiscard]] bool WriteAtOnce(VirtAddr address, std::span<const std::uint8_t> bytes);
  // Piece by piece: a fault leaves the pieces before it written.
  [[nodiscard]] bool Read(VirtAddr address, std::span<std::uint8_t> out);
  [[nodiscard]] bool Write(VirtAddr address, std::span<const std::uint8_t> bytes);
  [[nodiscard]] bool Fill(VirtAddr address, std::uint32_t bytes, std::uint8_t value);
  // Copies upwards, page piece by page piece.
  [[nodiscard]] bool Copy(VirtAddr to, VirtAddr from, std::uint32_t bytes);
  const std::optional<PageFault>& last_fault() const { return last_fault_; }

  // Looks without touching: no fault, no A bit, not counted.
  std::optional<std::uint32_t> Peek(VirtAddr address) const;
  Translation Translate(VirtAddr address) const;

  // How many of the pages from the one that holds `first` to the one that holds `last` are not present.
  std::uint32_t AbsentPages(VirtAddr first, VirtAddr last) const;
  // Whether `count` absent pages could be brought in now.
  bool CanBringPages(std::uint32_t count) const { return count == 0 || frames_.CanTakeFrames(count); }

  // The fast path of the heap's words. The page's 1,024 words in host memory if the page is known to be present, writable,
  // accessed and dirty, otherwise null: then take the slow path (StoreU32 makes it known). Null for every page while a journal
  // is on the space, and for one whose frame is a page table: what is written there counts at once. The pointer is good until
  // the next call that is not for reading or writing words, here or of the memory.
  std::uint32_t* CachedPage(std::uint32_t page) const {
    const std::uint32_t i = page - cache_first_;
    return i < cache_.size() ? cache_[i] : nullptr;
  }
  // The words of a page that is known to be present and accessed, to be read only; also after a snapshot and under a journal.
  // Null: not known, LoadU32 makes it known.
  const std::uint32_t* ReadablePage(std::uint32_t page) const {
    const std::uint32_t i = page - cache_first_;
    if (i < cache_aside_.size() && cache_aside_[i] != nullptr) return cache_aside_[i];
    return i < readable_.size() ? readable_[i] : nullptr;
  }

  // CachedPage, after an access for writing if it was not known. Null: the fault in last_fault(). REQUIRES: the frame is no
  // page table, of which writes through a pointer would not be noticed.
  std::uint32_t* TouchPage(VirtAddr address);

  const VmCosts& costs() const { return costs_; }
  PhysAddr page_directory() const { return directory_; }
  PhysicalMemory& memory() { return memory_; }
  FrameSource& frames() { return frames_; }
  std::uint64_t host_bytes() const;

 private:
  AddressSpace(PhysicalMemory& memory, FrameSource& frames, PageFrame directory);

  // The page table that a PDE names, null if the PDE is not present or names a frame outside RAM.
  const PhysicalMemory::FrameWords* Table(VirtAddr address);
  PhysAddr EntryAddress(VirtAddr address) const;  // of the PTE. REQUIRES: the PDE is present.
  // The frame of the page at `address` after an access of that kind; nothing and last_fault_ when it faults.
  std::optional<PageFrame> Resolve(VirtAddr address, Access access);
  std::nullopt_t Fault(PageFault::Kind kind, VirtAddr address, bool present, Access access);
  // The words of the page at `address`, to be read; null and last_fault_ when it faults.
  const std::uint32_t* ResolveToRead(VirtAddr address);
  // The words of the page at `address`, of which these bytes are about to be written; null and last_fault_ when it faults.
  PhysicalMemory::FrameWords* ResolveToWrite(VirtAddr address, std::uint32_t offset, std::uint32_t bytes);
  // The fault handler for a page on demand: its new entry, or nothing.
  std::optional<std::uint32_t> BringPage();
  // Calls piece(bytes in host memory) for each page of a range after an access to write it; false at the first fault.
  template <class Piece>
  bool ForEachPieceToWrite(VirtAddr address, std::size_t bytes, Piece piece);

  void ForgetWritablePointers() override;
  void ForgetAllPointers() override;

  std::vector<std::uint32_t*>& Cache() { return undoable_ ? cache_aside_ : cache_; }
  void CoverPages(VirtAddr first, std::uint32_t pages);
  void ForgetPage(VirtAddr page);

  friend class Journal;
  void BeginUndoable();
  void EndUndoable(bool undo);

  PhysicalMemory& memory_;
  FrameSource& frames_;
  const PhysAddr directory_;
  const PhysicalMemory::FrameWords& directory_words_;
  VmCosts costs_;
  std::optional<PageFault> last_fault_;
  // The translation cache: of the pages from the lowest that was promised or mapped to the highest. A page whose mapping
  // changes is forgotten; all are when somebody else writes to a table.
  std::uint32_t cache_first_ = 0;
  std::vector<std::uint32_t*> cache_;
  std::vector<const std::uint32_t*> readable_;  // of the same pages, or shorter

  // Under a journal the cache is empty, so that every access is seen, and these are what was there before.
  bool undoable_ = false;
  VmCosts costs_before_;
  std::optional<PageFault> last_fault_before_;
  std::vector<std::uint32_t*> cache_aside_;
  struct Forgotten {
    std::uint32_t page;
    std::uint32_t* words;
    const std::uint32_t* readable;
  };
  std::vector<Forgotten> forgotten_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_MACHINE_ADDRESS_SPACE_H_

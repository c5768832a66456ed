#include "allocators/machine/address_space.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/machine/load_watch.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kTableEntries = 1024;

std::uint32_t DirectoryIndex(VirtAddr address) { return address.raw() >> 22; }
std::uint32_t TableIndex(VirtAddr address) { return address.page() % kTableEntries; }
PageFrame FrameIn(std::uint32_t entry) { return FrameOf(PhysAddr(entry & pte::kFrameMask)); }
bool OnDemand(std::uint32_t entry) { return (entry & (pte::kPresent | pte::kWritable)) == pte::kWritable; }

// REQUIRES: the entry's table is in RAM.
void SetEntry(PhysicalMemory& memory, PhysAddr address, std::uint32_t entry) { memory.StoreEntry(address, entry); }

}  // namespace

absl::StatusOr<std::unique_ptr<AddressSpace>> AddressSpace::Create(PhysicalMemory& memory, FrameSource& frames) {
  const std::optional<PageFrame> directory = frames.TakeFrame();
  if (!directory || !memory.FillFrames(*directory, 1, 0) || !memory.Pin(*directory)) {
    return absl::ResourceExhaustedError("no page frame left for the page directory: give the machine more RAM");
  }
  return std::unique_ptr<AddressSpace>(new AddressSpace(memory, frames, *directory));
}

AddressSpace::AddressSpace(PhysicalMemory& memory, FrameSource& frames, PageFrame directory)
    : memory_(memory), frames_(frames), directory_(directory.base()), directory_words_(*memory.WordsToRead(directory)) {
  costs_.page_table_frames = 1;
  (void)memory_.MarkTable(directory);
  memory_.AddPointerKeeper(this);
}

AddressSpace::~AddressSpace() { memory_.RemovePointerKeeper(this); }

absl::Status AddressSpace::AddPageTables(VirtAddr first, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t index = (DirectoryIndex(first) + i) % kTableEntries;
    if ((directory_words_[index] & pte::kPresent) != 0) continue;
    const std::optional<PageFrame> table = frames_.TakeFrame();
    if (!table || !memory_.FillFrames(*table, 1, 0) || !memory_.Pin(*table)) {
      return absl::ResourceExhaustedError(
          absl::StrFormat("no page frame left for page table %d of %d: give the machine more RAM", i + 1, count));
    }
    SetEntry(memory_, directory_ + index * kWordBytes, table->base().raw() | pte::kPresent | pte::kWritable);
    ++costs_.page_table_frames;
  }
  return absl::OkStatus();
}

bool AddressSpace::HasPageTables(VirtAddr first, VirtAddr end) const {
  if (first >= end) return true;
  for (std::uint32_t index = DirectoryIndex(first); index <= DirectoryIndex(end - 1); ++index) {
    if ((directory_words_[index] & pte::kPresent) == 0) return false;
  }
  return true;
}

const PhysicalMemory::FrameWords* AddressSpace::Table(VirtAddr address) {
  const std::uint32_t pde = directory_words_[DirectoryIndex(address)];
  if ((pde & pte::kPresent) == 0) return nullptr;
  if (memory_.MarkTable(FrameIn(pde))) ForgetAllPointers();  // a page that was known may be the same frame
  return memory_.WordsToRead(FrameIn(pde));
}

PhysAddr AddressSpace::EntryAddress(VirtAddr address) const {
  const std::uint32_t pde = directory_words_[DirectoryIndex(address)];
  ALLOCLAB_CHECK_NE(pde & pte::kPresent, 0u);
  return FrameIn(pde).base() + TableIndex(address) * kWordBytes;
}

void AddressSpace::PromisePages(VirtAddr first, std::uint32_t pages) {
  CoverPages(first, pages);
  const PhysicalMemory::FrameWords* table = nullptr;
  for (std::uint32_t i = 0; i < pages; ++i, first = first + kPageBytes) {
    if (table == nullptr || TableIndex(first) == 0) table = Table(first);
    if (table == nullptr) return;
    if (((*table)[TableIndex(first)] & pte::kPresent) == 0) SetEntry(memory_, EntryAddress(first), pte::kWritable);
  }
}

bool AddressSpace::SetWritable(VirtAddr page, bool writable) {
  const PhysicalMemory::FrameWords* table = Table(page);
  if (table == nullptr) return false;
  const std::uint32_t entry = (*table)[TableIndex(page)];
  if ((entry & pte::kPresent) == 0) return false;
  SetEntry(memory_, EntryAddress(page), writable ? entry | pte::kWritable : entry & ~pte::kWritable);
  ForgetPage(page);
  return true;
}

bool AddressSpace::Map(VirtAddr page, PageFrame frame, bool writable) {
  if (Table(page) == nullptr && !AddPageTables(page, 1).ok()) return false;
  CoverPages(page, 1);
  (void)Unmap(page);
  SetEntry(memory_, EntryAddress(page), frame.base().raw() | pte::kPresent | (writable ? pte::kWritable : 0));
  (void)memory_.Pin(frame);
  ++costs_.mapped_frames;
  return true;
}

std::optional<PageFrame> AddressSpace::Unmap(VirtAddr page) {
  const PhysicalMemory::FrameWords* table = Table(page);
  if (table == nullptr) return std::nullopt;
  const std::uint32_t entry = (*table)[TableIndex(page)];
  if ((entry & pte::kPresent) == 0) return std::nullopt;
  SetEntry(memory_, EntryAddress(page), 0);
  ForgetPage(page);
  (void)memory_.Unpin(FrameIn(entry));
  --costs_.mapped_frames;
  return FrameIn(entry);
}

std::optional<VirtAddr> AddressSpace::MapBlock(PhysAddr first, std::uint32_t pages, std::uint32_t offset) {
  ALLOCLAB_CHECK_EQ(offset % kPageBytes, 0u);
  const VirtAddr block(first.raw() + offset);
  for (std::uint32_t i = 0; i < pages; ++i) {
    const std::uint32_t bytes = i * kPageBytes;
    if (!Map(block + bytes, FrameOf(first + bytes), /*writable=*/true)) return std::nullopt;
  }
  return block;
}

void AddressSpace::UnmapBlock(VirtAddr first, std::uint32_t pages) {
  for (std::uint32_t i = 0; i < pages; ++i) (void)Unmap(first + i * kPageBytes);
}

std::nullopt_t AddressSpace::Fault(PageFault::Kind kind, VirtAddr address, bool present, Access access) {
  switch (kind) {
    case PageFault::Kind::kNotMapped:
      ++costs_.not_mapped_faults;
      break;
    case PageFault::Kind::kProtection:
      ++costs_.protection_faults;
      break;
    case PageFault::Kind::kNoFrame:
      ++costs_.refused_faults;
      break;
  }
  last_fault_ = PageFault{kind, address, (present ? 1u : 0u) | (access == Access::kWrite ? 2u : 0u)};
  return std::nullopt;
}

std::optional<std::uint32_t> AddressSpace::BringPage() {
  const std::optional<PageFrame> frame = frames_.TakeFrame();
  if (!frame) return std::nullopt;
  (void)memory_.Pin(*frame);
  ++costs_.demand_faults;
  ++costs_.mapped_frames;
  return frame->base().raw() | pte::kPresent | pte::kWritable;
}

std::optional<PageFrame> AddressSpace::Resolve(VirtAddr address, Access access) {
  const PhysicalMemory::FrameWords* table = Table(address);
  if (table == nullptr) return Fault(PageFault::Kind::kNotMapped, address, false, access);
  const std::uint32_t old_entry = (*table)[TableIndex(address)];
  std::uint32_t entry = old_entry;
  if (OnDemand(entry)) {
    const std::optional<std::uint32_t> brought = BringPage();
    if (!brought) return Fault(PageFault::Kind::kNoFrame, address, false, access);
    if (const LoadWatch* watch = LoadWatch::On(*this); watch != nullptr) watch->Brought(address);
    entry = *brought;
    SetEntry(memory_, EntryAddress(address), entry);
  }
  if ((entry & pte::kPresent) == 0) return Fault(PageFault::Kind::kNotMapped, address, false, access);
  if (access == Access::kWrite && (entry & pte::kWritable) == 0) {
    return Fault(PageFault::Kind::kProtection, address, true, access);
  }
  if (FrameIn(entry).number >= memory_.frame_count()) return Fault(PageFault::Kind::kNotMapped, address, true, access);
  const std::uint32_t pde = directory_words_[DirectoryIndex(address)];
  if ((pde & pte::kAccessed) == 0) {
    SetEntry(memory_, directory_ + DirectoryIndex(address) * kWordBytes, pde | pte::kAccessed);
  }
  entry |= pte::kAccessed | (access == Access::kWrite ? pte::kDirty : 0);
  if (entry != old_entry) SetEntry(memory_, EntryAddress(address), entry);
  return FrameIn(entry);
}

const std::uint32_t* AddressSpace::ResolveToRead(VirtAddr address) {
  if (const std::uint32_t* cached = CachedPage(address.page()); cached != nullptr) return cached;
  if (const std::uint32_t* readable = ReadablePage(address.page()); readable != nullptr) return readable;
  const std::optional<PageFrame> frame = Resolve(address, Access::kRead);
  if (!frame) return nullptr;
  const std::uint32_t* words = memory_.WordsToRead(*frame)->data();
  if (const std::uint32_t i = address.page() - cache_first_; i < Cache().size()) {
    if (readable_.size() <= i) readable_.resize(Cache().size());
    if (undoable_) forgotten_.push_back({address.page(), cache_aside_[i], nullptr});
    readable_[i] = words;
  }
  return words;
}

PhysicalMemory::FrameWords* AddressSpace::ResolveToWrite(VirtAddr address, std::uint32_t offset, std::uint32_t bytes) {
  const std::optional<PageFrame> frame = Resolve(address, Access::kWrite);
  if (!frame) return nullptr;
  PhysicalMemory::FrameWords* words = memory_.WordsToWrite(*frame, offset, bytes);
  const std::uint32_t i = address.page() - cache_first_;
  if (i < cache_.size() && !memory_.IsTable(*frame) && LoadWatch::On(*this) == nullptr) cache_[i] = words->data();
  return words;
}

std::uint32_t* AddressSpace::TouchPage(VirtAddr address) {
  if (std::uint32_t* cached = CachedPage(address.page()); cached != nullptr) return cached;
  PhysicalMemory::FrameWords* words = ResolveToWrite(address, 0, kPageBytes);
  if (words == nullptr) return nullptr;
  ALLOCLAB_CHECK(!memory_.IsTable(FrameOf(Translate(address).phys.value_or(directory_))));
  return words->data();
}

std::optional<std::uint32_t> AddressSpace::LoadU32(VirtAddr address) {
  if (address.raw() % kWordBytes == 0) {
    if (const LoadWatch* watch = LoadWatch::On(*this); watch != nullptr) watch->Loaded(address);
    const std::uint32_t* page = ResolveToRead(address);
    return page != nullptr ? std::optional(page[address.offset() / kWordBytes]) : std::nullopt;
  }
  std::array<std::uint8_t, kWordBytes> bytes;
  if (!Read(address, bytes)) return std::nullopt;
  return std::bit_cast<std::uint32_t>(bytes);
}

bool AddressSpace::StoreU32(VirtAddr address, std::uint32_t value) {
  if (address.raw() % kWordBytes == 0) {
    std::uint32_t* page = CachedPage(address.page());
    if (page == nullptr) {
      PhysicalMemory::FrameWords* words = ResolveToWrite(address, address.offset(), kWordBytes);
      if (words == nullptr) return false;
      page = words->data();
    }
    page[address.offset() / kWordBytes] = value;
    return true;
  }
  return WriteAtOnce(address, std::bit_cast<std::array<std::uint8_t, kWordBytes>>(value));
}

bool AddressSpace::WriteAtOnce(VirtAddr address, std::span<const std::uint8_t> bytes) {
  ALLOCLAB_CHECK_GE(bytes.size(), 1u);
  ALLOCLAB_CHECK_LE(bytes.size(), kPageBytes);
  const VirtAddr last = address + static_cast<std::uint32_t>(bytes.size() - 1);
  if (last.page() != address.page()) {  // the processor checks both pages of a split word before it writes either
    if (!Resolve(address, Access::kWrite) || !Resolve(last - last.offset(), Access::kWrite)) return false;
  }
  return Write(address, bytes);
}

template <class Piece>
bool AddressSpace::ForEachPieceToWrite(VirtAddr address, std::size_t bytes, Piece piece) {
  while (bytes > 0) {
    const auto length = static_cast<std::uint32_t>(std::min<std::size_t>(bytes, kPageBytes - address.offset()));
    PhysicalMemory::FrameWords* words = ResolveToWrite(address, address.offset(), length);
    if (words == nullptr) return false;
    piece(std::as_writable_bytes(std::span(*words)).subspan(address.offset(), length));
    address = address + length;
    bytes -= length;
  }
  return true;
}

bool AddressSpace::Read(VirtAddr address, std::span<std::uint8_t> out) {
  if (const LoadWatch* watch = LoadWatch::On(*this); watch != nullptr) watch->Loaded(address);
  while (!out.empty()) {
    const std::size_t piece = std::min<std::size_t>(out.size(), kPageBytes - address.offset());
    const std::uint32_t* page = ResolveToRead(address);
    if (page == nullptr) return false;
    std::memcpy(out.data(), std::as_bytes(std::span(page, kPageWords)).data() + address.offset(), piece);
    out = out.subspan(piece);
    address = address + static_cast<std::uint32_t>(piece);
  }
  return true;
}

bool AddressSpace::Write(VirtAddr address, std::span<const std::uint8_t> bytes) {
  const std::uint8_t* from = bytes.data();
  return ForEachPieceToWrite(address, bytes.size(), [&from](std::span<std::byte> piece) {
    std::memcpy(piece.data(), from, piece.size());
    from += piece.size();
  });
}

bool AddressSpace::Fill(VirtAddr address, std::uint32_t bytes, std::uint8_t value) {
  return ForEachPieceToWrite(address, bytes,
                             [value](std::span<std::byte> piece) { std::memset(piece.data(), value, piece.size()); });
}

bool AddressSpace::Copy(VirtAddr to, VirtAddr from, std::uint32_t bytes) {
  while (bytes > 0) {
    const std::uint32_t piece = std::min({bytes, kPageBytes - to.offset(), kPageBytes - from.offset()});
    const std::uint32_t* source = ResolveToRead(from);
    if (source == nullptr) return false;
    PhysicalMemory::FrameWords* target_words = ResolveToWrite(to, to.offset(), piece);
    if (target_words == nullptr) return false;
    std::memmove(std::as_writable_bytes(std::span(*target_words)).data() + to.offset(),
                 std::as_bytes(std::span(source, kPageWords)).data() + from.offset(), piece);
    to = to + piece;
    from = from + piece;
    bytes -= piece;
  }
  return true;
}

Translation AddressSpace::Translate(VirtAddr address) const {
  Translation result;
  result.virt = address;
  result.directory_index = DirectoryIndex(address);
  result.table_index = TableIndex(address);
  result.pde_address = directory_ + result.directory_index * kWordBytes;
  result.pde = directory_words_[result.directory_index];
  if ((result.pde & pte::kPresent) == 0) return result;
  result.pte_address = FrameIn(result.pde).base() + result.table_index * kWordBytes;
  result.pte = memory_.LoadU32(result.pte_address).value_or(0);
  if ((result.pte & pte::kPresent) != 0) result.phys = FrameIn(result.pte).base() + address.offset();
  result.on_demand = OnDemand(result.pte);
  return result;
}

std::optional<std::uint32_t> AddressSpace::Peek(VirtAddr address) const {
  if (address.raw() % kWordBytes == 0) {
    if (const std::uint32_t* cached = CachedPage(address.page()); cached != nullptr)
      return cached[address.offset() / kWordBytes];
  }
  std::array<std::uint8_t, kWordBytes> bytes;
  for (std::uint32_t i = 0; i < kWordBytes; ++i) {
    const std::optional<PhysAddr> phys = Translate(address + i).phys;
    if (!phys || !memory_.Read(*phys, std::span(bytes).subspan(i, 1))) return std::nullopt;
  }
  return std::bit_cast<std::uint32_t>(bytes);
}

std::uint32_t AddressSpace::AbsentPages(VirtAddr first, VirtAddr last) const {
  std::uint32_t absent = 0;
  for (std::uint32_t page = first.page(); page <= last.page(); ++page) {
    if (CachedPage(page) == nullptr && !Translate(VirtAddr(page << kPageShift)).phys) ++absent;
  }
  return absent;
}

}  // namespace alloclab

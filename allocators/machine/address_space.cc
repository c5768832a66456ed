#include "allocators/machine/address_space.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kTableEntries = 1024;

std::uint32_t DirectoryIndex(VirtAddr address) { return address.raw() >> 22; }
std::uint32_t TableIndex(VirtAddr address) { return address.page() % kTableEntries; }
PageFrame FrameIn(std::uint32_t entry) { return FrameOf(PhysAddr(entry & pte::kFrameMask)); }
bool OnDemand(std::uint32_t entry) { return (entry & (pte::kPresent | pte::kWritable)) == pte::kWritable; }

// REQUIRES: the entry's table is in RAM.
void SetEntry(PhysicalMemory& memory, PhysAddr address, std::uint32_t entry) { (void)memory.StoreU32(address, entry); }

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
  memory_.AddPointerKeeper(this);
}

AddressSpace::~AddressSpace() { memory_.RemovePointerKeeper(this); }

std::unique_ptr<AddressSpace> AddressSpace::CreateOver(PhysicalMemory& memory, FrameSource& frames, const State& state) {
  std::unique_ptr<AddressSpace> space(new AddressSpace(memory, frames, state.directory));
  space->Restore(state);
  return space;
}

AddressSpace::State AddressSpace::Save() const {
  return {FrameOf(directory_), costs_, last_fault_, cache_first_, static_cast<std::uint32_t>(cache_.size())};
}

void AddressSpace::Restore(const State& state) {
  ALLOCLAB_CHECK(!undoable_);
  ALLOCLAB_CHECK_EQ(state.directory, FrameOf(directory_));
  costs_ = state.costs;
  last_fault_ = state.last_fault;
  cache_first_ = state.first_page;
  cache_.assign(state.pages, nullptr);
}

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

const PhysicalMemory::FrameWords* AddressSpace::Table(VirtAddr address) {
  const std::uint32_t pde = directory_words_[DirectoryIndex(address)];
  return (pde & pte::kPresent) != 0 ? memory_.WordsToRead(FrameIn(pde)) : nullptr;
}

PhysAddr AddressSpace::EntryAddress(VirtAddr address) const {
  return FrameIn(directory_words_[DirectoryIndex(address)]).base() + TableIndex(address) * kWordBytes;
}

void AddressSpace::CoverPages(VirtAddr first, std::uint32_t pages) {
  std::vector<std::uint32_t*>& cache = Cache();
  if (cache.empty()) cache_first_ = first.page();
  if (first.page() < cache_first_) {  // at least twice as many, so that blocks mapped downwards are not slow
    const std::uint32_t wanted = std::max<std::uint32_t>(cache_first_ - first.page(), static_cast<std::uint32_t>(cache.size()));
    const std::uint32_t added = std::min(cache_first_, wanted);
    cache.insert(cache.begin(), added, nullptr);
    cache_first_ -= added;
  }
  cache.resize(std::max<std::size_t>(cache.size(), first.page() - cache_first_ + pages));
}

void AddressSpace::ForgetPage(VirtAddr page) {
  std::vector<std::uint32_t*>& cache = Cache();
  const std::uint32_t i = page.page() - cache_first_;
  if (i >= cache.size() || cache[i] == nullptr) return;
  if (undoable_) forgotten_.push_back({page.page(), cache[i]});
  cache[i] = nullptr;
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

PhysicalMemory::FrameWords* AddressSpace::ResolveToWrite(VirtAddr address, std::uint32_t offset, std::uint32_t bytes) {
  const std::optional<PageFrame> frame = Resolve(address, Access::kWrite);
  if (!frame) return nullptr;
  PhysicalMemory::FrameWords* words = memory_.WordsToWrite(*frame, offset, bytes);
  if (const std::uint32_t i = address.page() - cache_first_; i < cache_.size()) cache_[i] = words->data();
  return words;
}

std::uint32_t* AddressSpace::TouchPage(VirtAddr address) {
  if (std::uint32_t* cached = CachedPage(address.page()); cached != nullptr) return cached;
  PhysicalMemory::FrameWords* words = ResolveToWrite(address, 0, kPageBytes);
  return words != nullptr ? words->data() : nullptr;
}

std::optional<std::uint32_t> AddressSpace::LoadU32(VirtAddr address) {
  if (address.raw() % kWordBytes == 0) {
    if (const std::uint32_t* cached = CachedPage(address.page()); cached != nullptr)
      return cached[address.offset() / kWordBytes];
    const std::optional<PageFrame> frame = Resolve(address, Access::kRead);
    return frame ? std::optional((*memory_.WordsToRead(*frame))[address.offset() / kWordBytes]) : std::nullopt;
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
  while (!out.empty()) {
    const std::size_t piece = std::min<std::size_t>(out.size(), kPageBytes - address.offset());
    const std::optional<PageFrame> frame = Resolve(address, Access::kRead);
    if (!frame) return false;
    std::memcpy(out.data(), std::as_bytes(std::span(*memory_.WordsToRead(*frame))).data() + address.offset(), piece);
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
    const std::optional<PageFrame> source = Resolve(from, Access::kRead);
    if (!source) return false;
    const PhysicalMemory::FrameWords& source_words = *memory_.WordsToRead(*source);
    PhysicalMemory::FrameWords* target_words = ResolveToWrite(to, to.offset(), piece);
    if (target_words == nullptr) return false;
    std::memmove(std::as_writable_bytes(std::span(*target_words)).data() + to.offset(),
                 std::as_bytes(std::span(source_words)).data() + from.offset(), piece);
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

void AddressSpace::BeginUndoable() {
  undoable_ = true;
  costs_before_ = costs_;
  last_fault_before_ = last_fault_;
  cache_.swap(cache_aside_);
}

void AddressSpace::EndUndoable(bool undo) {
  undoable_ = false;
  cache_.swap(cache_aside_);
  if (undo) {
    costs_ = costs_before_;
    last_fault_ = last_fault_before_;
    for (const Forgotten& forgotten : forgotten_) cache_[forgotten.page - cache_first_] = forgotten.words;
  }
  forgotten_.clear();
}

std::uint64_t AddressSpace::host_bytes() const {
  return sizeof(*this) + cache_.capacity() * sizeof(cache_[0]) + forgotten_.capacity() * sizeof(forgotten_[0]);
}

}  // namespace alloclab

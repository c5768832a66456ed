#include "allocators/machine/address_space.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "absl/strings/str_format.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kTableEntries = 1024;

std::uint32_t DirectoryIndex(VirtAddr address) { return address.raw() >> 22; }
std::uint32_t TableIndex(VirtAddr address) { return address.page() % kTableEntries; }
PageFrame FrameIn(std::uint32_t entry) { return FrameOf(PhysAddr(entry & pte::kFrameMask)); }
bool OnDemand(std::uint32_t entry) { return (entry & (pte::kPresent | pte::kWritable)) == pte::kWritable; }

}  // namespace

absl::StatusOr<std::unique_ptr<AddressSpace>> AddressSpace::Create(PhysicalMemory& memory, FrameSource& frames) {
  const std::optional<PageFrame> directory = frames.TakeFrame();
  if (!directory || !memory.FillFrames(*directory, 1, 0)) {
    return absl::ResourceExhaustedError("no page frame left for the page directory: give the machine more RAM");
  }
  return std::unique_ptr<AddressSpace>(new AddressSpace(memory, frames, *directory));
}

AddressSpace::AddressSpace(PhysicalMemory& memory, FrameSource& frames, PageFrame directory)
    : memory_(memory), frames_(frames), directory_(directory.base()), directory_words_(*memory.Pin(directory)) {
  costs_.page_table_frames = 1;
}

AddressSpace::~AddressSpace() = default;

absl::Status AddressSpace::AddPageTables(VirtAddr first, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint32_t& pde = directory_words_[(DirectoryIndex(first) + i) % kTableEntries];
    if ((pde & pte::kPresent) != 0) continue;
    const std::optional<PageFrame> table = frames_.TakeFrame();
    if (!table || !memory_.FillFrames(*table, 1, 0) || !memory_.PinUntouched(*table)) {
      return absl::ResourceExhaustedError(
          absl::StrFormat("no page frame left for page table %d of %d: give the machine more RAM", i + 1, count));
    }
    pde = table->base().raw() | pte::kPresent | pte::kWritable;
    ++costs_.page_table_frames;
  }
  return absl::OkStatus();
}

PhysicalMemory::FrameWords* AddressSpace::Table(VirtAddr address) {
  const std::uint32_t pde = directory_words_[DirectoryIndex(address)];
  return (pde & pte::kPresent) != 0 ? memory_.Pin(FrameIn(pde)) : nullptr;
}

void AddressSpace::PromisePages(VirtAddr first, std::uint32_t pages) {
  if (cache_.empty()) cache_first_ = first.page();
  if (first.page() >= cache_first_) {
    cache_.resize(std::max<std::size_t>(cache_.size(), first.page() - cache_first_ + pages));
  }
  PhysicalMemory::FrameWords* table = nullptr;
  for (std::uint32_t i = 0; i < pages; ++i, first = first + kPageBytes) {
    if (table == nullptr || TableIndex(first) == 0) table = Table(first);
    if (table == nullptr) return;
    std::uint32_t& entry = (*table)[TableIndex(first)];
    if ((entry & pte::kPresent) == 0) entry = pte::kWritable;
  }
}

bool AddressSpace::SetWritable(VirtAddr page, bool writable) {
  PhysicalMemory::FrameWords* table = Table(page);
  if (table == nullptr) return false;
  std::uint32_t& entry = (*table)[TableIndex(page)];
  if ((entry & pte::kPresent) == 0) return false;
  entry = writable ? entry | pte::kWritable : entry & ~pte::kWritable;
  if (const std::uint32_t i = page.page() - cache_first_; i < cache_.size()) cache_[i] = nullptr;
  return true;
}

PhysicalMemory::FrameWords* AddressSpace::Fault(PageFault::Kind kind, VirtAddr address, bool present, Access access) {
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
  return nullptr;
}

std::optional<std::uint32_t> AddressSpace::BringPage() {
  const std::optional<PageFrame> frame = frames_.TakeFrame();
  if (!frame) return std::nullopt;
  ++costs_.demand_faults;
  ++costs_.mapped_frames;
  return frame->base().raw() | pte::kPresent | pte::kWritable;
}

PhysicalMemory::FrameWords* AddressSpace::Resolve(VirtAddr address, Access access) {
  PhysicalMemory::FrameWords* table = Table(address);
  if (table == nullptr) return Fault(PageFault::Kind::kNotMapped, address, false, access);
  std::uint32_t& entry = (*table)[TableIndex(address)];
  if (OnDemand(entry)) {
    const std::optional<std::uint32_t> brought = BringPage();
    if (!brought) return Fault(PageFault::Kind::kNoFrame, address, false, access);
    entry = *brought;
  }
  if ((entry & pte::kPresent) == 0) return Fault(PageFault::Kind::kNotMapped, address, false, access);
  if (access == Access::kWrite && (entry & pte::kWritable) == 0) {
    return Fault(PageFault::Kind::kProtection, address, true, access);
  }
  directory_words_[DirectoryIndex(address)] |= pte::kAccessed;
  entry |= pte::kAccessed | (access == Access::kWrite ? pte::kDirty : 0);
  return memory_.Pin(FrameIn(entry));
}

std::uint32_t* AddressSpace::TouchPage(VirtAddr address) {
  if (std::uint32_t* cached = CachedPage(address.page()); cached != nullptr) return cached;
  PhysicalMemory::FrameWords* words = Resolve(address, Access::kWrite);
  if (words == nullptr) return nullptr;
  if (const std::uint32_t i = address.page() - cache_first_; i < cache_.size()) cache_[i] = words->data();
  return words->data();
}

std::optional<std::uint32_t> AddressSpace::LoadU32(VirtAddr address) {
  if (address.raw() % kWordBytes == 0) {
    if (const std::uint32_t* cached = CachedPage(address.page()); cached != nullptr)
      return cached[address.offset() / kWordBytes];
    const PhysicalMemory::FrameWords* words = Resolve(address, Access::kRead);
    return words != nullptr ? std::optional((*words)[address.offset() / kWordBytes]) : std::nullopt;
  }
  std::array<std::uint8_t, kWordBytes> bytes;
  if (!Read(address, bytes)) return std::nullopt;
  return std::bit_cast<std::uint32_t>(bytes);
}

bool AddressSpace::StoreU32(VirtAddr address, std::uint32_t value) {
  if (address.raw() % kWordBytes == 0) {
    std::uint32_t* page = TouchPage(address);
    if (page == nullptr) return false;
    page[address.offset() / kWordBytes] = value;
    return true;
  }
  // The processor checks both pages of a split word before it writes either.
  if (TouchPage(address) == nullptr || TouchPage(address + (kWordBytes - 1)) == nullptr) return false;
  return Write(address, std::bit_cast<std::array<std::uint8_t, kWordBytes>>(value));
}

template <class Piece>
bool AddressSpace::ForEachPiece(VirtAddr address, std::size_t bytes, Access access, Piece piece) {
  while (bytes > 0) {
    PhysicalMemory::FrameWords* words = Resolve(address, access);
    if (words == nullptr) return false;
    const auto length = static_cast<std::uint32_t>(std::min<std::size_t>(bytes, kPageBytes - address.offset()));
    piece(std::as_writable_bytes(std::span(*words)).subspan(address.offset(), length));
    address = address + length;
    bytes -= length;
  }
  return true;
}

bool AddressSpace::Read(VirtAddr address, std::span<std::uint8_t> out) {
  std::uint8_t* to = out.data();
  return ForEachPiece(address, out.size(), Access::kRead, [&to](std::span<std::byte> piece) {
    std::memcpy(to, piece.data(), piece.size());
    to += piece.size();
  });
}

bool AddressSpace::Write(VirtAddr address, std::span<const std::uint8_t> bytes) {
  const std::uint8_t* from = bytes.data();
  return ForEachPiece(address, bytes.size(), Access::kWrite, [&from](std::span<std::byte> piece) {
    std::memcpy(piece.data(), from, piece.size());
    from += piece.size();
  });
}

bool AddressSpace::Fill(VirtAddr address, std::uint32_t bytes, std::uint8_t value) {
  return ForEachPiece(address, bytes, Access::kWrite,
                      [value](std::span<std::byte> piece) { std::memset(piece.data(), value, piece.size()); });
}

bool AddressSpace::Copy(VirtAddr to, VirtAddr from, std::uint32_t bytes) {
  while (bytes > 0) {
    const std::uint32_t piece = std::min({bytes, kPageBytes - to.offset(), kPageBytes - from.offset()});
    const PhysicalMemory::FrameWords* source = Resolve(from, Access::kRead);
    PhysicalMemory::FrameWords* target = source != nullptr ? Resolve(to, Access::kWrite) : nullptr;
    if (target == nullptr) return false;
    std::memmove(std::as_writable_bytes(std::span(*target)).data() + to.offset(),
                 std::as_bytes(std::span(*source)).data() + from.offset(), piece);
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

std::uint64_t AddressSpace::host_bytes() const { return sizeof(*this) + cache_.capacity() * sizeof(cache_[0]); }

}  // namespace alloclab

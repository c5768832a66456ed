#include "allocators/testing/shadow.h"

#include <algorithm>
#include <array>
#include <span>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kHeadBytes = 2 * kPageBytes;
constexpr std::uint32_t kTailBytes = 64;

std::uint8_t PatternByte(std::uint32_t serial, std::uint32_t offset) {
  return static_cast<std::uint8_t>(serial * 167 + offset * 31 + (offset >> 8) * 7 + 1);
}

// Calls piece(address, offset, bytes in host memory) for each piece of a range in one page, until it returns false; false then,
// and when a page is not there. Touches nothing.
template <class Piece>
bool ReadQuietly(const Instance& instance, VirtAddr address, std::uint32_t bytes, Piece piece) {
  std::array<std::uint8_t, kPageBytes> buffer;
  for (std::uint32_t done = 0; done < bytes;) {
    const VirtAddr at = address + done;
    const std::span<std::uint8_t> part = std::span(buffer).first(std::min(bytes - done, kPageBytes - at.offset()));
    const std::optional<PhysAddr> phys = instance.space()->Translate(at).phys;
    if (!phys || !instance.memory().Read(*phys, part) || !piece(done, part)) return false;
    done += static_cast<std::uint32_t>(part.size());
  }
  return true;
}

// Whether the bytes from `offset` of a block on are its pattern, read at `address` + offset.
std::string CheckPattern(const Instance& instance, std::uint32_t serial, VirtAddr address, std::uint32_t offset,
                         std::uint32_t bytes) {
  std::string wrong;
  const bool readable =
      ReadQuietly(instance, address + offset, bytes, [&](std::uint32_t done, std::span<const std::uint8_t> part) {
        for (std::uint32_t i = 0; i < part.size(); ++i) {
          const std::uint8_t expected = PatternByte(serial, offset + done + i);
          if (part[i] == expected) continue;
          wrong = absl::StrFormat("byte %d of the block at %#x is %d, but %d was written", offset + done + i, address.raw(),
                                  part[i], expected);
          return false;
        }
        return true;
      });
  if (!readable && wrong.empty()) wrong = absl::StrFormat("a page of the block at %#x is gone", address.raw());
  return wrong;
}

bool WritePattern(Instance& instance, std::uint32_t serial, VirtAddr address, std::uint32_t offset, std::uint32_t bytes) {
  std::vector<std::uint8_t> pattern(bytes);
  for (std::uint32_t i = 0; i < bytes; ++i) pattern[i] = PatternByte(serial, offset + i);
  return instance.space()->Write(address + offset, pattern);
}

std::uint32_t PageWord(std::uint32_t address) { return address * 0x9E3779B1 ^ 0x5A5A5A5A; }
constexpr std::uint32_t kPageWordOffsets[] = {0, kWordBytes, kPageBytes - kWordBytes};

}  // namespace

std::string HeapShadow::Add(Instance& instance, VirtAddr address, std::uint32_t bytes) {
  const HeapAllocator& heap = *instance.heap();
  const std::uint64_t end = std::uint64_t{address.raw()} + bytes;
  if (address < heap.start() || end > heap.brk().raw()) {
    return absl::StrFormat("gives %#x to %#x, outside the heap from %#x to the break %#x", address.raw(), end,
                           heap.start().raw(), heap.brk().raw());
  }
  const auto next = blocks_.lower_bound(address.raw());
  if (next != blocks_.end() && (next->first < end || next->first == address.raw())) {
    return absl::StrFormat("gives %#x to %#x, which overlaps the live block at %#x", address.raw(), end, next->first);
  }
  if (next != blocks_.begin()) {
    const auto& [before, block] = *std::prev(next);
    if (std::uint64_t{before} + block.bytes > address.raw()) {
      return absl::StrFormat("gives %#x to %#x, inside the live block of %d bytes at %#x", address.raw(), end, block.bytes,
                             before);
    }
  }
  Block block{.bytes = bytes, .serial = ++serial_, .head = std::min(bytes, kHeadBytes)};
  block.tail = std::min(bytes - block.head, kTailBytes);
  if (!WritePattern(instance, block.serial, address, 0, block.head)) block.head = 0;
  if (!WritePattern(instance, block.serial, address, bytes - block.tail, block.tail)) block.tail = 0;
  blocks_.emplace(address.raw(), block);
  return {};
}

std::string HeapShadow::CheckMoved(const Instance& instance, const Block& block, VirtAddr address, std::uint32_t bytes) {
  const std::string wrong = CheckPattern(instance, block.serial, address, 0, std::min(block.head, bytes));
  const std::uint32_t tail = block.bytes - block.tail;
  return wrong.empty() && bytes > tail
             ? CheckPattern(instance, block.serial, address, tail, std::min(bytes, block.bytes) - tail)
             : wrong;
}

std::string HeapShadow::CheckContents(const Instance& instance) const {
  for (const auto& [address, block] : blocks_) {
    if (std::string wrong = CheckMoved(instance, block, VirtAddr(address), block.bytes); !wrong.empty()) return wrong;
  }
  return {};
}

bool ReadsAsZero(const Instance& instance, VirtAddr address, std::uint32_t bytes) {
  return ReadQuietly(instance, address, bytes, [](std::uint32_t, std::span<const std::uint8_t> part) {
    return std::all_of(part.begin(), part.end(), [](std::uint8_t byte) { return byte == 0; });
  });
}

std::uint64_t PageShadow::HeldBytes(PhysAddr first, std::uint64_t bytes) const {
  std::uint64_t held = 0;
  const std::uint64_t from = first.raw(), to = from + bytes;
  for (const auto& [begin, end] : blocks_) {
    const std::uint64_t low = std::max<std::uint64_t>(begin, from), high = std::min(end, to);
    if (low < high) held += high - low;
  }
  return held;
}

std::uint64_t PageShadow::HeldBytes() const { return HeldBytes(PhysAddr(0), std::uint64_t{1} << 32); }

std::string PageShadow::Add(Instance& instance, PhysAddr first, std::uint32_t bytes) {
  const Arena& arena = instance.pages().arena();
  if (first.offset() != 0 || !arena.Contains(first, bytes)) {
    return absl::StrFormat("gives %#x to %#x: no whole pages of the arena from %#x to %#x", first.raw(),
                           first.raw() + std::uint64_t{bytes}, arena.first.raw(), arena.end());
  }
  if (HeldBytes(first, bytes) != 0) {
    return absl::StrFormat("gives %d bytes at %#x, of which %d are held already", bytes, first.raw(), HeldBytes(first, bytes));
  }
  if (instance.memory().AnyPinned(FrameOf(first), bytes >> kPageShift)) {
    return absl::StrFormat("gives %d bytes at %#x, with a frame that the machine uses", bytes, first.raw());
  }
  for (std::uint32_t page = 0; page < bytes; page += kPageBytes) {
    for (const std::uint32_t offset : kPageWordOffsets) {
      const PhysAddr word = first + (page + offset);
      ALLOCLAB_CHECK(instance.memory().StoreU32(word, PageWord(word.raw())));
    }
  }
  blocks_.emplace(first.raw(), first.raw() + std::uint64_t{bytes});
  return {};
}

void PageShadow::Remove(PhysAddr first, std::uint32_t bytes) {
  const std::uint64_t from = first.raw(), to = from + bytes;
  Blocks left;
  for (const auto& [begin, end] : blocks_) {
    if (begin < from) left.emplace(begin, std::min(end, from));
    if (end > to) left.emplace(static_cast<std::uint32_t>(std::max<std::uint64_t>(begin, to)), end);
  }
  blocks_ = std::move(left);
}

std::string PageShadow::CheckContents(const Instance& instance) const {
  for (const auto& [begin, end] : blocks_) {
    for (std::uint64_t page = begin; page < end; page += kPageBytes) {
      for (const std::uint32_t offset : kPageWordOffsets) {
        const PhysAddr word(static_cast<std::uint32_t>(page + offset));
        const std::uint32_t value = instance.memory().LoadU32(word).value_or(0);
        if (value != PageWord(word.raw())) {
          return absl::StrFormat("the word at %#x of a page that is held is %#x, but %#x was written", word.raw(), value,
                                 PageWord(word.raw()));
        }
      }
    }
  }
  return {};
}

}  // namespace alloclab

#include "allocators/guest/live_extents.h"

#include <bit>

namespace alloclab {
namespace {

constexpr std::uint32_t kBits = 64, kPagesEnd = 1u << 20;

constexpr std::uint64_t Bit(std::uint32_t i) { return std::uint64_t{1} << i % kBits; }
constexpr std::uint64_t FromBit(std::uint32_t i) { return ~std::uint64_t{0} << i % kBits; }
// None of them if i is a multiple of 64.
constexpr std::uint64_t BelowBit(std::uint32_t i) { return Bit(i) - 1; }
std::uint32_t Lowest(std::uint64_t bits) { return static_cast<std::uint32_t>(std::countr_zero(bits)); }
std::uint32_t Highest(std::uint64_t bits) { return static_cast<std::uint32_t>(kBits - 1 - std::countl_zero(bits)); }

constexpr auto kAny = [](const auto& marks) { return marks.starts | marks.ends; };
constexpr auto kStarts = [](const auto& marks) { return marks.starts; };

}  // namespace

inline const LiveExtents::Page* LiveExtents::MarkedPage(std::uint32_t page) const {
  const Page* found = pages_.Find(page);
  return found != nullptr && found->marked != 0 ? found : nullptr;
}

std::uint32_t LiveExtents::PageFrom(std::uint32_t page) const {
  std::uint64_t mask = FromBit(page);
  for (std::size_t i = page / kBits; i < marked_pages_.size(); ++i, mask = ~std::uint64_t{0}) {
    if (const std::uint64_t bits = marked_pages_[i] & mask; bits != 0)
      return static_cast<std::uint32_t>(i) * kBits + Lowest(bits);
  }
  return kPagesEnd;
}

std::optional<std::uint32_t> LiveExtents::PageBelow(std::uint32_t page) const {
  page = std::min(page, static_cast<std::uint32_t>(marked_pages_.size()) * kBits);
  while (page != 0) {
    const std::uint32_t i = (page - 1) / kBits;
    const std::uint64_t bits = marked_pages_[i] & (page % kBits == 0 ? ~std::uint64_t{0} : BelowBit(page));
    if (bits != 0) return i * kBits + Highest(bits);
    page = i * kBits;
  }
  return std::nullopt;
}

template <class Wanted>
inline std::optional<std::uint32_t> LiveExtents::FirstWord(std::uint32_t from, std::uint32_t end, Wanted wanted) const {
  while (from < end) {
    const Page* const page = MarkedPage(from / kPageWords);
    const std::uint32_t page_end = page != nullptr ? (from / kPageWords + 1) * kPageWords : from;
    for (; from < std::min(end, page_end); from = (from / kBits + 1) * kBits) {
      const std::uint64_t bits = wanted(page->marks[from % kPageWords / kBits]) & FromBit(from);
      if (bits == 0) continue;
      const std::uint32_t found = from / kBits * kBits + Lowest(bits);
      return found < end ? std::optional(found) : std::nullopt;
    }
    if (from < end) from = PageFrom(from / kPageWords + (page == nullptr)) * kPageWords;
  }
  return std::nullopt;
}

template <class Wanted>
inline std::optional<std::uint32_t> LiveExtents::LastWord(std::uint32_t end, Wanted wanted) const {
  while (end != 0) {
    const std::uint32_t number = (end - 1) / kPageWords;
    if (const Page* const page = MarkedPage(number); page != nullptr) {
      while (end > number * kPageWords) {
        const std::uint32_t last = end - 1;
        const std::uint64_t bits = wanted(page->marks[last % kPageWords / kBits]) & (BelowBit(last) | Bit(last));
        if (bits != 0) return last / kBits * kBits + Highest(bits);
        end = last / kBits * kBits;
      }
    }
    const std::optional<std::uint32_t> below = PageBelow(number);
    if (!below) break;
    end = (*below + 1) * kPageWords;
  }
  return std::nullopt;
}

inline std::uint32_t LiveExtents::LastWordOf(std::uint32_t word) const {
  return *FirstWord(word, kWordsEnd, [](const Marks& marks) { return marks.ends; });
}

inline bool LiveExtents::StartsAt(std::uint32_t address) const {
  const std::uint32_t word = address / kWordBytes;
  const Page* const page = MarkedPage(address / kPageBytes);
  return page != nullptr && address % kWordBytes == 0 && (page->marks[word % kPageWords / kBits].starts & Bit(word)) != 0;
}

inline void LiveExtents::Mark(std::uint32_t word, std::uint64_t Marks::*bits, bool set) {
  const std::uint32_t number = word / kPageWords;
  Page& page = pages_.Touch(number);
  std::uint64_t& marks = page.marks[word % kPageWords / kBits].*bits;
  marks = set ? marks | Bit(word) : marks & ~Bit(word);
  if (page.marked == 0) {
    if (number / kBits >= marked_pages_.size()) marked_pages_.resize(number / kBits + 1);
    marked_pages_[number / kBits] |= Bit(number);
  }
  page.marked += set ? 1 : ~0u;
  if (page.marked == 0) marked_pages_[number / kBits] &= ~Bit(number);
}

void LiveExtents::Add(const Extent& block) {
  const auto last = static_cast<std::uint32_t>(block.end() - 1);
  Mark(block.address / kWordBytes, &Marks::starts, true);
  Mark(last / kWordBytes, &Marks::ends, true);
  Marks& end = pages_.Touch(last / kPageBytes).marks[last % kPageBytes / kWordBytes / kBits];
  const std::uint64_t bit = Bit(last / kWordBytes);
  const auto put = [bit](std::uint64_t& bits, bool set) { bits = set ? bits | bit : bits & ~bit; };
  put(end.tail_low, (last & 1) != 0);
  put(end.tail_high, (last & 2) != 0);
  put(end.empty, block.bytes == 0);
}

void LiveExtents::Remove(std::uint32_t address) {
  if (!StartsAt(address)) return;
  const std::uint32_t word = address / kWordBytes, last = LastWordOf(word);
  Mark(word, &Marks::starts, false);
  Mark(last, &Marks::ends, false);
}

inline LiveExtents::Extent LiveExtents::StartingAt(std::uint32_t word) const {
  const std::uint32_t last = LastWordOf(word);
  const Marks& end = pages_.Find(last / kPageWords)->marks[last % kPageWords / kBits];
  const auto has = [last](std::uint64_t bits) { return static_cast<std::uint32_t>(bits >> last % kBits & 1); };
  const std::uint32_t bytes = (last - word) * kWordBytes + has(end.tail_high) * 2 + has(end.tail_low) + 1;
  return {word * kWordBytes, has(end.empty) != 0 ? 0 : bytes};
}

std::optional<LiveExtents::Extent> LiveExtents::At(std::uint32_t address) const {
  return StartsAt(address) ? std::optional(StartingAt(address / kWordBytes)) : std::nullopt;
}

std::optional<LiveExtents::Extent> LiveExtents::AtOrAbove(std::uint64_t address) const {
  const auto from = static_cast<std::uint32_t>(std::min<std::uint64_t>((address + kWordBytes - 1) / kWordBytes, kWordsEnd));
  const std::optional<std::uint32_t> word = FirstWord(from, kWordsEnd, kStarts);
  return word ? std::optional(StartingAt(*word)) : std::nullopt;
}

std::optional<LiveExtents::Extent> LiveExtents::Below(std::uint64_t address) const {
  const auto end = static_cast<std::uint32_t>(std::min<std::uint64_t>((address + kWordBytes - 1) / kWordBytes, kWordsEnd));
  const std::optional<std::uint32_t> word = LastWord(end, kStarts);
  return word ? std::optional(StartingAt(*word)) : std::nullopt;
}

bool LiveExtents::Overlaps(std::uint32_t first, std::uint64_t end) const {
  const std::uint32_t word = first / kWordBytes;
  if (FirstWord(word, static_cast<std::uint32_t>((end - 1) / kWordBytes) + 1, kAny)) return true;
  const std::optional<std::uint32_t> below = LastWord(word, kAny);  // a start without its end: it goes on here
  if (!below) return false;
  const Marks& marks = pages_.Find(*below / kPageWords)->marks[*below % kPageWords / kBits];
  return (marks.ends & Bit(*below)) == 0;
}

std::uint64_t LiveExtents::host_bytes() const { return pages_.host_bytes() + marked_pages_.capacity() * sizeof(std::uint64_t); }

}  // namespace alloclab

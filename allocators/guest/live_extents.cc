#include "allocators/guest/live_extents.h"

#include <bit>

namespace alloclab {
namespace {

constexpr std::uint32_t kBits = 64, kPagesEnd = 1u << 20;
constexpr std::uint64_t kAll = ~std::uint64_t{0};

constexpr std::uint64_t Bit(std::uint32_t i) { return std::uint64_t{1} << i % kBits; }
constexpr std::uint64_t FromBit(std::uint32_t i) { return kAll << i % kBits; }
constexpr std::uint64_t UpToBit(std::uint32_t i) { return kAll >> (kBits - 1 - i % kBits); }
template <class Bits>
std::uint32_t Lowest(Bits bits) {
  return static_cast<std::uint32_t>(std::countr_zero(bits));
}
template <class Bits>
std::uint32_t Highest(Bits bits) {
  return static_cast<std::uint32_t>(std::bit_width(bits)) - 1;
}

// Which of a page's marks a word is in.
constexpr std::uint32_t Group(std::uint32_t word) { return word % kPageWords / kBits; }

constexpr auto kAny = [](const auto& marks) { return marks.starts | marks.ends; };
constexpr auto kStarts = [](const auto& marks) { return marks.starts; };
constexpr auto kEnds = [](const auto& marks) { return marks.ends; };

}  // namespace

std::uint32_t LiveExtents::PageFrom(std::uint32_t page) const {
  std::uint64_t mask = FromBit(page);
  for (std::size_t i = page / kBits; i < marked_pages_.size(); ++i, mask = kAll) {
    if (const std::uint64_t bits = marked_pages_[i] & mask; bits != 0)
      return static_cast<std::uint32_t>(i) * kBits + Lowest(bits);
  }
  return kPagesEnd;
}

std::optional<std::uint32_t> LiveExtents::PageBelow(std::uint32_t page) const {
  page = std::min(page, static_cast<std::uint32_t>(marked_pages_.size()) * kBits);
  while (page != 0) {
    const std::uint32_t last = page - 1, i = last / kBits;
    if (const std::uint64_t bits = marked_pages_[i] & UpToBit(last); bits != 0) return i * kBits + Highest(bits);
    page = i * kBits;
  }
  return std::nullopt;
}

// In the pages behind one.
template <class Wanted>
[[gnu::noinline]] std::optional<LiveExtents::Word> LiveExtents::FirstWordBehind(std::uint32_t page, Wanted wanted) const {
  while ((page = PageFrom(page + 1)) < kPagesEnd) {
    const Page* const found = pages_.Find(page);
    for (std::uint32_t groups = found->marked; groups != 0; groups &= groups - 1) {
      const std::uint32_t group = Lowest(groups);
      const std::uint64_t bits = wanted(found->marks[group]);
      if (bits != 0) return Word{found, page * kPageWords + group * kBits + Lowest(bits)};
    }
  }
  return std::nullopt;
}

template <class Wanted>
inline std::optional<LiveExtents::Word> LiveExtents::FirstWord(const Page* page, std::uint32_t from, Wanted wanted) const {
  if (page == nullptr) return FirstWordBehind(from / kPageWords, wanted);
  std::uint32_t word = from / kBits * kBits;  // of the marks that are looked at
  std::uint64_t bits = wanted(page->marks[Group(word)]) & FromBit(from);
  for (std::uint32_t groups = page->marked & (~1u << Group(from)); bits == 0; groups &= groups - 1) {
    if (groups == 0) return FirstWordBehind(from / kPageWords, wanted);
    word = from / kPageWords * kPageWords + Lowest(groups) * kBits;
    bits = wanted(page->marks[Lowest(groups)]);
  }
  return Word{page, word + Lowest(bits)};
}

template <class Wanted>
std::optional<LiveExtents::Word> LiveExtents::LastWord(std::uint32_t up_to, Wanted wanted) const {
  std::uint32_t last = Group(up_to);
  std::uint64_t mask = UpToBit(up_to);  // of the last group
  for (std::optional number = up_to / kPageWords; number; number = PageBelow(*number), last = Group(~0u), mask = kAll) {
    const Page* const page = pages_.Find(*number);
    if (page == nullptr) continue;
    for (std::uint32_t groups = page->marked & ((2u << last) - 1); groups != 0;) {
      const std::uint32_t group = Highest(groups);
      const std::uint64_t bits = wanted(page->marks[group]) & (group == last ? mask : kAll);
      if (bits != 0) return Word{page, *number * kPageWords + group * kBits + Highest(bits)};
      groups ^= 1u << group;
    }
  }
  return std::nullopt;
}

inline LiveExtents::Word LiveExtents::LastWordOf(const Page& page, std::uint32_t word) const {
  return *FirstWord(&page, word, kEnds);
}

inline bool LiveExtents::StartsAt(const Page* page, std::uint32_t address) {
  const std::uint32_t word = address / kWordBytes;
  return page != nullptr && address % kWordBytes == 0 && (page->marks[Group(word)].starts & Bit(word)) != 0;
}

// By the first mark from its beginning on: either it is in there, or it is the end of a block that has begun before.
inline bool LiveExtents::IsTaken(const Page& page, std::uint32_t first_word, std::uint32_t last_word) const {
  const std::optional<Word> mark = FirstWord(&page, first_word, kAny);
  if (!mark) return false;
  return mark->number <= last_word || (mark->page->marks[Group(mark->number)].starts & Bit(mark->number)) == 0;
}

inline LiveExtents::Marks& LiveExtents::Mark(Page& page, std::uint32_t word) {
  if (page.marked == 0) [[unlikely]] {
    const std::uint32_t number = word / kPageWords;
    if (number / kBits >= marked_pages_.size()) marked_pages_.resize(number / kBits + 1);
    marked_pages_[number / kBits] |= Bit(number);
  }
  page.marked |= 1u << Group(word);
  return page.marks[Group(word)];
}

inline void LiveExtents::Unmark(Page& page, std::uint32_t word, std::uint64_t Marks::*bits) {
  Marks& marks = page.marks[Group(word)];
  marks.*bits &= ~Bit(word);
  if (kAny(marks) != 0) return;
  page.marked &= ~(1u << Group(word));
  if (page.marked == 0) [[unlikely]]
    marked_pages_[word / kPageWords / kBits] &= ~Bit(word / kPageWords);
}

inline LiveExtents::Page& LiveExtents::SameOr(Page& page, std::uint32_t word, std::uint32_t other) {
  return word / kPageWords == other / kPageWords ? page : pages_.Touch(other / kPageWords);
}

bool LiveExtents::Add(const Extent& block) {
  const auto last_byte = static_cast<std::uint32_t>(block.end() - 1);
  const std::uint32_t first = block.address / kWordBytes, last = last_byte / kWordBytes;
  Page& page = pages_.Touch(first / kPageWords);
  if (IsTaken(page, first, last)) return false;
  Mark(page, first).starts |= Bit(first);
  Marks& end = Mark(SameOr(page, first, last), last);
  const auto put = [last](std::uint64_t& bits, bool set) { bits = (bits & ~Bit(last)) | std::uint64_t{set} << last % kBits; };
  end.ends |= Bit(last);
  put(end.tail_low, (last_byte & 1) != 0);
  put(end.tail_high, (last_byte & 2) != 0);
  put(end.empty, block.bytes == 0);
  return true;
}

void LiveExtents::Remove(std::uint32_t address) {
  Page* const page = pages_.Find(address / kPageBytes);
  if (!StartsAt(page, address)) return;
  const std::uint32_t first = address / kWordBytes, last = LastWordOf(*page, first).number;
  Unmark(*page, first, &Marks::starts);
  Unmark(SameOr(*page, first, last), last, &Marks::ends);
}

inline LiveExtents::Extent LiveExtents::StartingAt(const Page& page, std::uint32_t word) const {
  const auto [end_page, last] = LastWordOf(page, word);
  const Marks& end = end_page->marks[Group(last)];
  const auto has = [bit = Bit(last)](std::uint64_t bits) { return (bits & bit) != 0 ? 1u : 0u; };
  const std::uint32_t bytes = (last - word) * kWordBytes + has(end.tail_high) * 2 + has(end.tail_low) + 1;
  return {word * kWordBytes, has(end.empty) != 0 ? 0 : bytes};
}

std::optional<LiveExtents::Extent> LiveExtents::At(std::uint32_t address) const {
  const Page* const page = pages_.Find(address / kPageBytes);
  return StartsAt(page, address) ? std::optional(StartingAt(*page, address / kWordBytes)) : std::nullopt;
}

std::optional<LiveExtents::Extent> LiveExtents::AtOrAbove(std::uint64_t address) const {
  const std::uint64_t from = (address + kWordBytes - 1) / kWordBytes;
  if (from >= std::uint64_t{kPagesEnd} * kPageWords) return std::nullopt;
  const auto first = static_cast<std::uint32_t>(from);
  const std::optional<Word> word = FirstWord(pages_.Find(first / kPageWords), first, kStarts);
  return word ? std::optional(StartingAt(*word->page, word->number)) : std::nullopt;
}

std::optional<LiveExtents::Extent> LiveExtents::Below(std::uint64_t address) const {
  if (address == 0) return std::nullopt;
  const auto last_byte = static_cast<std::uint32_t>(std::min<std::uint64_t>(address, std::uint64_t{1} << 32) - 1);
  const std::optional<Word> word = LastWord(last_byte / kWordBytes, kStarts);
  return word ? std::optional(StartingAt(*word->page, word->number)) : std::nullopt;
}

std::uint64_t LiveExtents::host_bytes() const { return pages_.host_bytes() + marked_pages_.capacity() * sizeof(std::uint64_t); }

}  // namespace alloclab

// Where the live blocks of a program lie, and what was asked for each: it is looked at in every call, so it is marks in tables
// rather than a tree. For each word of a page there is a bit that says that a block starts there, and one that its last byte
// is there; what is exact below a word is in further bits. Host memory only for pages in which a block has started or ended.
//
// Blocks start at multiples of the word. One of no bytes takes its first byte, so that it has a place.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_GUEST_LIVE_EXTENTS_H_
#define ALLOCLAB_ALLOCATORS_GUEST_LIVE_EXTENTS_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "allocators/heap/page_records.h"
#include "allocators/machine/address.h"

namespace alloclab {

class LiveExtents {
 public:
  struct Extent {
    std::uint32_t address = 0, bytes = 0;
    std::uint64_t end() const { return std::uint64_t{address} + std::max(bytes, 1u); }
    friend bool operator==(const Extent&, const Extent&) = default;
  };

  // Unless it has a byte of a block that is there: then nothing changes, and it says false. REQUIRES: it starts at a multiple
  // of the word.
  [[nodiscard]] bool Add(const Extent& block);
  // The block that starts there; nothing if none does.
  void Remove(std::uint32_t address);

  // The block that starts there.
  std::optional<Extent> At(std::uint32_t address) const;
  // The first one that starts there or above; the last one that starts below.
  std::optional<Extent> AtOrAbove(std::uint64_t address) const;
  std::optional<Extent> Below(std::uint64_t address) const;

  std::uint64_t host_bytes() const;

 private:
  // Of 64 words.
  struct Marks {
    std::uint64_t starts = 0, ends = 0;
    std::uint64_t tail_low = 0, tail_high = 0;  // of an end: the last byte's place in its word
    std::uint64_t empty = 0;                    // of an end: no bytes were asked for
  };
  struct Page {
    std::array<Marks, kPageWords / 64> marks{};
    std::uint32_t marked = 0;  // a bit for each of those that has a start or an end
  };

  struct Word {
    const Page* page;
    std::uint32_t number;
  };

  // The marks of its page that the word is in, which are about to have one; and takes one away.
  Marks& Mark(Page& page, std::uint32_t word);
  void Unmark(Page& page, std::uint32_t word, std::uint64_t Marks::*bits);
  // The page of `other`; `page` is that of `word`.
  Page& SameOr(Page& page, std::uint32_t word, std::uint32_t other);
  // The first word from there on that is one of `wanted`, where `page` is the page it would be in or null; and the last one up
  // to there.
  template <class Wanted>
  std::optional<Word> FirstWord(const Page* page, std::uint32_t from, Wanted wanted) const;
  template <class Wanted>
  std::optional<Word> FirstWordBehind(std::uint32_t page, Wanted wanted) const;
  template <class Wanted>
  std::optional<Word> LastWord(std::uint32_t up_to, Wanted wanted) const;
  // The first marked page from there on, the last one below; of all.
  std::uint32_t PageFrom(std::uint32_t page) const;
  std::optional<std::uint32_t> PageBelow(std::uint32_t page) const;
  static bool StartsAt(const Page* page, std::uint32_t address);
  bool IsTaken(const Page& page, std::uint32_t first_word, std::uint32_t last_word) const;
  // The word with the last byte of the block that starts there, in `page`; and the block. REQUIRES: one does.
  Word LastWordOf(const Page& page, std::uint32_t word) const;
  Extent StartingAt(const Page& page, std::uint32_t word) const;

  PageRecords<Page> pages_;
  std::vector<std::uint64_t> marked_pages_;  // a bit for each page that has marks
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_GUEST_LIVE_EXTENTS_H_

// Reads the records of one ring in order.
#ifndef ALLOCLAB_CLIENTS_RECORD_RING_CURSOR_H_
#define ALLOCLAB_CLIENTS_RECORD_RING_CURSOR_H_

#include <cstdint>

#include "recorder/layout.h"

namespace alloclab::client {

struct Record {
  recorder::Kind kind = recorder::Kind::kMalloc;
  std::uint64_t sequence = 0, address = 0, first = 0, second = 0;
  std::uint32_t site = 0;  // place in the table of sites, from 1 on; 0: not known
};

class RingCursor {
 public:
  RingCursor(recorder::Ring& ring, const std::uint64_t* words)
      : ring_(&ring), words_(words), at_(ring.read.load(std::memory_order_relaxed)) {}

  recorder::Ring& ring() const { return *ring_; }
  bool damaged() const { return damaged_; }

  // Looks how far the program has written. Not at every record, as that takes the memory line away from the program.
  void Refresh() { end_ = ring_->written.load(std::memory_order_acquire); }
  // Whether there is a record that was not taken, as of the last look: it is record().
  bool Peek() { return has_ || Decode(); }
  const Record& record() const { return record_; }
  // An address that a record soon behind this one may have: a word that is none is as good as another guess. 0: none.
  std::uint64_t AddressAhead() const {
    constexpr std::uint64_t kWordsAhead = 24;
    return end_ - at_ > kWordsAhead ? words_[(at_ + kWordsAhead) % recorder::kRingWords] >> recorder::kAddressShift : 0;
  }
  void Take() { has_ = false; }
  // The program may write over what was taken.
  void GiveBack() { ring_->read.store(has_ ? record_at_ : at_, std::memory_order_release); }

 private:
  // A program that went wild may have written anything: then the ring is left.
  bool Decode() {
    if (at_ == end_ || damaged_) return false;
    record_at_ = at_;
    std::uint64_t word = Next(), site = 0;
    if ((word & recorder::kKindMask) == static_cast<std::uint64_t>(recorder::Kind::kSite)) {
      site = word >> recorder::kAddressShift;
      word = Next();
    }
    if ((word & recorder::kKindMask) == static_cast<std::uint64_t>(recorder::Kind::kSequence)) {
      sequence_ = Next();
      word = Next();
    }
    const std::uint64_t kind = word & recorder::kKindMask;
    if (kind == 0 || kind >= static_cast<std::uint64_t>(recorder::Kind::kSequence) ||
        end_ - record_at_ > recorder::kRingWords || site > recorder::kSitesMax) {
      damaged_ = true;
      return false;
    }
    sequence_ += word >> recorder::kStepShift & recorder::kStepMax;
    record_ = {.kind = static_cast<recorder::Kind>(kind),
               .sequence = sequence_,
               .address = word >> recorder::kAddressShift,
               .site = static_cast<std::uint32_t>(site)};
    const std::uint32_t words = recorder::kWordsOf[kind];
    if (words > 1) record_.first = Next();
    if (words > 2) record_.second = Next();
    return has_ = true;
  }
  std::uint64_t Next() { return words_[at_++ % recorder::kRingWords]; }

  recorder::Ring* ring_;
  const std::uint64_t* words_;
  std::uint64_t at_, end_ = at_, record_at_ = at_;
  std::uint64_t sequence_ = 0;
  Record record_;
  bool has_ = false, damaged_ = false;
};

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_RECORD_RING_CURSOR_H_

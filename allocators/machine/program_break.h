// The end of a heap's memory and the two calls that move it: sbrk of Unix, and lxsbrk of LunaixOS (2022). Pages that the break
// passes become pages on demand; memory is never given back.
//
// State is a value: a copy is a saved break, Restore goes back to it.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_MACHINE_PROGRAM_BREAK_H_
#define ALLOCLAB_ALLOCATORS_MACHINE_PROGRAM_BREAK_H_

#include <cstdint>

#include "allocators/machine/address.h"
#include "allocators/machine/address_space.h"

namespace alloclab {

class ProgramBreak {
 public:
  static constexpr VirtAddr kFailed{~0u};  // what both calls return when they refuse: -1 as a pointer

  // At first the break is at `start`. REQUIRES: start <= limit, and the page tables of the range exist.
  ProgramBreak(AddressSpace& space, VirtAddr start, VirtAddr limit);
  // Memory of a fixed size: the break is at its limit from the beginning, all pages are on demand.
  static ProgramBreak Arena(AddressSpace& space, VirtAddr start, std::uint32_t bytes);

  // As a saved one was, of this address space or of another one's copy.
  void Restore(const ProgramBreak& saved) {
    AddressSpace* const space = space_;
    *this = saved;
    space_ = space;
  }

  VirtAddr start() const { return start_; }
  VirtAddr limit() const { return limit_; }  // the first address that the break cannot pass
  VirtAddr current() const { return current_; }
  VirtAddr peak() const { return peak_; }                     // the highest that `current` was
  std::uint64_t grows() const { return grows_; }              // calls that moved the break up
  std::uint64_t grown_bytes() const { return grown_bytes_; }  // how far they moved it
  void ResetCounts() { grows_ = grown_bytes_ = 0; }

  // Unix: moves the break by `bytes` and returns where it was. Refused, without a change: to a place below the start or above
  // the limit, and any move down unless `shrinks`. Pages that a move down leaves stay mapped, as they are.
  VirtAddr Sbrk(std::int32_t bytes, bool shrinks = false);

  // LunaixOS: returns where the break was, and moves it up by `bytes`. As in the original, 0 only asks; the bound is checked
  // with the size rounded up to words, and so are pages promised, but the break moves by the size as it was given; the limit
  // itself cannot be reached. A word of each request is for the heap's epilogue and does not count as growth.
  VirtAddr LunaixSbrk(std::uint32_t bytes);

  // Moves the break without any rule or count, as initialisation does; the pages from the start's to that of `to` are promised.
  void Place(VirtAddr to);
  // Moves the break down without any rule or count: LunaixOS' heap keeps its epilogue at the break. Wraps.
  void Lower(std::uint32_t bytes) { current_ = current_ - bytes; }

 private:
  void MoveUp(VirtAddr to, std::uint32_t counted_bytes);

  AddressSpace* space_;
  VirtAddr start_, limit_, current_, peak_;
  std::uint64_t grows_ = 0, grown_bytes_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_MACHINE_PROGRAM_BREAK_H_

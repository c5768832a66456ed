// How the heap's algorithm reaches the words of simulated memory. Both kinds count every word they load and store
// (costs.h); Peek is for checks of the lab's own and is not counted. A part of the algorithm loads and stores through what
// Begin() gives it, for as long as that part runs.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_WORDS_H_
#define ALLOCLAB_ALLOCATORS_HEAP_WORDS_H_

#include <cstdint>
#include <cstdlib>
#include <optional>

#include "allocators/common/costs.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/machine/address_space.h"

namespace alloclab {

// Words of a guarded heap: aligned, and mapped or sure to get a frame, because the heap asked before it began.
class MappedWords {
 public:
  static constexpr bool kMayFault = false;

  MappedWords(AddressSpace& space, HeapCosts& costs) : space_(space), costs_(costs) {}

  // Keeps the counts in registers while a part of the algorithm runs.
  class Part {
   public:
    Part(AddressSpace& space, HeapCosts& costs) : space_(space), costs_(costs) {}
    ~Part() {
      costs_.words_loaded += loaded_;
      costs_.words_stored += stored_;
    }
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;

    std::uint32_t Load(VirtAddr address) {
      ++loaded_;
      return Word(space_, address);
    }
    void Store(VirtAddr address, std::uint32_t value) {
      ++stored_;
      Word(space_, address) = value;
    }
    static constexpr bool stopped() { return false; }  // on mapped words it always runs to its end

   private:
    AddressSpace& space_;
    HeapCosts& costs_;
    std::uint64_t loaded_ = 0, stored_ = 0;
  };
  Part Begin() { return {space_, costs_}; }

  std::uint32_t Peek(VirtAddr address) const { return Word(space_, address); }

 private:
  static std::uint32_t& Word(AddressSpace& space, VirtAddr address) {
    std::uint32_t* page = space.CachedPage(address.page());
    if (page == nullptr) [[unlikely]]
      page = space.TouchPage(address);
    if (page == nullptr) [[unlikely]]
      std::abort();  // only if a frame source broke its promise (CanTakeFrames)
    return page[address.offset() / kWordBytes];
  }

  AddressSpace& space_;
  HeapCosts& costs_;
};

// Words of an unguarded heap: any access may fault. After a fault, or an endless loop, the operation is over: loads give 0,
// stores do nothing, nothing more is counted.
class FaultingWords {
 public:
  static constexpr bool kMayFault = true;

  FaultingWords(AddressSpace& space, HeapCosts& costs) : space_(space), costs_(costs) {}

  FaultingWords& Begin() { return *this; }

  std::uint32_t Load(VirtAddr address) {
    if (stopped()) return 0;
    const std::optional<std::uint32_t> word = space_.LoadU32(address);
    if (!word) return StopAtFault(), 0;
    ++costs_.words_loaded;
    return *word;
  }
  void Store(VirtAddr address, std::uint32_t value) {
    if (stopped()) return;
    if (!space_.StoreU32(address, value)) return StopAtFault();
    ++costs_.words_stored;
  }
  std::uint32_t Peek(VirtAddr address) const { return space_.Peek(address).value_or(0); }

  bool stopped() const { return stop_.has_value(); }
  // How the operation ended. REQUIRES: stopped().
  const HeapResult& stop() const { return *stop_; }

  void Stop(Outcome outcome, VirtAddr where) { stop_ = HeapResult{outcome, where}; }
  void StopAtFault() { Stop(Outcome::kMachineFault, space_.last_fault()->address); }
  void Restart() { stop_.reset(); }

 private:
  AddressSpace& space_;
  HeapCosts& costs_;
  std::optional<HeapResult> stop_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_WORDS_H_

// How literal allocator code reaches simulated memory: a load or store that cannot be made throws MachineStop, so that the code
// reads like the original's C. Both views are made on the stack for a part of the algorithm: they count in registers and add
// to the owner's costs when they go, also while a MachineStop unwinds.
#ifndef ALLOCLAB_ALLOCATORS_MACHINE_WORD_VIEW_H_
#define ALLOCLAB_ALLOCATORS_MACHINE_WORD_VIEW_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

#include "allocators/common/access_costs.h"
#include "allocators/machine/address_space.h"
#include "allocators/machine/machine_stop.h"
#include "allocators/machine/physical_memory.h"

namespace alloclab {

// Loads and stores of the kinds of number that allocators keep, little-endian at any alignment, each counted as one access
// unless it faults. Memory has the functions LoadFrom<Number>(address) and StoreTo<Number>(address, number), which throw.
template <class Memory, class Address>
class CountingView {
 public:
  CountingView(Memory memory, AccessCosts& costs) : memory_(memory), costs_(costs) {}
  ~CountingView() {
    costs_.words_loaded += loaded_;
    costs_.words_stored += stored_;
  }
  CountingView(const CountingView&) = delete;
  CountingView& operator=(const CountingView&) = delete;

  std::uint32_t Load(Address address) { return LoadAs<std::uint32_t>(address); }
  std::uint16_t LoadU16(Address address) { return LoadAs<std::uint16_t>(address); }
  std::uint8_t LoadU8(Address address) { return LoadAs<std::uint8_t>(address); }
  void Store(Address address, std::uint32_t number) { StoreAs(address, number); }
  void StoreU16(Address address, std::uint16_t number) { StoreAs(address, number); }
  void StoreU8(Address address, std::uint8_t number) { StoreAs(address, number); }

  // A word for checks of the lab's own: touches nothing, is not counted. Nothing where no memory is.
  std::optional<std::uint32_t> Peek(Address address) const { return memory_.Peek(address); }

 private:
  template <class Number>
  Number LoadAs(Address address) {
    const Number number = memory_.template LoadFrom<Number>(address);
    ++loaded_;
    return number;
  }
  template <class Number>
  void StoreAs(Address address, Number number) {
    memory_.StoreTo(address, number);
    ++stored_;
  }

  Memory memory_;
  AccessCosts& costs_;
  std::uint64_t loaded_ = 0, stored_ = 0;
};

// What an access that has just failed throws.
inline MachineStop StopAtFault(const AddressSpace& space) {
  const PageFault& fault = *space.last_fault();
  return {Outcome::kMachineFault, fault.address.raw(), fault.kind == PageFault::Kind::kNoFrame};
}

enum class Alignment { kAny, kWholeWords };

// Virtual memory: through the translation cache where the page is in it, else through the page tables and the fault handler.
template <Alignment alignment>
class ThrowingAddressSpace {
 public:
  explicit ThrowingAddressSpace(AddressSpace& space) : space_(space) {}

  template <class Number>
  Number LoadFrom(VirtAddr address) {
    if (const Place<Number>* place = CachedPlace<Number>(address); place != nullptr) [[likely]] {
      if constexpr (alignment == Alignment::kWholeWords) return *place;
      Number number;
      std::memcpy(&number, place, sizeof(number));
      return number;
    }
    return LoadSlowly<Number>(space_, address);
  }
  template <class Number>
  void StoreTo(VirtAddr address, Number number) {
    if (Place<Number>* place = CachedPlace<Number>(address); place != nullptr) [[likely]] {
      if constexpr (alignment == Alignment::kWholeWords) {
        *place = number;
      } else {
        std::memcpy(place, &number, sizeof(number));
      }
      return;
    }
    StoreSlowly(space_, address, number);
  }
  std::optional<std::uint32_t> Peek(VirtAddr address) const { return space_.Peek(address); }

 private:
  // Bytes may be part of anything; of whole words the compiler knows that they are no part of the lab's own pointers, so that
  // it need not load those again after each store.
  template <class Number>
  using Place = std::conditional_t<alignment == Alignment::kWholeWords, Number, std::byte>;
  // Where the number is in host memory; null if its page is not in the cache or it lies in two.
  template <class Number>
  Place<Number>* CachedPlace(VirtAddr address) const {
    std::uint32_t* page = space_.CachedPage(address.page());
    if (page == nullptr) return nullptr;
    if constexpr (alignment == Alignment::kWholeWords) {
      return page + address.offset() / kWordBytes;
    } else {
      if (address.offset() > kPageBytes - sizeof(Number)) return nullptr;
      return std::as_writable_bytes(std::span(page, kPageWords)).data() + address.offset();
    }
  }
  // Not members, so that the view's counts stay in registers.
  template <class Number>
  [[gnu::noinline]] static Number LoadSlowly(AddressSpace& space, VirtAddr address) {
    std::array<std::uint8_t, sizeof(Number)> bytes;  // after a snapshot many pages are known for reading only
    if (!space.Read(address, bytes)) ThrowFault(space);
    return std::bit_cast<Number>(bytes);
  }
  template <class Number>
  [[gnu::noinline]] static void StoreSlowly(AddressSpace& space, VirtAddr address, Number number) {
    if (!space.WriteAtOnce(address, std::bit_cast<std::array<std::uint8_t, sizeof(Number)>>(number))) ThrowFault(space);
  }
  [[noreturn]] static void ThrowFault(const AddressSpace& space) { throw StopAtFault(space); }

  AddressSpace& space_;
};

// Physical memory. An access across the end of RAM faults at its first byte outside.
class ThrowingPhysicalMemory {
 public:
  explicit ThrowingPhysicalMemory(PhysicalMemory& memory) : memory_(memory) {}

  template <class Number>
  Number LoadFrom(PhysAddr address) {
    if constexpr (sizeof(Number) == kWordBytes) {
      const std::optional<std::uint32_t> word = memory_.LoadU32(address);
      if (!word) ThrowFault(memory_, address);
      return *word;
    } else {
      std::array<std::uint8_t, sizeof(Number)> bytes;
      if (!memory_.Read(address, bytes)) ThrowFault(memory_, address);
      return std::bit_cast<Number>(bytes);
    }
  }
  template <class Number>
  void StoreTo(PhysAddr address, Number number) {
    bool stored;
    if constexpr (sizeof(Number) == kWordBytes) {
      stored = memory_.StoreU32(address, number);
    } else {
      stored = memory_.Write(address, std::bit_cast<std::array<std::uint8_t, sizeof(Number)>>(number));
    }
    if (!stored) ThrowFault(memory_, address);
  }
  std::optional<std::uint32_t> Peek(PhysAddr address) const { return memory_.LoadU32(address); }

 private:
  [[noreturn]] static void ThrowFault(const PhysicalMemory& memory, PhysAddr address) {
    const bool begins_inside = memory.Contains(address, 1);
    throw MachineStop{Outcome::kMachineFault, begins_inside ? static_cast<std::uint32_t>(memory.size_bytes()) : address.raw(),
                      false};
  }

  PhysicalMemory& memory_;
};

class WordView : public CountingView<ThrowingAddressSpace<Alignment::kAny>, VirtAddr> {
 public:
  WordView(AddressSpace& space, AccessCosts& costs) : CountingView(ThrowingAddressSpace<Alignment::kAny>(space), costs) {}
};

// For code whose addresses are multiples of 4 by what it knows, not by what memory says: a comparison less per access.
class WholeWordView : public CountingView<ThrowingAddressSpace<Alignment::kWholeWords>, VirtAddr> {
 public:
  WholeWordView(AddressSpace& space, AccessCosts& costs)
      : CountingView(ThrowingAddressSpace<Alignment::kWholeWords>(space), costs) {}
};

class PhysicalWordView : public CountingView<ThrowingPhysicalMemory, PhysAddr> {
 public:
  PhysicalWordView(PhysicalMemory& memory, AccessCosts& costs) : CountingView(ThrowingPhysicalMemory(memory), costs) {}
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_MACHINE_WORD_VIEW_H_

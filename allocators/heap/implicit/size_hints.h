// Where a first fit may begin to search. For each of the last sizes asked for it remembers a place and knows that no free block
// before that place is large enough: a search for the size may start there (PlaceFor), and where it ends is the next such place
// (Remember). When a block becomes free before a remembered place and is large enough for that size, the place moves down to
// the block (Lower).
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_SIZE_HINTS_H_
#define ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_SIZE_HINTS_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace alloclab {

// Sizes in whatever unit and places by number, both below 2^31.
class SizeHints {
 public:
  static constexpr std::uint32_t kSlots = 16;

  // A place before which nothing free of `size` or more lies.
  std::uint32_t PlaceFor(std::uint32_t size) const {
    const std::uint32_t slot = SlotOf(size);
    return static_cast<std::uint32_t>(sizes_[slot] <= static_cast<std::int32_t>(size) ? places_[slot] : 0);
  }
  // Before that place, nothing free of `size` or more lies.
  void Remember(std::uint32_t size, std::uint32_t place) {
    const std::uint32_t slot = SlotOf(size);
    if (sizes_[slot] == static_cast<std::int32_t>(size) && places_[slot] == static_cast<std::int32_t>(place)) return;
    sizes_[slot] = static_cast<std::int32_t>(size);
    places_[slot] = static_cast<std::int32_t>(place);
  }
  // Something free of `size` came to be at that place.
  void Lower(std::uint32_t size, std::uint32_t place) {
    const auto larger = static_cast<std::int32_t>(size) + 1;
    const auto here = static_cast<std::int32_t>(place);
    for (std::size_t i = 0; i < kSlots; ++i) {
      const std::int32_t served = sizes_[i] < larger ? ~0 : 0;
      places_[i] -= std::max(places_[i] - here, 0) & served;
    }
  }

 private:
  // Knuth, The Art of Computer Programming 3, 6.4: multiplicative hashing, as sizes are often multiples of each other.
  static std::uint32_t SlotOf(std::uint32_t size) { return size * 0x9E3779B1u >> 28; }

  std::array<std::int32_t, kSlots> sizes_{}, places_{};  // by SlotOf(size)
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_SIZE_HINTS_H_

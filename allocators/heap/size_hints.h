// Where a search for a size may begin: for the sizes asked for last, the leaf before which no free chunk of at least that size
// starts. A search leaves what it found out; a chunk that becomes free takes it back from those it would serve.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_SIZE_HINTS_H_
#define ALLOCLAB_ALLOCATORS_HEAP_SIZE_HINTS_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace alloclab {

// Sizes are in words and leaves are numbers; both stay below 2^31.
class SizeHints {
 public:
  static constexpr std::uint32_t kSlots = 32;

  // A leaf before which no free chunk of `words` words or more starts.
  std::uint32_t LeafFor(std::uint32_t words) const {
    const std::uint32_t slot = words % kSlots;
    return static_cast<std::uint32_t>(words_[slot] <= static_cast<std::int32_t>(words) ? leaves_[slot] : 0);
  }
  // Before that leaf, no free chunk of `words` words or more starts.
  void Remember(std::uint32_t words, std::uint32_t leaf) {
    const std::uint32_t slot = words % kSlots;
    if (words_[slot] == static_cast<std::int32_t>(words) && leaves_[slot] == static_cast<std::int32_t>(leaf)) return;
    words_[slot] = static_cast<std::int32_t>(words);
    leaves_[slot] = static_cast<std::int32_t>(leaf);
  }
  // A free chunk of `words` words came to be in that leaf.
  void Lower(std::uint32_t words, std::uint32_t leaf) {
    const auto larger = static_cast<std::int32_t>(words) + 1;
    const auto here = static_cast<std::int32_t>(leaf);
    for (std::size_t i = 0; i < kSlots; ++i) {
      const std::int32_t served = words_[i] < larger ? ~0 : 0;
      leaves_[i] -= std::max(leaves_[i] - here, 0) & served;
    }
  }

 private:
  std::array<std::int32_t, kSlots> words_{}, leaves_{};  // by words % kSlots
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_SIZE_HINTS_H_

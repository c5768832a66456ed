// Which part of its blocks a program writes. The simulated machine brings a page of the heap in when it is touched first, so
// this decides what becomes resident beside the allocator's own headers.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_TOUCH_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_TOUCH_H_

#include <algorithm>
#include <cstdint>

namespace alloclab {

// Of every block that the heap gives, from its start on.
struct Touch {
  enum class Part : std::uint8_t {
    kNone,
    kPercent,     // `amount` hundredths of its bytes, rounded up
    kFirstBytes,  // `amount` bytes, or the whole block if it has fewer
  };
  Part part = Part::kNone;
  std::uint32_t amount = 0;

  // How many bytes of a block of so many.
  std::uint32_t BytesOf(std::uint32_t block) const {
    switch (part) {
      case Part::kNone:
        return 0;
      case Part::kPercent:
        return static_cast<std::uint32_t>((std::uint64_t{block} * amount + 99) / 100);
      case Part::kFirstBytes:
        return std::min(block, amount);
    }
    return 0;
  }
  friend bool operator==(const Touch&, const Touch&) = default;
};

// From that operation of a trace on, counted from 0, until the next one.
struct TouchFrom {
  std::uint64_t operation = 0;
  Touch touch;
  friend bool operator==(const TouchFrom&, const TouchFrom&) = default;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_TOUCH_H_

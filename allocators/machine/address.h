// Addresses of the simulated i386, as types: a physical and a virtual address cannot be mixed, and neither is ever a host
// pointer. Only the MMU (address_space.h) turns one into the other.
//
//   31            22 21            12 11              0
//   +---------------+---------------+-----------------+
//   | directory     | table         | byte offset     |   virtual (i386, 4 KiB pages)
//   +---------------+---------------+-----------------+
//   | page frame number             | byte offset     |   physical
//   +-------------------------------+-----------------+
#ifndef ALLOCLAB_ALLOCATORS_MACHINE_ADDRESS_H_
#define ALLOCLAB_ALLOCATORS_MACHINE_ADDRESS_H_

#include <compare>
#include <cstdint>
#include <type_traits>

namespace alloclab {

inline constexpr std::uint32_t kPageShift = 12;
inline constexpr std::uint32_t kPageBytes = 1u << kPageShift;
inline constexpr std::uint32_t kWordBytes = 4;
inline constexpr std::uint32_t kPageWords = kPageBytes / kWordBytes;

template <class Space>
class Address {
 public:
  constexpr Address() = default;
  explicit constexpr Address(std::uint32_t raw) : raw_(raw) {}

  constexpr std::uint32_t raw() const { return raw_; }
  constexpr std::uint32_t page() const { return raw_ >> kPageShift; }  // page or frame number
  constexpr std::uint32_t offset() const { return raw_ & (kPageBytes - 1); }
  constexpr bool is_null() const { return raw_ == 0; }

  // Wraps at 32 bits, as the machine's own address arithmetic does.
  friend constexpr Address operator+(Address a, std::uint32_t bytes) { return Address(a.raw_ + bytes); }
  friend constexpr Address operator-(Address a, std::uint32_t bytes) { return Address(a.raw_ - bytes); }
  friend constexpr std::uint32_t operator-(Address a, Address b) { return a.raw_ - b.raw_; }
  friend constexpr auto operator<=>(Address, Address) = default;

 private:
  std::uint32_t raw_ = 0;
};

using PhysAddr = Address<struct PhysicalSpace>;
using VirtAddr = Address<struct VirtualSpace>;
static_assert(!std::is_constructible_v<PhysAddr, VirtAddr>);

// A page frame of physical memory, by number.
struct PageFrame {
  std::uint32_t number = 0;
  constexpr PhysAddr base() const { return PhysAddr(number << kPageShift); }
  friend constexpr auto operator<=>(PageFrame, PageFrame) = default;
};

constexpr PageFrame FrameOf(PhysAddr address) { return PageFrame{address.page()}; }

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_MACHINE_ADDRESS_H_

// Where the words of a free area and of a struct page stand, of the page allocator binary-buddy; see buddy_pages.h.
#ifndef ALLOCLAB_ALLOCATORS_PAGES_BUDDY_STRUCT_PAGE_H_
#define ALLOCLAB_ALLOCATORS_PAGES_BUDDY_STRUCT_PAGE_H_

#include <cstdint>

namespace alloclab::buddy {

inline constexpr std::uint32_t kNext = 0, kPrev = 4, kFree = 8, kAreaBytes = 12;  // offsets in a list and a free area
inline constexpr std::uint32_t kFlags = 0, kCount = 4, kPrivate = 12, kLru = 24;  // offsets in a struct page
inline constexpr std::uint32_t kReserved = 1u << 10, kBuddy = 1u << 19;           // flags

}  // namespace alloclab::buddy

#endif  // ALLOCLAB_ALLOCATORS_PAGES_BUDDY_STRUCT_PAGE_H_

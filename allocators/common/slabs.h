// Objects that are made one by one and freed all together, in slabs: small ones at first, so that little memory is unused, then
// slabs of one huge page. Many objects used in random order miss the processor's translation caches, where even a prefetch may
// give up; on huge pages (Linux: transparent huge pages) they do not. A slab becomes a huge page when it is full; from the
// beginning only where that is a small part of all memory held.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_SLABS_H_
#define ALLOCLAB_ALLOCATORS_COMMON_SLABS_H_

#include <linux/mman.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <vector>

namespace alloclab {

template <class T>
class Slabs {
 public:
  static_assert(std::is_trivially_destructible_v<T>);

  static constexpr std::size_t kUnusedPart = 16;  // at most 1/kUnusedPart of the memory, and one object, is unused
  static constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

  Slabs() = default;
  ~Slabs() {
    for (const Slab& slab : slabs_) ::operator delete(slab.memory, slab.alignment);
  }
  Slabs(const Slabs&) = delete;
  Slabs& operator=(const Slabs&) = delete;

  // A new object, default-initialised, at this place for the life of the slabs.
  T* Make() {
    if (left_ == 0) AddSlab();
    --left_;
    return new (next_++) T;
  }

  // Memory in use; of a slab that is not yet a huge page, the host gives only what was touched.
  std::uint64_t host_bytes() const {
    const std::size_t untouched = last_ == Kind::kFilling ? left_ * sizeof(T) : 0;
    return bytes_ - untouched + slabs_.capacity() * sizeof(Slab);
  }

 private:
  static constexpr std::size_t kSmallEnd = kHugePageBytes / 2;  // held, when slabs begin to be of a huge page

  enum class Kind : std::uint8_t { kSmall, kFilling, kHuge };
  struct Slab {
    void* memory;
    std::align_val_t alignment;
  };

  void AddSlab() {
    if (last_ == Kind::kFilling) Collapse(slabs_.back().memory);
    last_ = bytes_ < kSmallEnd ? Kind::kSmall : bytes_ / kUnusedPart < kHugePageBytes ? Kind::kFilling : Kind::kHuge;
    const bool small = last_ == Kind::kSmall;
    left_ = (small ? std::max(bytes_ / kUnusedPart, sizeof(T)) : kHugePageBytes) / sizeof(T);
    const std::size_t bytes = small ? left_ * sizeof(T) : kHugePageBytes;
    const std::align_val_t alignment{small ? alignof(T) : kHugePageBytes};
    slabs_.push_back({::operator new(bytes, alignment), alignment});
    if (last_ == Kind::kHuge) madvise(slabs_.back().memory, bytes, MADV_HUGEPAGE);  // a wish: it changes only the speed
    next_ = static_cast<T*>(slabs_.back().memory);
    bytes_ += bytes;
  }

  static void Collapse([[maybe_unused]] void* memory) {
#ifdef MADV_COLLAPSE  // Linux 6.1
    madvise(memory, kHugePageBytes, MADV_COLLAPSE);
#endif
  }

  std::vector<Slab> slabs_;
  Kind last_ = Kind::kSmall;  // of the last slab
  std::size_t bytes_ = 0;     // in all slabs
  T* next_ = nullptr;
  std::size_t left_ = 0;  // objects from next_ on that the last slab has room for
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_SLABS_H_

// Objects that are made one by one and freed all together. Memory is taken in slabs that grow with what is held already, so that
// little of it is ever unused; large slabs ask the host for huge pages (Linux: transparent huge pages), with which memory in
// random order costs far fewer misses of the processor's translation caches.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_SLABS_H_
#define ALLOCLAB_ALLOCATORS_COMMON_SLABS_H_

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

  // At most 1/kUnusedPart of the memory, and one object, is unused.
  static constexpr std::size_t kUnusedPart = 16;
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

  std::uint64_t host_bytes() const { return bytes_ + slabs_.capacity() * sizeof(Slab); }

 private:
  struct Slab {
    void* memory;
    std::align_val_t alignment;
  };

  void AddSlab() {
    const std::size_t wanted = std::clamp(bytes_ / kUnusedPart, sizeof(T), kHugePageBytes);
    const bool huge = wanted == kHugePageBytes;
    const std::align_val_t alignment{huge ? kHugePageBytes : alignof(T)};
    left_ = wanted / sizeof(T);
    const std::size_t bytes = huge ? wanted : left_ * sizeof(T);
    void* memory = ::operator new(bytes, alignment);
    if (huge) madvise(memory, bytes, MADV_HUGEPAGE);  // a wish: whether it is granted changes only the speed
    slabs_.push_back({memory, alignment});
    next_ = static_cast<T*>(memory);
    bytes_ += bytes;
  }

  std::vector<Slab> slabs_;
  std::size_t bytes_ = 0;
  T* next_ = nullptr;
  std::size_t left_ = 0;  // objects from next_ on that the last slab has room for
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_SLABS_H_

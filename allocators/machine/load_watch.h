// Seeing each word that is loaded from an address space, and each touch that brings a page on demand: for whoever shows the
// way of an operation. The fast path of loads knows nothing of it: while somebody watches, no page comes into the translation
// cache.
//
// Thread safety: one watch per thread, on address spaces that this thread alone uses.
#ifndef ALLOCLAB_ALLOCATORS_MACHINE_LOAD_WATCH_H_
#define ALLOCLAB_ALLOCATORS_MACHINE_LOAD_WATCH_H_

#include <functional>

#include "allocators/machine/address.h"

namespace alloclab {

class AddressSpace;

class LoadWatch {
 public:
  using Seen = std::function<void(VirtAddr)>;
  // Of that space until the watch is gone. What AddressSpace::Copy reads is not seen. REQUIRES: the translation cache is empty,
  // as after Restore, and this thread has no other watch.
  LoadWatch(const AddressSpace& space, Seen loaded, Seen brought);
  ~LoadWatch();
  LoadWatch(const LoadWatch&) = delete;
  LoadWatch& operator=(const LoadWatch&) = delete;

  // The watch on a space, null if this thread has none.
  static const LoadWatch* On(const AddressSpace& space) {
    return current_ != nullptr && &current_->space_ == &space ? current_ : nullptr;
  }
  void Loaded(VirtAddr address) const { loaded_(address); }
  void Brought(VirtAddr address) const { brought_(address); }

 private:
  static constinit thread_local const LoadWatch* current_;

  const AddressSpace& space_;
  const Seen loaded_, brought_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_MACHINE_LOAD_WATCH_H_

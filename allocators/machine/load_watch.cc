#include "allocators/machine/load_watch.h"

#include <utility>

#include "allocators/common/check.h"

namespace alloclab {

constinit thread_local const LoadWatch* LoadWatch::current_ = nullptr;

LoadWatch::LoadWatch(const AddressSpace& space, Seen loaded, Seen brought)
    : space_(space), loaded_(std::move(loaded)), brought_(std::move(brought)) {
  ALLOCLAB_CHECK(current_ == nullptr);
  current_ = this;
}

LoadWatch::~LoadWatch() { current_ = nullptr; }

}  // namespace alloclab

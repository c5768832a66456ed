// When an indexed engine has its index. A walk over a few blocks is quicker than the upkeep of an index, so such an engine
// walks as its literal code does until walks get long, then makes the index from RAM, and drops it when walks would have been
// short for as many operations as there are blocks. What it finds, stores and counts is the same all the time.
//
// The cost of making an index, some steps for each block, is bounded by what was walked before or by the operations since the
// last one.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_INDEX_SWITCH_H_
#define ALLOCLAB_ALLOCATORS_HEAP_INDEX_SWITCH_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "allocators/common/engine.h"
#include "allocators/heap/ordered_blocks.h"

namespace alloclab {

class IndexSwitch {
 public:
  static constexpr std::uint64_t kShortWalk = 24;        // steps for which an index is not worth its upkeep
  static constexpr std::uint64_t kWalkedMax = 512;       // steps beyond short walks until an index is made
  static constexpr std::uint32_t kShortOperations = 64;  // and one for each block, until it is dropped

  // At the beginning of an operation, with the steps of all walks so far. True: what was walked lately is long.
  bool MakesIndex(std::uint64_t steps) {
    const std::uint64_t walked = walked_ + Since(steps);
    walked_ = walked > kShortWalk ? walked - kShortWalk : 0;
    if (walked_ <= kWalkedMax) return false;
    walked_ = short_operations_ = 0;
    return true;
  }
  // The same with an index of so many blocks. True: it has not been needed for a while.
  bool DropsIndex(std::uint64_t steps, std::uint32_t blocks) {
    const std::uint64_t walked = Since(steps);
    if (walked > kShortWalk) {
      short_operations_ -= std::min(short_operations_, walked / kShortWalk);
    } else if (++short_operations_ > kShortOperations + blocks) {
      short_operations_ = 0;
      return true;
    }
    return false;
  }

 private:
  // Of the operation before; 0 when the count was set back.
  std::uint64_t Since(std::uint64_t steps) {
    const std::uint64_t since = steps > steps_ ? steps - steps_ : 0;
    steps_ = steps;
    return since;
  }

  std::uint64_t steps_ = 0, walked_ = 0, short_operations_ = 0;
};

// An index that comes and goes so; a literal engine never has one.
class SwitchedIndex {
 public:
  explicit SwitchedIndex(Engine engine) : indexed_(engine == Engine::kIndexed) {}

  explicit operator bool() const { return index_.has_value(); }
  OrderedBlocks* operator->() { return &*index_; }
  const OrderedBlocks* operator->() const { return &*index_; }
  const OrderedBlocks& operator*() const { return *index_; }

  // At the beginning of an operation, with the steps of all walks so far. `listed`: gives the blocks as RAM has them.
  template <class Listed>
  void Follow(std::uint64_t steps, Listed listed) {
    if (!indexed_) return;
    if (!index_) {
      if (switch_.MakesIndex(steps)) index_.emplace().Assign(listed());
    } else if (switch_.DropsIndex(steps, index_->size())) {
      index_.reset();
    }
  }
  // When blocks have changed by other ways; it is made again where walks are long.
  void Drop() { index_.reset(); }

  // What sets it apart from the blocks as RAM has them; empty if nothing does.
  template <class Listed>
  std::string Difference(Listed listed) const {
    return index_ ? index_->Difference(listed()) : std::string();
  }
  std::uint64_t host_bytes() const { return index_ ? index_->host_bytes() : 0; }

 private:
  bool indexed_;
  IndexSwitch switch_;
  std::optional<OrderedBlocks> index_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_INDEX_SWITCH_H_

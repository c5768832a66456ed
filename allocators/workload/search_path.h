// The way of one heap operation: which blocks it looked at, in order, and which pages it brought.
//
// It is seen by doing the operation on a copy of the machine with the literal engine, whose every load of a word is watched: a
// block is visited when a word in it is loaded. What the operation zeroes or copies of a payload is no visit, and neither are
// blocks that are metadata alone. Blocks are those before the operation; words of a block that it makes by a split or a merge
// count for the block that was there.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_SEARCH_PATH_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_SEARCH_PATH_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "allocators/common/block.h"
#include "allocators/workload/driver.h"
#include "allocators/workload/operation.h"

namespace alloclab {

struct Visit {
  std::uint64_t number = 0;  // counted from 1
  std::uint32_t address = 0;
  std::uint64_t bytes = 0;
  bool live = false;
  friend bool operator==(const Visit&, const Visit&) = default;
};

struct SearchPath {
  static constexpr std::size_t kEndsMax = 50;  // of each end; what lies between is only counted
  static constexpr std::size_t kPagesMax = 50;

  std::uint64_t visits = 0;                // several in a row of one block are one
  std::vector<Visit> first, last;          // `last` are those behind `first`
  std::vector<std::uint32_t> page_faults;  // the addresses that were touched, the first of them
  friend bool operator==(const SearchPath&, const SearchPath&) = default;
};

// Of the next operation of a replay, which is not done by it. `blocks` are the heap's in address order. Nothing: no copy can be
// made of the machine, as of one with a user's program for a heap. REQUIRES: the driver has room for its handles.
std::optional<SearchPath> FollowSearch(Driver& driver, const Operation& operation, std::span<const Block> blocks);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_SEARCH_PATH_H_

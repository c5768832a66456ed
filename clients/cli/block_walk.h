// Reading the blocks of an instance's allocator from the server.
#ifndef ALLOCLAB_CLIENTS_CLI_BLOCK_WALK_H_
#define ALLOCLAB_CLIENTS_CLI_BLOCK_WALK_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <string>

#include "absl/status/statusor.h"
#include "alloclab/v1/inspect.pb.h"
#include "clients/common/connection.h"

namespace alloclab::client {

struct BlockRange {
  std::string instance;
  v1::AllocatorKind allocator = v1::HEAP;
  std::uint32_t from = 0;
  std::uint64_t to = std::uint64_t{1} << 32;  // blocks from there on are not wanted
  std::uint64_t limit = 0;                    // blocks at most; 0: all
};

// Hands every block of the range to `take` as it comes. Returns what the walk said beside them: the names of the fields, the
// end, and where the chain is broken, if it is.
absl::StatusOr<v1::BlockList> WalkBlocks(const Connection& connection, const BlockRange& range,
                                         const std::function<void(const v1::Block&)>& take);

// "The chain of blocks is broken at 0xC0400000: the header at 0xC0400000 is not mapped." Addresses have upper-case digits, as
// everywhere on the command line.
std::string BrokenSentence(const v1::BrokenWalk& broken);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_BLOCK_WALK_H_

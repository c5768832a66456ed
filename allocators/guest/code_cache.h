// The blocks of decoded instructions of one processor, by address, and which bytes of memory they were decoded from.
//
// All are forgotten at once: when the room is used up, when code is written over, when translations change. So blocks may point
// to each other. While a program keeps writing over its code, blocks are made shorter, down to one instruction, so that it
// costs little more to decode them again and again than to run them.
#ifndef ALLOCLAB_ALLOCATORS_GUEST_CODE_CACHE_H_
#define ALLOCLAB_ALLOCATORS_GUEST_CODE_CACHE_H_

#include <array>
#include <cstdint>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "allocators/guest/op.h"
#include "allocators/machine/address.h"

namespace alloclab::i386 {

class CodeCache {
 public:
  static constexpr std::uint32_t kBlockOps = 32;  // the longest block, without the op that ends it
  static constexpr std::uint32_t kOps = 8192, kBlocks = 2048;

  // The first op of the block at an address; null: there is none. FindNewest looks only at the newest one of its bucket, or the
  // one that was last found there.
  const Op* FindNewest(std::uint32_t eip) const {
    const Block* block = buckets_[Bucket(eip)];
    return block != nullptr && block->first->eip == eip ? block->first : nullptr;
  }
  const Op* Find(std::uint32_t eip);

  // Room for a block of kBlockOps ops and one more. REQUIRES: HasRoom().
  bool HasRoom() const { return ops_ != nullptr && ops_used_ + kBlockOps + 1 <= kOps && blocks_used_ < kBlocks; }
  Op* NextOps() { return &ops_[ops_used_]; }
  // Keeps the block of so many ops that was made there.
  void Add(std::uint32_t op_count);

  // How many instructions the next block may have.
  std::uint32_t block_ops() const { return block_ops_; }

  // Notes that those bytes of a frame were decoded. True if none of the frame were before.
  bool AddBytes(PageFrame frame, std::uint32_t offset, std::uint32_t bytes);
  bool HasBytes(PageFrame frame) const { return granules_.contains(frame.number); }
  // Whether any of those bytes may have been decoded.
  bool HasBytes(PageFrame frame, std::uint32_t offset, std::uint32_t bytes) const;

  void Clear();
  void ShortenBlocks() { block_ops_ = block_ops_ > 1 ? block_ops_ / 2 : 1; }
  std::uint64_t host_bytes() const;

 private:
  struct Block {
    const Op* first = nullptr;
    Block* older = nullptr;  // of the same bucket
  };

  static constexpr std::uint32_t kGranuleBytes = kPageBytes / 64;
  static constexpr std::uint32_t kLengthenAfter = 64;  // blocks that were decoded without a write over any
  static std::uint32_t Bucket(std::uint32_t eip) { return (eip ^ (eip >> 11)) % kBlocks; }
  static std::uint64_t Granules(std::uint32_t offset, std::uint32_t bytes);

  std::array<Block*, kBlocks> buckets_{};
  std::unique_ptr<Op[]> ops_;
  std::unique_ptr<Block[]> blocks_;
  std::uint32_t ops_used_ = 0, blocks_used_ = 0;
  std::uint32_t block_ops_ = kBlockOps, since_shortened_ = 0;
  absl::flat_hash_map<std::uint32_t, std::uint64_t> granules_;  // by frame, a bit for each 64 bytes
};

}  // namespace alloclab::i386

#endif  // ALLOCLAB_ALLOCATORS_GUEST_CODE_CACHE_H_

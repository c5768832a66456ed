#include "allocators/guest/code_cache.h"

#include "allocators/common/check.h"

namespace alloclab::i386 {

const Op* CodeCache::Find(std::uint32_t eip) {
  Block** head = &buckets_[Bucket(eip)];
  for (Block** at = head; *at != nullptr; at = &(*at)->older) {
    Block* found = *at;
    if (found->first->eip != eip) continue;
    *at = found->older;  // to the front
    found->older = *head;
    *head = found;
    return found->first;
  }
  return nullptr;
}

void CodeCache::Add(std::uint32_t op_count) {
  ALLOCLAB_CHECK(HasRoom());
  Block& block = blocks_[blocks_used_++];
  block.first = NextOps();
  ops_used_ += op_count;
  Block** head = &buckets_[Bucket(block.first->eip)];
  block.older = *head;
  *head = &block;
  if (block_ops_ < kBlockOps && ++since_shortened_ % kLengthenAfter == 0) block_ops_ *= 2;
}

std::uint64_t CodeCache::Granules(std::uint32_t offset, std::uint32_t bytes) {
  const std::uint32_t first = offset / kGranuleBytes, last = (offset + bytes - 1) / kGranuleBytes;
  return (~std::uint64_t{0} >> (63 - (last - first))) << first;
}

bool CodeCache::AddBytes(PageFrame frame, std::uint32_t offset, std::uint32_t bytes) {
  const auto [entry, added] = granules_.try_emplace(frame.number);
  entry->second |= Granules(offset, bytes);
  return added;
}

bool CodeCache::HasBytes(PageFrame frame, std::uint32_t offset, std::uint32_t bytes) const {
  const auto entry = granules_.find(frame.number);
  return entry != granules_.end() && (entry->second & Granules(offset, bytes)) != 0;
}

void CodeCache::Clear() {
  if (ops_ == nullptr) {
    ops_ = std::make_unique_for_overwrite<Op[]>(kOps + 1);  // one is behind each op but the first: Core::ForgetCode
    blocks_ = std::make_unique_for_overwrite<Block[]>(kBlocks);
  }
  for (std::uint32_t i = 0; i < blocks_used_; ++i) buckets_[Bucket(blocks_[i].first->eip)] = nullptr;
  ops_used_ = blocks_used_ = 0;
  granules_.clear();
}

std::uint64_t CodeCache::host_bytes() const {
  const std::uint64_t arrays = ops_ != nullptr ? (kOps + 1) * sizeof(Op) + kBlocks * sizeof(Block) : 0;
  return arrays + granules_.capacity() * (sizeof(std::uint64_t) * 2 + 1);
}

}  // namespace alloclab::i386

#include "allocators/workload/trace_summary.h"

#include <algorithm>
#include <utility>

namespace alloclab {

namespace {

bool LivedLonger(const BlockLife& a, const BlockLife& b) {
  return a.lifetime != b.lifetime ? a.lifetime > b.lifetime : a.born < b.born;
}

}  // namespace

TraceSummarizer::Block& TraceSummarizer::HeapBlock(std::uint32_t handle) {
  if (handle >= heap_.size()) heap_.resize(std::size_t{handle} + 1);
  return heap_[handle];
}

void TraceSummarizer::Add(std::span<const Operation> operations, std::span<const std::uint32_t> threads,
                          std::span<const std::uint32_t> sites) {
  for (std::size_t i = 0; i < operations.size(); ++i) {
    site_ = sites.empty() ? 0 : sites[i];
    if (!sites.empty()) sites_.Know(site_);
    ++summary_.operations;
    ++summary_.kinds[static_cast<std::size_t>(operations[i].kind)];
    Apply(operations[i]);
    Record();
    if (threads.empty()) continue;
    if (threads[i] >= summary_.threads.size()) summary_.threads.resize(std::size_t{threads[i]} + 1);
    ++summary_.threads[threads[i]];
  }
}

void TraceSummarizer::Apply(const Operation& op) {
  switch (op.kind) {
    case OpKind::kMalloc:
      return Allocate(op, op.size);
    case OpKind::kCalloc:
      return Allocate(op, std::uint64_t{op.size} * op.extra);
    case OpKind::kRealloc: {
      if (op.extra == kNoBlock) return Allocate(op, op.size);
      Block& old = HeapBlock(op.extra);
      if (!old.live) return summary_.dead_reallocs.Add(summary_.operations);
      Request(op.size);
      bytes_ += op.size - old.bytes;
      sites_.Drop(old.site, old.bytes);
      old.bytes = op.size;
      old.site = site_;
      sites_.Hold(site_, op.size);
      if (op.extra != op.block) {
        Block moved = old;
        old.live = false;
        HeapBlock(op.block) = moved;
      }
      return;
    }
    case OpKind::kFree:
      if (op.block != kNoBlock) Free(op.block);
      return;
    case OpKind::kAllocatePages:
      if (op.block >= pages_.size()) pages_.resize(std::size_t{op.block} + 1);
      page_bytes_ += op.size;
      pages_[op.block] = op.size;
      return;
    case OpKind::kFreePages:
      if (op.block < pages_.size()) page_bytes_ -= std::exchange(pages_[op.block], 0);
      return;
    case OpKind::kFreePagesPart:
      if (op.block < pages_.size()) {
        const std::uint64_t part = std::min<std::uint64_t>(op.size, pages_[op.block]);
        page_bytes_ -= part;
        pages_[op.block] -= part;
      }
      return;
  }
}

void TraceSummarizer::Request(std::uint64_t bytes) {
  sites_.Request(site_, bytes);
  summary_.sizes.Record(bytes);
  summary_.requested_bytes += bytes;
  if (bytes == 0) summary_.zero_sizes.Add(summary_.operations);
  if (bytes >= 0xFFFFFFFF) summary_.too_large.Add(summary_.operations);
  if (bytes > summary_.largest_request) {
    summary_.largest_request = bytes;
    summary_.largest_operation = summary_.operations;
  }
  const auto found = size_counts_.find(bytes);
  if (found != size_counts_.end()) {
    ++found->second;
  } else if (size_counts_.size() < kSizesMax) {
    size_counts_.emplace(bytes, 1);
  }
}

void TraceSummarizer::Allocate(const Operation& op, std::uint64_t bytes) {
  Request(bytes);
  Block& block = HeapBlock(op.block);
  if (block.live) {
    if (block.bytes != 0) summary_.overwritten.Add(summary_.operations);
    // What leaks stays live to the end, and nothing can name it any more.
    summary_.leaked_bytes += block.bytes;
    ++summary_.leaked_blocks;
  }
  block = {.born = summary_.operations, .size = op.size, .bytes = bytes, .live = true, .used = true, .site = site_};
  sites_.Hold(site_, bytes);
  bytes_ += bytes;
  ++blocks_;
}

void TraceSummarizer::Free(std::uint32_t handle) {
  Block& block = HeapBlock(handle);
  if (!block.live) return (block.used ? summary_.double_frees : summary_.wild_frees).Add(summary_.operations);
  block.live = false;
  sites_.Drop(block.site, block.bytes);
  bytes_ -= block.bytes;
  --blocks_;
  const std::uint64_t lifetime = summary_.operations - block.born;
  summary_.lifetimes.Record(lifetime);
  AddLife({lifetime, block.born, block.bytes, true});
}

void TraceSummarizer::AddLife(const BlockLife& life) {
  std::vector<BlockLife>& longest = summary_.longest;
  if (longest.size() == kLongestMax && !LivedLonger(life, longest.back())) return;
  longest.insert(std::upper_bound(longest.begin(), longest.end(), life, LivedLonger), life);
  if (longest.size() > kLongestMax) longest.pop_back();
}

void TraceSummarizer::Record() {
  if (bytes_ > summary_.peak_bytes) {
    summary_.peak_bytes = bytes_;
    summary_.peak_operation = summary_.operations;
    sites_.Peak();
  }
  if (page_bytes_ > summary_.page_peak_bytes) {
    summary_.page_peak_bytes = page_bytes_;
    summary_.page_peak_operation = summary_.operations;
  }
  summary_.peak_both_bytes = std::max(summary_.peak_both_bytes, bytes_ + page_bytes_);
  summary_.peak_blocks = std::max(summary_.peak_blocks, blocks_);
  point_bytes_ = std::max(point_bytes_, bytes_);
  if (summary_.operations % step_ != 0) return;
  summary_.course.push_back({summary_.operations, std::exchange(point_bytes_, bytes_)});
  if (summary_.course.size() < kCoursePointsMax) return;
  for (std::size_t i = 0; i < kCoursePointsMax / 2; ++i) {  // twice as far apart
    const LivePoint &first = summary_.course[2 * i], &second = summary_.course[2 * i + 1];
    summary_.course[i] = {second.operation, std::max(first.bytes, second.bytes)};
  }
  summary_.course.resize(kCoursePointsMax / 2);
  step_ *= 2;
}

TraceSummary TraceSummarizer::Finish() {
  summary_.sites = sites_.Uses();
  for (const Block& block : heap_) {
    if (!block.live) continue;
    ++summary_.leaked_blocks;
    summary_.leaked_bytes += block.bytes;
    AddLife({summary_.operations - block.born, block.born, block.bytes, false});
  }
  if (summary_.course.empty() || summary_.course.back().operation != summary_.operations) {
    summary_.course.push_back({summary_.operations, point_bytes_});
  }
  summary_.distinct_sizes = size_counts_.size();
  summary_.hot_sizes.assign(size_counts_.begin(), size_counts_.end());
  std::sort(summary_.hot_sizes.begin(), summary_.hot_sizes.end(),
            [](const auto& a, const auto& b) { return a.second != b.second ? a.second > b.second : a.first < b.first; });
  if (summary_.hot_sizes.size() > kHotMax) summary_.hot_sizes.resize(kHotMax);
  return std::move(summary_);
}

}  // namespace alloclab

#include "clients/record/image_heap.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "allocators/workload/oddity.h"

namespace alloclab::client {
namespace {

using recorder::Kind;

std::vector<RecordedBlock> InOrder(const RecordedBlocks& blocks) {
  std::vector<RecordedBlock> ordered;
  ordered.reserve(blocks.size());
  for (const auto& [address, block] : blocks) ordered.push_back(block);
  std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a.order < b.order; });
  return ordered;
}

}  // namespace

// The first operation of a file: what a forked child found in its memory.
void ImageHeap::Start() {
  output_ = make_output_();
  inherited_count_ = inherited_.size();
  if (inherited_.empty()) return;
  std::vector<std::pair<std::uint64_t, RecordedBlock>> ordered(inherited_.begin(), inherited_.end());
  std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a.second.order < b.second.order; });
  const std::uint32_t thread = output_->NewThread();
  for (auto& [address, block] : ordered) {
    block.handle = output_->handles().Take();
    block.order = order_++;
    blocks_[address] = block;
    output_->Add({OpKind::kMalloc, block.handle, block.size, 0}, thread, block.alignment_log2, block.site);
  }
  inherited_.clear();
}

std::uint32_t ImageHeap::ThreadNumber(std::uint32_t thread) {
  if (thread == last_thread_) return last_number_;
  const auto [known, fresh] = threads_.try_emplace(thread, 0);
  last_thread_ = thread;
  if (fresh) known->second = threads_.size() == 1 && inherited_count_ != 0 ? output_->threads() - 1 : output_->NewThread();
  return last_number_ = known->second;
}

void ImageHeap::EndThread(std::uint32_t thread) {
  threads_.erase(thread);
  last_thread_ = 0;
}

void ImageHeap::Apply(const Record& record, std::uint32_t thread, std::uint32_t ring) {
  if (record.kind == Kind::kFork) return;
  if (output_ == nullptr) Start();
  switch (record.kind) {
    case Kind::kFree:
      return Free(record.address, ThreadNumber(thread));
    case Kind::kReallocBegin:
      return BeginRealloc(record.address, ring);
    case Kind::kReallocEnd:
      return EndRealloc(record, ThreadNumber(thread), ring);
    default:
      return Allocate(record, ThreadNumber(thread));
  }
}

std::uint32_t ImageHeap::Size(std::uint64_t bytes) {
  if (bytes > kLargestSize) ++too_large_;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, kLargestSize));
}

// Where the block at that address is told. One that is there already was freed by something that is not seen: the kernel took
// its pages, or a record was lost.
RecordedBlock& ImageHeap::Place(std::uint64_t address, std::uint32_t thread) {
  const auto [known, fresh] = blocks_.try_emplace(address);
  if (!fresh) {
    ++doubled_;
    GiveBack(known->second, thread);
  }
  return known->second;
}

void ImageHeap::GiveBack(const RecordedBlock& block, std::uint32_t thread) {
  output_->Add({OpKind::kFree, block.handle, 0, 0}, thread);
  output_->handles().GiveBack(block.handle);
}

void ImageHeap::Allocate(const Record& record, std::uint32_t thread) {
  if (record.address == 0) {
    ++failed_;
    return;
  }
  RecordedBlock& block = Place(record.address, thread);
  const bool calloc = record.kind == Kind::kCalloc;
  const std::uint64_t alignment = record.kind == Kind::kAligned ? record.second : 0;
  block = {.order = order_++, .handle = output_->handles().Take(), .size = Size(record.first), .site = record.site};
  if (std::has_single_bit(alignment))
    block.alignment_log2 = static_cast<std::uint8_t>(std::min(31, std::countr_zero(alignment)));
  const Operation operation = calloc ? Operation{OpKind::kCalloc, block.handle, block.size, Size(record.second)}
                                     : Operation{OpKind::kMalloc, block.handle, block.size, 0};
  if (calloc) block.size = Size(std::uint64_t{operation.size} * operation.extra);
  output_->Add(operation, thread, block.alignment_log2, block.site);
}

void ImageHeap::Free(std::uint64_t address, std::uint32_t thread) {
  const auto known = blocks_.find(address);
  if (known == blocks_.end()) {
    ++unknown_;
    return;
  }
  GiveBack(known->second, thread);
  blocks_.erase(known);
}

void ImageHeap::BeginRealloc(std::uint64_t address, std::uint32_t ring) {
  const auto known = blocks_.find(address);
  if (known == blocks_.end()) {
    ++unknown_;
    return;
  }
  moving_[ring] = {address, known->second};
  blocks_.erase(known);
}

void ImageHeap::EndRealloc(const Record& record, std::uint32_t thread, std::uint32_t ring) {
  const auto found = moving_.find(ring);
  const bool moves = found != moving_.end();
  Moving old = moves ? found->second : Moving{};
  if (moves) moving_.erase(found);
  if (record.address == 0 && moves && record.first == 0) {
    GiveBack(old.block, thread);
  } else if (record.address == 0) {
    ++failed_;
    if (moves) blocks_[old.address] = old.block;
  } else {
    RecordedBlock& block = Place(record.address, thread);
    block = {.order = order_++,
             .handle = moves ? old.block.handle : output_->handles().Take(),
             .size = Size(record.first),
             .site = record.site};
    output_->Add({OpKind::kRealloc, block.handle, block.size, moves ? block.handle : kNoBlock}, thread, 0, block.site);
  }
}

void ImageHeap::FreeAll() {
  if (output_ == nullptr) return;
  for (const auto& [ring, moving] : moving_) blocks_.try_emplace(moving.address, moving.block);
  const std::uint32_t thread = threads_.empty() ? 0 : threads_.begin()->second;
  for (const RecordedBlock& block : InOrder(blocks_)) GiveBack(block, thread);
  blocks_.clear();
  moving_.clear();
}

std::vector<std::string> ImageHeap::Notes() const {
  std::vector<std::string> notes;
  const auto tell = [&notes](std::uint64_t count, const char* what) {
    if (count != 0) notes.push_back(fmt::format("{} ({} times)", what, count));
  };
  if (inherited_count_ != 0) {
    notes.push_back(fmt::format("the process was forked: {} blocks that it found are allocated first", inherited_count_));
  }
  tell(failed_, "an allocation that failed when it was recorded is dropped");
  tell(unknown_, "a free of a block whose allocation was not recorded is dropped; a realloc of one becomes an allocation");
  tell(doubled_, "a block was allocated where one was live; it is freed before");
  tell(too_large_, "a size that 32 bits cannot hold becomes 4294967295");
  return notes;
}

}  // namespace alloclab::client

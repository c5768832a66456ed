#include "allocators/workload/live_set.h"

#include <algorithm>
#include <utility>

#include "allocators/common/check.h"

namespace alloclab {

void LiveSet::Begin(FreeOrder order) {
  CloseGap();
  order_ = order;
  spare_ = true;
  std::sort(blocks_.begin(), blocks_.end(), [](const Member& a, const Member& b) { return a.birth < b.birth; });
  round_end_ = blocks_.size();
}

std::uint32_t LiveSet::Take(Xoshiro256& random) {
  ALLOCLAB_CHECK_GT(size(), 0u);
  switch (order_) {
    case FreeOrder::kLifo:
      return TakeLast();
    case FreeOrder::kFifo:
      return TakeFirst();
    case FreeOrder::kEveryOther:
      return TakeEveryOther();
    case FreeOrder::kRandom:
      break;
  }
  return TakeRandom(random);
}

std::uint32_t LiveSet::Pick(Xoshiro256& random) const {
  ALLOCLAB_CHECK_GT(size(), 0u);
  std::size_t index = random.Below(size());
  if (index >= gap_begin_) index += gap_end_ - gap_begin_;
  return blocks_[index].handle;
}

std::uint32_t LiveSet::TakeLast() {
  const std::uint32_t handle = blocks_.back().handle;
  blocks_.pop_back();
  return handle;
}

std::uint32_t LiveSet::TakeRandom(Xoshiro256& random) {
  std::swap(blocks_[random.Below(size())], blocks_.back());
  return TakeLast();
}

std::uint32_t LiveSet::TakeFirst() {
  const std::uint32_t handle = blocks_[gap_end_++].handle;
  if (gap_end_ > blocks_.size() / 2) CloseGap();
  return handle;
}

std::uint32_t LiveSet::TakeEveryOther() {
  while (true) {
    if (gap_end_ == round_end_) {
      CloseGap();
      round_end_ = blocks_.size();
    }
    const Member member = blocks_[gap_end_++];
    if (!std::exchange(spare_, !spare_)) return member.handle;
    blocks_[gap_begin_++] = member;
  }
}

void LiveSet::CloseGap() {
  blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(gap_begin_),
                blocks_.begin() + static_cast<std::ptrdiff_t>(gap_end_));
  gap_begin_ = gap_end_ = 0;
}

}  // namespace alloclab

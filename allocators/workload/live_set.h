// The live blocks of a generated workload, and which of them is freed next.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_LIVE_SET_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_LIVE_SET_H_

#include <cstdint>
#include <vector>

#include "allocators/workload/workload_spec.h"
#include "allocators/workload/xoshiro256.h"

namespace alloclab {

class LiveSet {
 public:
  // Frees follow this order from now on.
  void Begin(FreeOrder order);

  void Add(std::uint32_t handle) { blocks_.push_back({births_++, handle}); }
  // The next one to free, taken out. REQUIRES: size() > 0.
  std::uint32_t Take(Xoshiro256& random);
  // Any, equally likely; stays in. REQUIRES: size() > 0.
  std::uint32_t Pick(Xoshiro256& random) const;

  std::uint32_t size() const { return static_cast<std::uint32_t>(blocks_.size() - (gap_end_ - gap_begin_)); }

 private:
  struct Member {
    std::uint64_t birth;
    std::uint32_t handle;
  };
  std::uint32_t TakeLast();
  std::uint32_t TakeRandom(Xoshiro256& random);
  std::uint32_t TakeFirst();
  std::uint32_t TakeEveryOther();
  void CloseGap();

  FreeOrder order_ = FreeOrder::kRandom;
  // By age, the oldest first (kRandom: in no order), with a gap [gap_begin_, gap_end_) of members that were taken out.
  //   kFifo        the gap begins at 0; the next one to free is at its end
  //   kEveryOther  those before the gap were passed over in this round; it looks on from the gap's end up to round_end_, where
  //                the next round begins
  std::vector<Member> blocks_;
  std::size_t gap_begin_ = 0, gap_end_ = 0, round_end_ = 0;
  bool spare_ = true;  // kEveryOther: the next one stays
  std::uint64_t births_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_LIVE_SET_H_

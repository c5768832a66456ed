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
  // Except for kRandom by age, the oldest first, with a gap of members taken out: kFifo takes from its end (it begins at 0);
  // kEveryOther has passed what is before the gap in this round, and goes on from its end to round_end_.
  std::vector<Member> blocks_;
  std::size_t gap_begin_ = 0, gap_end_ = 0, round_end_ = 0;
  bool spare_ = true;  // kEveryOther: the next one stays
  std::uint64_t births_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_LIVE_SET_H_

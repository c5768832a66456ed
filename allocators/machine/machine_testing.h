// What the tests of the machine share.
#ifndef ALLOCLAB_ALLOCATORS_MACHINE_MACHINE_TESTING_H_
#define ALLOCLAB_ALLOCATORS_MACHINE_MACHINE_TESTING_H_

#include <cstdint>
#include <optional>

#include "allocators/machine/frame_source.h"

namespace alloclab {

// Frames from the one before `next` downwards, `left` of them. A copy is a saved source.
class CountedFrames : public FrameSource {
 public:
  CountedFrames(std::uint32_t next, std::uint32_t left) : next_(next), left_(left) {}
  std::optional<PageFrame> TakeFrame() override {
    if (left_ == 0) return std::nullopt;
    --left_;
    return PageFrame{--next_};
  }
  bool CanTakeFrames(std::uint32_t count) const override { return count <= left_; }

 private:
  std::uint32_t next_, left_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_MACHINE_MACHINE_TESTING_H_

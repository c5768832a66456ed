// Where the machine's kernel takes page frames from: page tables and the heap's pages. A page allocator is one; tests wrap
// one to make the n-th request fail.
#ifndef ALLOCLAB_ALLOCATORS_MACHINE_FRAME_SOURCE_H_
#define ALLOCLAB_ALLOCATORS_MACHINE_FRAME_SOURCE_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "allocators/common/allocator_state.h"
#include "allocators/machine/address.h"

namespace alloclab {

class FrameSource {
 public:
  virtual ~FrameSource() = default;

  // One frame, contents as they are; nothing when there is none.
  virtual std::optional<PageFrame> TakeFrame() = 0;

  // Whether the next `count` calls of TakeFrame would all succeed. Changes nothing. A guarded heap asks before it begins an
  // operation, so that it seldom has to undo one.
  virtual bool CanTakeFrames(std::uint32_t count) const = 0;

  // What is kept outside RAM; an operation that is undone gives back the frames that it took by restoring it.
  virtual std::unique_ptr<const AllocatorState> Save() const = 0;
  virtual void Restore(const AllocatorState& saved) = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_MACHINE_FRAME_SOURCE_H_

#include "server/entities/native_plan.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "allocators/common/check.h"
#include "native/format.h"

namespace alloclab::server {
namespace {

// What a reader of traces makes of a size beyond 32 bits; no 32-bit program has such a block.
constexpr std::uint64_t kTooLarge = std::numeric_limits<std::uint32_t>::max();

class Planner {
 public:
  Planner(const Trace& trace, std::span<Operation> out) : out_(out), blocks_(trace.heap_handles) {
    plan_.slots = trace.heap_handles + 1;
  }

  // REQUIRES: handles below those of the trace, or kNoBlock where an operation may have none.
  void Add(const Operation& op) {
    if (op.kind <= OpKind::kRealloc) ALLOCLAB_CHECK_LT(op.block, blocks_.size());
    if (op.kind == OpKind::kRealloc) ALLOCLAB_CHECK(op.extra == kNoBlock || op.extra < blocks_.size());
    if (op.kind == OpKind::kFree) ALLOCLAB_CHECK(op.block == kNoBlock || op.block < blocks_.size());
    const bool taken = op.kind == OpKind::kMalloc    ? Allocate(op, op.size)
                       : op.kind == OpKind::kCalloc  ? Allocate(op, std::uint64_t{op.size} * op.extra)
                       : op.kind == OpKind::kRealloc ? Reallocate(op)
                       : op.kind == OpKind::kFree    ? Free(op)
                                                     : false;
    if (!taken) ++plan_.skipped;
  }
  const NativePlan& plan() const { return plan_; }

 private:
  // A pointer of the program, null at first.
  struct Block {
    std::uint32_t bytes = 0;
    enum : std::uint32_t { kNull, kLive, kDangling } state = kNull;
  };
  static_assert(sizeof(Block) == sizeof(std::uint64_t));  // PlanBytes

  static std::uint32_t Slot(std::uint32_t handle) { return handle == kNoBlock ? native::kNullSlot : handle + 1; }

  void Write(OpKind kind, std::uint32_t slot, std::uint32_t size, std::uint32_t extra) {
    out_[plan_.operations++] = {kind, slot, size, extra};
  }
  void Own(std::uint32_t handle, std::uint64_t bytes) {
    blocks_[handle] = {static_cast<std::uint32_t>(bytes), Block::kLive};
    live_bytes_ += bytes;
    ++live_blocks_;
    plan_.peak_live_blocks = std::max(plan_.peak_live_blocks, live_blocks_);
    if (live_bytes_ <= plan_.peak_live_bytes) return;
    plan_.peak_live_bytes = live_bytes_;
    plan_.peak_operation = plan_.operations - 1;
  }
  void Disown(std::uint32_t handle) {
    live_bytes_ -= blocks_[handle].bytes;
    --live_blocks_;
    blocks_[handle].state = Block::kDangling;
  }

  bool Allocate(const Operation& op, std::uint64_t bytes) {
    if (bytes >= kTooLarge) return false;
    Write(op.kind, Slot(op.block), op.size, op.extra);
    Own(op.block, bytes);
    return true;
  }
  bool Reallocate(const Operation& op) {
    const bool from_null = op.extra == kNoBlock || blocks_[op.extra].state == Block::kNull;
    if (op.size >= kTooLarge || (!from_null && blocks_[op.extra].state == Block::kDangling)) return false;
    if (op.size == 0) {  // C leaves it open what that does
      if (!Free({OpKind::kFree, op.extra, 0, 0})) return false;
      blocks_[op.block].state = Block::kNull;
      return true;
    }
    Write(op.kind, Slot(op.block), op.size, from_null ? native::kNullSlot : Slot(op.extra));
    if (!from_null) Disown(op.extra);
    Own(op.block, op.size);
    return true;
  }
  bool Free(const Operation& op) {
    const bool null = op.block == kNoBlock || blocks_[op.block].state == Block::kNull;
    if (!null && blocks_[op.block].state == Block::kDangling) return false;
    Write(OpKind::kFree, null ? native::kNullSlot : Slot(op.block), 0, 0);
    if (!null) Disown(op.block);
    return true;
  }

  const std::span<Operation> out_;
  std::vector<Block> blocks_;
  std::uint64_t live_bytes_ = 0, live_blocks_ = 0;
  NativePlan plan_;
};

}  // namespace

NativePlan PlanNative(const Trace& trace, std::span<Operation> out, const Interrupt& interrupt) {
  ALLOCLAB_CHECK_LE(trace.operations.size(), out.size());
  Planner planner(trace, out);
  InterruptPoll poll(interrupt);
  for (const Operation& op : trace.operations) {
    planner.Add(op);
    if (poll.Step()) break;
  }
  return planner.plan();
}

}  // namespace alloclab::server

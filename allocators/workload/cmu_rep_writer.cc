#include "allocators/workload/cmu_rep_writer.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"

namespace alloclab {
namespace {

class CmuRepWriter {
 public:
  explicit CmuRepWriter(const Trace& trace) : trace_(trace), blocks_(trace.heap_handles) {}

  absl::StatusOr<std::string> Write(RepDialect dialect) {
    for (const Operation& op : trace_.operations) {
      if (const std::string_view why = Line(op); !why.empty()) {
        return absl::InvalidArgumentError(absl::StrFormat("operation %d is a %s %s, which a .rep text cannot say",
                                                          operations_ + 1, OpKindName(op.kind), why));
      }
      ++operations_;
    }
    return Header(dialect) + lines_;
  }

 private:
  struct LastBlock {
    std::uint32_t id = kNoBlock;  // what the handle names now, or nothing
    bool empty = false;           // of 0 bytes, so null
    std::uint32_t size = 0;
  };

  // The first number tells A from the others, the last B from C: it is a peak of 2 bytes at least.
  std::string Header(RepDialect dialect) const {
    const std::uint64_t peak = std::max<std::uint64_t>(2, peak_);
    if (dialect == RepDialect::kA)
      return absl::StrFormat("%d\n%d\n%d\n1\n", std::max<std::uint64_t>(4, 2 * peak), ids_, operations_);
    return absl::StrFormat("1\n%d\n%d\n%d\n", ids_, operations_, dialect == RepDialect::kC ? peak : 0);
  }

  // Adds the operation's line, or says why it has none.
  std::string_view Line(const Operation& op) {
    if (op.kind == OpKind::kFree && op.block == kNoBlock) {
      lines_ += "f -1\n";
      return {};
    }
    if (op.kind != OpKind::kMalloc && op.kind != OpKind::kRealloc && op.kind != OpKind::kFree) return "operation";
    if (op.block >= blocks_.size()) return "of a handle beyond the trace's";
    LastBlock& block = blocks_[op.block];
    const bool live = block.id != kNoBlock;
    const bool moves = op.kind == OpKind::kRealloc && op.extra != kNoBlock;
    if (op.kind == OpKind::kFree || moves) {
      if (moves && op.extra != op.block) return "into another handle";
      if (!live) return "of a block that is not live";
    } else {
      if (live && !block.empty) return "over a live block";
      block.id = ids_++;
    }
    if (op.kind == OpKind::kFree) {
      absl::StrAppendFormat(&lines_, "f %d\n", block.id);
      block.id = kNoBlock;
      live_bytes_ -= block.size;
      block.size = 0;
    } else {
      absl::StrAppendFormat(&lines_, "%c %d %d\n", op.kind == OpKind::kMalloc ? 'a' : 'r', block.id, op.size);
      block.empty = op.size == 0 && !moves;
      live_bytes_ += op.size;
      live_bytes_ -= block.size;
      block.size = op.size;
      peak_ = std::max(peak_, live_bytes_);
    }
    return {};
  }

  const Trace& trace_;
  std::vector<LastBlock> blocks_;  // by handle
  std::string lines_;
  std::uint32_t ids_ = 0;
  std::uint64_t operations_ = 0, live_bytes_ = 0, peak_ = 0;
};

}  // namespace

absl::StatusOr<std::string> WriteCmuRep(const Trace& trace, RepDialect dialect) { return CmuRepWriter(trace).Write(dialect); }

}  // namespace alloclab

#include "allocators/workload/malloc_bench_writer.h"

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"

namespace alloclab {
namespace {

enum Message : std::uint32_t { kMalloc = 1, kFree = 2, kRealloc = 3, kCalloc = 4 };

void AppendVarint(std::string& bytes, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  bytes += static_cast<char>(value);
}

class MallocBenchWriter {
 public:
  explicit MallocBenchWriter(const Trace& trace) : trace_(trace), live_(trace.heap_handles) {}

  absl::StatusOr<std::string> Write() {
    for (std::size_t i = 0; i < trace_.operations.size(); ++i) {
      const Operation& op = trace_.operations[i];
      if (const std::string_view why = Line(op); !why.empty()) {
        return absl::InvalidArgumentError(absl::StrFormat("operation %d is a %s %s, which a trace of malloc-bench cannot say",
                                                          i + 1, OpKindName(op.kind), why));
      }
    }
    return std::move(bytes_);
  }

 private:
  using Fields = std::initializer_list<std::pair<std::uint32_t, std::uint64_t>>;

  // Adds the operation's line, or says why it has none.
  std::string_view Line(const Operation& op) {
    if (OnPages(op.kind)) return "operation";
    if (op.kind == OpKind::kFree && op.block == kNoBlock) return Add(kFree, {});
    if (op.block >= live_.size()) return "of a handle beyond the trace's";
    const bool moves = op.kind == OpKind::kRealloc && op.extra != kNoBlock;
    if (op.kind == OpKind::kFree || moves) {
      if (moves && op.extra != op.block) return "into another handle";
      if (!live_[op.block]) return "of a block that is not live";
      live_[op.block] = moves;
      return moves ? Add(kRealloc, {{1, op.block}, {2, op.block}, {3, op.size}}) : Add(kFree, {{1, op.block}});
    }
    if (live_[op.block]) return "over a live block";
    live_[op.block] = true;
    if (op.kind == OpKind::kCalloc) return Add(kCalloc, {{1, op.block}, {2, op.extra}, {3, op.size}});
    if (op.kind == OpKind::kRealloc) return Add(kRealloc, {{1, op.block}, {3, op.size}});
    return Add(kMalloc, {{1, op.block}, {2, op.size}});
  }

  std::string_view Add(Message kind, Fields fields) {
    std::string message;
    for (const auto& [number, value] : fields) {
      AppendVarint(message, number << 3);
      AppendVarint(message, value);
    }
    std::string line;
    AppendVarint(line, kind << 3 | 2);
    AppendVarint(line, message.size());
    AppendVarint(bytes_, 1 << 3 | 2);
    AppendVarint(bytes_, line.size() + message.size());
    bytes_ += line;
    bytes_ += message;
    return {};
  }

  const Trace& trace_;
  std::vector<bool> live_;  // by handle
  std::string bytes_;
};

}  // namespace

absl::StatusOr<std::string> WriteMallocBench(const Trace& trace) { return MallocBenchWriter(trace).Write(); }

}  // namespace alloclab

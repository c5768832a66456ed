#include "clients/load/script.h"

#include <algorithm>
#include <utility>

namespace alloclab::load {
namespace {

constexpr std::uint64_t kPageBytes = 4096;

bool OfPages(OpKind kind) {
  return kind == OpKind::kAllocatePages || kind == OpKind::kFreePages || kind == OpKind::kFreePagesPart;
}

// Which handles hold a block, if every operation succeeds.
class LiveHandles {
 public:
  LiveHandles(std::uint32_t heap_handles, std::uint32_t page_handles) : heap_(heap_handles), page_bytes_(page_handles) {}

  void Apply(const Operation& op) {
    switch (op.kind) {
      case OpKind::kMalloc:
        heap_[op.block] = op.size != 0;
        break;
      case OpKind::kCalloc:
        heap_[op.block] = op.size != 0 && op.extra != 0;
        break;
      case OpKind::kRealloc:
        if (op.extra != kNoBlock) heap_[op.extra] = false;
        heap_[op.block] = op.size != 0;
        break;
      case OpKind::kFree:
        if (op.block != kNoBlock) heap_[op.block] = false;
        break;
      case OpKind::kAllocatePages:
        page_bytes_[op.block] = (op.size + kPageBytes - 1) / kPageBytes * kPageBytes;
        break;
      case OpKind::kFreePages:
        page_bytes_[op.block] = 0;
        break;
      case OpKind::kFreePagesPart:
        page_bytes_[op.block] = op.extra == 0 && op.size < page_bytes_[op.block] ? page_bytes_[op.block] - op.size : 0;
        break;
    }
  }

  std::vector<Operation> Frees() const {
    std::vector<Operation> frees;
    for (std::uint32_t handle = 0; handle < heap_.size(); ++handle) {
      if (heap_[handle]) frees.push_back({.kind = OpKind::kFree, .block = handle});
    }
    for (std::uint32_t handle = 0; handle < page_bytes_.size(); ++handle) {
      if (page_bytes_[handle] != 0) frees.push_back({.kind = OpKind::kFreePages, .block = handle});
    }
    return frees;
  }

 private:
  std::vector<bool> heap_;
  std::vector<std::uint64_t> page_bytes_;
};

std::uint32_t Shifted(std::uint32_t handle, std::uint32_t offset) { return handle == kNoBlock ? kNoBlock : handle + offset; }

}  // namespace

std::vector<Operation> FreesOfWhatIsLeft(const Trace& trace) {
  LiveHandles live(trace.heap_handles, trace.page_handles);
  for (const Operation& op : trace.operations) live.Apply(op);
  return live.Frees();
}

Script MakeScript(std::string name, Trace trace) {
  Script script;
  script.name = std::move(name);
  script.trace_sha256 = TraceDigest(trace.operations);
  script.frees = FreesOfWhatIsLeft(trace);
  script.heap_handles = trace.heap_handles;
  script.page_handles = trace.page_handles;
  script.operations = std::move(trace.operations);
  return script;
}

std::span<const Operation> Cursor::Next(std::size_t count, v1::Batch& batch) {
  const std::span<const Operation> next = operations_.subspan(position_, std::min(count, operations_.size() - position_));
  position_ += next.size();
  const int size = static_cast<int>(next.size());
  batch.mutable_kinds()->resize(next.size());
  batch.mutable_blocks()->Resize(size, 0);
  batch.mutable_sizes()->Resize(size, 0);
  batch.mutable_extras()->Resize(size, 0);
  char* const kinds = batch.mutable_kinds()->data();
  std::uint32_t* const blocks = batch.mutable_blocks()->mutable_data();
  std::uint32_t* const sizes = batch.mutable_sizes()->mutable_data();
  std::uint32_t* const extras = batch.mutable_extras()->mutable_data();
  std::uint32_t any_extra = 0;
  for (std::size_t i = 0; i < next.size(); ++i) {
    const Operation& op = next[i];
    kinds[i] = static_cast<char>(op.kind);
    blocks[i] = Shifted(op.block, OfPages(op.kind) ? offsets_.pages : offsets_.heap);
    sizes[i] = op.size;
    extras[i] = op.kind == OpKind::kRealloc ? Shifted(op.extra, offsets_.heap) : op.extra;
    any_extra |= extras[i];
  }
  if (any_extra == 0) batch.clear_extras();
  return next;
}

}  // namespace alloclab::load

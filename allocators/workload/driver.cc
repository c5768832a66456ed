#include "allocators/workload/driver.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_format.h"
#include "allocators/common/cost_model.h"

namespace alloclab {
namespace {

constexpr std::uint32_t Index(OpKind kind) { return static_cast<std::uint32_t>(kind); }
constexpr bool IsHeapKind(OpKind kind) { return kind <= OpKind::kFree; }

constexpr std::uint64_t kCachedHeapBytes = 8 << 20;
constexpr std::size_t kAhead = 8;  // operations

// The operation's first handle that is out of range, if any.
const std::uint32_t* BadHandle(const Operation& op) {
  const bool null_allowed = op.kind == OpKind::kFree;
  if (op.block >= HandleTable::kHandlesMax && !(null_allowed && op.block == kNoBlock)) return &op.block;
  if (op.kind == OpKind::kRealloc && op.extra >= HandleTable::kHandlesMax && op.extra != kNoBlock) return &op.extra;
  return nullptr;
}

}  // namespace

std::uint64_t DriverImage::HostBytes(absl::flat_hash_set<const void*>& counted) const {
  return sizeof(*this) + instance_->HostBytes(counted) + HandleTable::HostBytes(live_.handles, counted) +
         live_.unnamed.capacity() * sizeof(std::uint64_t) + HandleTable::HostBytes(page_blocks_, counted);
}

Driver::Driver(Instance& instance) : instance_(instance), guard_(instance.heap_guard()), heap_(instance.heap()) {
  FollowHeap();
}

void Driver::FollowHeap() {
  if (heap_ == nullptr) return;
  heap_steps_ = heap_->costs().search_steps;
  cycles_ = Cycles(k386dx33, heap_->costs()) + Cycles(k386dx33, instance_.pages().costs());
  cycles_486_ = Cycles(k486dx2_66, heap_->costs()) + Cycles(k486dx2_66, instance_.pages().costs());
  RecordHeapSize();
}

void Driver::RecordIn(OperationRecord* record) {
  record_ = record;
  FollowHeap();
}

void Driver::TouchAs(std::span<const TouchFrom> touches) { touches_.assign(touches.begin(), touches.end()); }

void Driver::TouchBlock(const Operation& op, const HeapResult& result) {
  if (op.kind == OpKind::kFree || result.outcome != Outcome::kOk) return;
  const auto next = std::upper_bound(touches_.begin(), touches_.end(), operations_,
                                     [](std::uint64_t operation, const TouchFrom& from) { return operation < from.operation; });
  if (next == touches_.begin()) return;
  const std::uint32_t bytes = std::prev(next)->touch.BytesOf(static_cast<std::uint32_t>(RequestedBytes(op)));
  constexpr std::uint8_t kWritten[1] = {0x5A};
  for (std::uint64_t at = 0; at < bytes;) {
    const VirtAddr address = result.address + static_cast<std::uint32_t>(at);
    if (!instance_.space()->Write(address, kWritten)) return;
    at += kPageBytes - address.raw() % kPageBytes;
  }
}

std::shared_ptr<const DriverImage> Driver::Save() {
  auto image = std::make_shared<DriverImage>();
  image->instance_ = instance_.Save();
  image->counters_ = counters_;
  image->operations_ = operations_;
  image->live_ = live_.Save();
  image->page_blocks_ = page_blocks_.Save();
  return image;
}

void Driver::Restore(const DriverImage& image) {
  instance_.Restore(image.instance());
  counters_ = image.counters_;
  operations_ = image.operations_;
  live_.Restore(image.live_);
  page_blocks_.Restore(image.page_blocks_);
  FollowHeap();
}

absl::Status Driver::ReserveHandles(std::uint32_t heap_handles, std::uint32_t page_handles) {
  if (std::max(heap_handles, page_handles) > HandleTable::kHandlesMax) {
    return absl::InvalidArgumentError(absl::StrFormat("%d handles are too many; expected at most %d",
                                                      std::max(heap_handles, page_handles), HandleTable::kHandlesMax));
  }
  for (std::uint32_t handle = 0; handle < heap_handles; ++handle) live_.Reserve(handle);
  for (std::uint32_t handle = 0; handle < page_handles; ++handle) page_blocks_.Reserve(handle);
  return absl::OkStatus();
}

absl::Status Driver::Admit(std::span<const Operation> operations) {
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const Operation& op = operations[i];
    if (Index(op.kind) >= kOpKinds) {
      return absl::InvalidArgumentError(
          absl::StrFormat("operation %d: %d is not a kind; expected 0 to %d", i, Index(op.kind), kOpKinds - 1));
    }
    if (const std::uint32_t* handle = BadHandle(op); handle != nullptr) {
      return absl::InvalidArgumentError(absl::StrFormat("operation %d (%s): handle %d is too large; expected below %d", i,
                                                        OpKindName(op.kind), *handle, HandleTable::kHandlesMax));
    }
  }
  for (const Operation& op : operations) {
    if (!IsHeapKind(op.kind)) {
      page_blocks_.Reserve(op.block);
      continue;
    }
    if (op.block != kNoBlock) live_.Reserve(op.block);
    if (op.kind == OpKind::kRealloc && op.extra != kNoBlock) live_.Reserve(op.extra);
  }
  return absl::OkStatus();
}

inline void Driver::RecordOutcome(OpKind kind, Outcome outcome, std::uint64_t requested) {
  ++operations_;
  ++counters_.outcomes[Index(kind)][static_cast<std::uint32_t>(outcome)];
  counters_.requested_bytes[Index(kind)] += requested;
}

void Driver::RecordHeapSize() {
  brk_ = heap_->brk();
  counters_.heap_size_peak_bytes = std::max<std::uint64_t>(counters_.heap_size_peak_bytes, brk_ - heap_->start());
}

inline OpResult Driver::RecordHeap(OpKind kind, HeapResult result, std::uint64_t requested) {
  const HeapCosts& costs = heap_->costs();
  const std::uint64_t cycles = Cycles(k386dx33, costs) + Cycles(k386dx33, instance_.pages().costs());
  counters_.cycles[Index(kind)].Record(cycles - cycles_);
  if (record_ != nullptr) [[unlikely]]
    RecordCosts(cycles - cycles_, costs.search_steps - heap_steps_);
  cycles_ = cycles;
  if (const std::uint64_t steps = costs.search_steps - heap_steps_; steps != 0) {
    counters_.heap_search_steps.Record(steps);
    counters_.search_max = std::max(counters_.search_max, steps);
    heap_steps_ = costs.search_steps;
  }
  if (heap_->brk() != brk_) RecordHeapSize();
  if (kind != OpKind::kFree) counters_.request_bytes.Record(requested);
  RecordOutcome(kind, result.outcome, requested);
  return {result.outcome, result.address.raw()};
}

void Driver::RecordCosts(std::uint64_t cycles_386, std::uint64_t steps) {
  const std::uint64_t cycles_486 = Cycles(k486dx2_66, heap_->costs()) + Cycles(k486dx2_66, instance_.pages().costs());
  record_->cycles_386.Record(cycles_386);
  record_->cycles_486.Record(cycles_486 - cycles_486_);
  record_->search_steps.Record(steps);
  cycles_486_ = cycles_486;
}

OpResult Driver::RecordPages(OpKind kind, const PageResult& result, std::uint64_t requested, const PageCosts& before) {
  const PageCosts& costs = instance_.pages().costs();
  const std::uint64_t cycles = Cycles(k386dx33, costs) - Cycles(k386dx33, before);
  counters_.cycles[Index(kind)].Record(cycles);
  cycles_ += cycles;
  cycles_486_ += Cycles(k486dx2_66, costs) - Cycles(k486dx2_66, before);
  if (const std::uint64_t steps = costs.search_steps - before.search_steps; steps != 0)
    counters_.page_search_steps.Record(steps);
  RecordOutcome(kind, result.outcome, requested);
  return {result.outcome, result.address.raw()};
}

OpResult Driver::RecordUnsupported(OpKind kind) {
  counters_.cycles[Index(kind)].Record(0);
  RecordOutcome(kind, Outcome::kUnsupported, 0);
  return {Outcome::kUnsupported, 0};
}

[[gnu::always_inline]] inline void Driver::Own(std::uint32_t handle, const HeapResult& result, std::uint32_t bytes) {
  const bool lives = result.outcome == Outcome::kOk;
  if (handle != kNoBlock) {
    live_.Assign(handle, lives ? result.address.raw() : 0, lives ? std::optional(bytes) : std::nullopt);
  } else if (lives) {
    live_.AddUnnamed(result.address.raw(), bytes);
  }
  if (!lives) return;
  if (record_ != nullptr) [[unlikely]]
    record_->blocks.Cover(result.address.raw(), bytes);
  counters_.live_requested_bytes += bytes;
  counters_.live_requested_peak_bytes = std::max(counters_.live_requested_peak_bytes, counters_.live_requested_bytes);
  ++counters_.live_blocks;
  counters_.live_blocks_peak = std::max(counters_.live_blocks_peak, counters_.live_blocks);
}

[[gnu::always_inline]] inline void Driver::Disown(std::uint32_t handle, std::uint32_t address) {
  const std::optional<std::uint32_t> bytes = handle != kNoBlock ? live_.Release(handle) : live_.ReleaseAt(address);
  counters_.live_requested_bytes -= bytes.value_or(0);
  counters_.live_blocks -= bytes.has_value();
}

inline HeapResult Driver::DoMalloc(std::uint32_t handle, std::uint32_t bytes) {
  const HeapResult result = guard_->Malloc(bytes);
  Own(handle, result, bytes);
  return result;
}

HeapResult Driver::DoCalloc(std::uint32_t handle, std::uint32_t count, std::uint32_t bytes) {
  const HeapResult result = guard_->Calloc(count, bytes);
  Own(handle, result, count * bytes);
  return result;
}

HeapResult Driver::DoRealloc(std::uint32_t handle, std::uint32_t old_handle, std::uint32_t old_address, std::uint32_t bytes) {
  const HeapResult result = guard_->Realloc(VirtAddr(old_address), bytes);
  if (result.outcome == Outcome::kOk) {
    if (old_address != 0) Disown(old_handle, old_address);
    Own(handle, result, bytes);
  } else if (handle != old_handle) {
    Own(handle, result, 0);
  }
  return result;
}

inline HeapResult Driver::DoFree(std::uint32_t handle, std::uint32_t address) {
  if (address == 0) return {};
  const HeapResult result = guard_->Free(VirtAddr(address));
  if (result.outcome == Outcome::kOk) Disown(handle, address);
  return result;
}

OpResult Driver::AllocatePages(std::uint32_t bytes) {
  const PageCosts before = instance_.pages().costs();
  const PageResult result = instance_.AllocatePages(bytes);
  if (result.outcome == Outcome::kOk) {
    counters_.page_live_bytes += bytes;
    counters_.page_live_peak_bytes = std::max(counters_.page_live_peak_bytes, counters_.page_live_bytes);
  }
  return RecordPages(OpKind::kAllocatePages, result, bytes, before);
}

OpResult Driver::DoFreePages(OpKind kind, PhysAddr first, std::uint32_t bytes) {
  const PageCosts before = instance_.pages().costs();
  const PageResult result = instance_.FreePages(first, bytes);
  if (result.outcome == Outcome::kOk) {
    counters_.page_live_bytes -= std::min<std::uint64_t>(bytes, counters_.page_live_bytes);
  }
  return RecordPages(kind, result, 0, before);
}

OpResult Driver::FreePagesOf(const Operation& op) {
  NamedBlock& block = page_blocks_[op.block];
  if (block.address == 0) return RecordPages(op.kind, {}, 0, instance_.pages().costs());
  if (op.kind == OpKind::kFreePages) return DoFreePages(op.kind, PhysAddr(block.address), block.bytes);
  const OpResult result = DoFreePages(op.kind, PhysAddr(block.address) + op.extra, op.size);
  if (result.outcome != Outcome::kOk || op.size >= block.bytes) return result;
  if (op.extra == 0) {
    block = {block.address + op.size, block.bytes - op.size};
  } else if (op.extra == block.bytes - op.size) {
    block.bytes = op.extra;
  }
  return result;
}

inline HeapResult Driver::ApplyHeap(const Operation& op) {
  switch (op.kind) {
    case OpKind::kMalloc:
      return DoMalloc(op.block, op.size);
    case OpKind::kCalloc:
      return DoCalloc(op.block, op.extra, op.size);
    case OpKind::kRealloc:
      return DoRealloc(op.block, op.extra, op.extra == kNoBlock ? 0 : live_.AddressOf(op.extra), op.size);
    default:
      return DoFree(op.block, op.block == kNoBlock ? 0 : live_.AddressOf(op.block));
  }
}

inline OpResult Driver::ApplyOne(const Operation& op) {
  if (IsHeapKind(op.kind)) {
    if (heap_ == nullptr) return RecordUnsupported(op.kind);
    const HeapResult result = ApplyHeap(op);
    if (!touches_.empty()) [[unlikely]]
      TouchBlock(op, result);
    return RecordHeap(op.kind, result, RequestedBytes(op));
  }
  if (op.kind != OpKind::kAllocatePages) return FreePagesOf(op);
  const OpResult result = AllocatePages(op.size);
  page_blocks_[op.block] = result.outcome == Outcome::kOk ? NamedBlock{result.address, op.size} : NamedBlock{};
  return result;
}

// A free on a heap larger than the host's caches would wait for memory several times: for its handle, and then for its block.
inline void Driver::LookAhead(std::span<const Operation> operations) {
  if (operations.size() <= 2 * kAhead) return;
  const Operation &soon = operations[kAhead], &later = operations[2 * kAhead];
  if (soon.kind == OpKind::kFree && soon.block != kNoBlock) heap_->Prefetch(VirtAddr(live_.AddressOf(soon.block)));
  if (IsHeapKind(later.kind) && later.block != kNoBlock) live_.Prefetch(later.block);
}

void Driver::Apply(std::span<const Operation> operations, std::span<OpResult> results) {
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (counters_.heap_size_peak_bytes > kCachedHeapBytes) LookAhead(operations.subspan(i));
    const OpResult result = ApplyOne(operations[i]);
    if (!results.empty()) results[i] = result;
  }
}

OpResult Driver::Malloc(std::uint32_t bytes) {
  if (heap_ == nullptr) return RecordUnsupported(OpKind::kMalloc);
  return RecordHeap(OpKind::kMalloc, DoMalloc(kNoBlock, bytes), bytes);
}
OpResult Driver::Calloc(std::uint32_t count, std::uint32_t bytes) {
  if (heap_ == nullptr) return RecordUnsupported(OpKind::kCalloc);
  return RecordHeap(OpKind::kCalloc, DoCalloc(kNoBlock, count, bytes), std::uint64_t{count} * bytes);
}
OpResult Driver::Realloc(VirtAddr block, std::uint32_t bytes) {
  if (heap_ == nullptr) return RecordUnsupported(OpKind::kRealloc);
  return RecordHeap(OpKind::kRealloc, DoRealloc(kNoBlock, kNoBlock, block.raw(), bytes), bytes);
}
OpResult Driver::Free(VirtAddr block) {
  if (heap_ == nullptr) return RecordUnsupported(OpKind::kFree);
  return RecordHeap(OpKind::kFree, DoFree(kNoBlock, block.raw()), 0);
}
OpResult Driver::FreePages(PhysAddr first, std::uint32_t bytes) { return DoFreePages(OpKind::kFreePages, first, bytes); }

std::uint64_t Driver::host_bytes() const { return sizeof(*this) + live_.host_bytes() + page_blocks_.host_bytes(); }

}  // namespace alloclab

// Drives one instance with operations: the one loop behind runs in the server, batches over gRPC, benchmarks and tests.
//
// It owns the handles (operation.h) and what only the caller's side of an allocator can know: which bytes were asked for, how
// each operation ended, and the exact cost of each operation as the difference of the allocators' counters.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_DRIVER_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_DRIVER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "allocators/catalog/instance.h"
#include "allocators/common/log_histogram.h"
#include "allocators/common/outcome.h"
#include "allocators/common/pow2_histogram.h"
#include "allocators/workload/live_blocks.h"
#include "allocators/workload/operation.h"
#include "allocators/workload/page_cover.h"
#include "allocators/workload/touch.h"

namespace alloclab {

struct OpResult {
  Outcome outcome = Outcome::kOk;
  std::uint32_t address = 0;  // virtual for heap operations, physical for page operations; 0 is null

  friend bool operator==(const OpResult&, const OpResult&) = default;
};

// Plain counters of everything the driver saw since it was made. Exact and reproducible.
struct DriverCounters {
  // By OpKind and Outcome; the sum is the number of operations.
  std::array<std::array<std::uint64_t, kOutcomeSlots>, kOpKinds> outcomes{};
  std::array<std::uint64_t, kOpKinds> requested_bytes{};                  // whatever became of the request
  std::uint64_t live_requested_bytes = 0, live_requested_peak_bytes = 0;  // heap payload, as asked for
  std::uint64_t live_blocks = 0, live_blocks_peak = 0;
  std::uint64_t page_live_bytes = 0, page_live_peak_bytes = 0;
  std::uint64_t heap_size_peak_bytes = 0;
  std::uint64_t search_max = 0;  // most blocks that one heap operation looked at
  Pow2Histogram request_bytes;   // heap requests
  // Blocks looked at, per operation that searched.
  Pow2Histogram heap_search_steps, page_search_steps;
  // Simulated cycles per operation, the page allocator's work for page faults included (cost model i386-v1, 386DX-33).
  std::array<Pow2Histogram, kOpKinds> cycles;

  friend bool operator==(const DriverCounters&, const DriverCounters&) = default;
};

// What single heap operations cost, finer than the histograms above, and where the blocks lay: larger, so only kept where
// somebody asks.
struct OperationRecord {
  LogHistogram cycles_386, cycles_486;  // of every operation, as DriverCounters::cycles
  LogHistogram search_steps;            // of every operation, 0 where none searched
  PageCover blocks;

  friend bool operator==(const OperationRecord&, const OperationRecord&) = default;
};

class Driver;

// A driver and its instance at one moment.
//
// Thread safety: an image may be used by many threads at once.
class DriverImage {
 public:
  const InstanceImage& instance() const { return *instance_; }
  std::uint64_t operations() const { return operations_; }
  // As MemoryImage's.
  std::uint64_t HostBytes(absl::flat_hash_set<const void*>& counted) const;

 private:
  friend class Driver;

  std::shared_ptr<const InstanceImage> instance_;
  DriverCounters counters_;
  std::uint64_t operations_ = 0;
  LiveBlocks::Image live_;
  HandleTable::Image page_blocks_;
};

class Driver {
 public:
  explicit Driver(Instance& instance);

  // Room for the handles below these counts. INVALID_ARGUMENT above HandleTable::kHandlesMax.
  absl::Status ReserveHandles(std::uint32_t heap_handles, std::uint32_t page_handles);
  // Room for the handles that these operations use. INVALID_ARGUMENT naming the first operation whose kind or handle is out of
  // range; then nothing changed.
  absl::Status Admit(std::span<const Operation> operations);

  // What the program writes of the blocks that the heap gives it, by the number of the operation: one byte of each page on
  // which the part lies; the page faults are the operation's. A page for which no frame is left stays absent and is one of the
  // machine's refused faults, and the rest is not tried; the block stays the program's. None: it writes nothing.
  void TouchAs(std::span<const TouchFrom> touches);
  bool touches() const { return !touches_.empty(); }

  // From now on every heap operation is recorded there, too. Null: no more.
  void RecordIn(OperationRecord* record);

  // Applies in order. `results` is empty or has one element per operation. The operations were admitted, or use
  // handles that were reserved (HandleTable).
  void Apply(std::span<const Operation> operations, std::span<OpResult> results = {});

  // By address, for poking by hand; counted like the others.
  OpResult Malloc(std::uint32_t bytes);
  OpResult Calloc(std::uint32_t count, std::uint32_t bytes);
  OpResult Realloc(VirtAddr block, std::uint32_t bytes);
  OpResult Free(VirtAddr block);
  OpResult AllocatePages(std::uint32_t bytes);
  OpResult FreePages(PhysAddr first, std::uint32_t bytes);

  // Takes an image of everything, and goes back to one: operations that follow give what they gave then. The instance is
  // restored with the driver; one that was copied from the image's takes it likewise.
  std::shared_ptr<const DriverImage> Save();
  void Restore(const DriverImage& image);

  // The handle that names the live heap block at an address, if any does. Looks at all handles.
  std::optional<std::uint32_t> HandleAt(VirtAddr block) const { return live_.HandleAt(block.raw()); }

  // The live heap block that a handle names; 0: none.
  std::uint32_t LiveAddressOf(std::uint32_t handle) const { return live_.PeekLive(handle); }
  // What a heap's or a page handle points to, alive or dangling; 0: nothing.
  std::uint32_t AddressOf(std::uint32_t handle) const { return live_.PeekAddress(handle); }
  std::uint32_t PageAddressOf(std::uint32_t handle) const { return page_blocks_.Peek(handle).address; }

  Instance& instance() const { return instance_; }
  const DriverCounters& counters() const { return counters_; }
  std::uint64_t operations() const { return operations_; }
  // Host memory held for handles; the instance's is its own.
  std::uint64_t host_bytes() const;
  // What one operation may add to that: see host_need.h.
  std::uint64_t GrowthBytes() const { return live_.GrowthBytes(); }

 private:
  // One operation. A handle of kNoBlock stands for a block that has none: its caller knows the address.
  OpResult ApplyOne(const Operation& op);
  HeapResult ApplyHeap(const Operation& op);
  HeapResult DoMalloc(std::uint32_t handle, std::uint32_t bytes);
  HeapResult DoCalloc(std::uint32_t handle, std::uint32_t count, std::uint32_t bytes);
  HeapResult DoRealloc(std::uint32_t handle, std::uint32_t old_handle, std::uint32_t old_address, std::uint32_t bytes);
  HeapResult DoFree(std::uint32_t handle, std::uint32_t address);
  void TouchBlock(const Operation& op, const HeapResult& result);
  OpResult FreePagesOf(const Operation& op);
  OpResult DoFreePages(OpKind kind, PhysAddr first, std::uint32_t bytes);

  // The block that an allocation made, or failed to make, for the handle.
  void Own(std::uint32_t handle, const HeapResult& result, std::uint32_t bytes);
  void Disown(std::uint32_t handle, std::uint32_t address);

  // Everything counted about an operation that ended just now.
  OpResult RecordHeap(OpKind kind, HeapResult result, std::uint64_t requested);
  OpResult RecordPages(OpKind kind, const PageResult& result, std::uint64_t requested, const PageCosts& before);
  OpResult RecordUnsupported(OpKind kind);
  void RecordCosts(std::uint64_t cycles_386, std::uint64_t steps);
  // The operations are about to be applied: begins to load into the host's caches what the 8th and the 16th of them will need.
  void LookAhead(std::span<const Operation> operations);
  void RecordOutcome(OpKind kind, Outcome outcome, std::uint64_t requested);
  void RecordHeapSize();
  // Forgets what the costs were when the last operation ended: they are what they are now.
  void FollowHeap();

  Instance& instance_;
  HeapGuard* const guard_;  // null without a heap
  const HeapAllocator* const heap_;
  DriverCounters counters_;
  std::uint64_t operations_ = 0;
  LiveBlocks live_;
  HandleTable page_blocks_;
  // When the last operation ended: the steps of the heap's searches, and the cycles of both allocators.
  std::uint64_t heap_steps_ = 0, cycles_ = 0;
  VirtAddr brk_;
  OperationRecord* record_ = nullptr;
  std::vector<TouchFrom> touches_;
  std::uint64_t cycles_486_ = 0;  // as cycles_; kept while there are distributions
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_DRIVER_H_

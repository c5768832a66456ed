// What the tests of the heap share: a machine with a source of frames that can run dry at any moment, and random operations.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_HEAP_TESTING_H_
#define ALLOCLAB_ALLOCATORS_HEAP_HEAP_TESTING_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "allocators/heap/implicit/implicit_heap.h"
#include "allocators/machine/address_space.h"
#include "allocators/machine/physical_memory.h"

namespace alloclab {

inline void PrintTo(VirtAddr address, std::ostream* out) { *out << absl::StrFormat("%#010x", address.raw()); }
inline void PrintTo(Outcome outcome, std::ostream* out) { *out << OutcomeName(outcome); }

// Frames from the top of RAM downwards, as long as the budget lasts. Remembers what it was asked for.
class BudgetedFrames : public FrameSource {
 public:
  explicit BudgetedFrames(std::uint32_t frames) : next_(frames), budget_(frames) {}

  std::optional<PageFrame> TakeFrame() override {
    if (budget_ == 0) return std::nullopt;
    --budget_;
    ++taken_;
    return PageFrame{--next_};
  }
  bool CanTakeFrames(std::uint32_t count) const override {
    asked_ = count;
    return count <= budget_;
  }

  std::unique_ptr<const AllocatorState> Save() const override { return SaveState(State{next_, budget_, taken_}); }
  void Restore(const AllocatorState& saved) override {
    State state{};
    RestoreState(saved, state);
    next_ = state.next, budget_ = state.budget, taken_ = state.taken;
  }

  std::uint32_t budget() const { return budget_; }
  void set_budget(std::uint32_t frames) { budget_ = frames; }
  std::uint32_t taken() const { return taken_; }
  std::uint32_t asked() const { return asked_; }  // by the last CanTakeFrames
  void ForgetAsked() { asked_ = 0; }

 private:
  struct State {
    std::uint32_t next, budget, taken;
  };
  std::uint32_t next_, budget_;
  std::uint32_t taken_ = 0;
  mutable std::uint32_t asked_ = 0;
};

// A heap as a test uses it: the guard's calls, and what the allocator shows.
class TestedHeap {
 public:
  explicit TestedHeap(std::unique_ptr<HeapGuard> guard) : guard_(std::move(guard)) {}

  HeapResult Malloc(std::uint32_t bytes) { return guard_->Malloc(bytes); }
  HeapResult Calloc(std::uint32_t count, std::uint32_t bytes) { return guard_->Calloc(count, bytes); }
  HeapResult Realloc(VirtAddr block, std::uint32_t bytes) { return guard_->Realloc(block, bytes); }
  HeapResult Free(VirtAddr block) { return guard_->Free(block); }

  const HeapAllocator& allocator() const { return guard_->allocator(); }
  HeapGuard& guard() { return *guard_; }
  HeapShape Shape() const { return allocator().Shape(); }
  const HeapCosts& costs() const { return allocator().costs(); }
  std::vector<Count> Counts() const { return allocator().Counts(); }
  std::uint64_t Counter(std::string_view name, std::string_view label = {}) const { return CountOf(Counts(), name, label); }
  std::vector<Violation> CheckInvariants() const { return allocator().CheckInvariants(); }
  VirtAddr brk() const { return allocator().brk(); }
  std::uint64_t host_bytes() const { return guard_->host_bytes(); }

 private:
  const std::unique_ptr<HeapGuard> guard_;
};

// A machine with nothing on it but a heap.
class HeapMachine {
 public:
  using Make = std::function<absl::StatusOr<std::unique_ptr<HeapGuard>>(AddressSpace&)>;

  explicit HeapMachine(const Make& make, std::uint64_t ram_bytes = kRamBytes)
      : memory_(ram_bytes),
        frames_(memory_.frame_count()),
        space_(*AddressSpace::Create(memory_, frames_)),
        heap_(*make(*space_)) {
    heap_.guard().ResetCosts();
  }
  explicit HeapMachine(const ImplicitHeapOptions& options, std::uint64_t ram_bytes = kRamBytes)
      : HeapMachine([&](AddressSpace& space) { return MakeImplicitHeap(space, options); }, ram_bytes) {}

  TestedHeap& heap() { return heap_; }
  AddressSpace& space() { return *space_; }
  BudgetedFrames& frames() { return frames_; }

  std::uint32_t Word(VirtAddr address) const { return space_->Peek(address).value_or(0xDEADDEAD); }

  // Every word from the start to the epilogue, absent pages marked, so that two heaps can be compared as a whole.
  std::vector<std::uint32_t> Words() const {
    std::vector<std::uint32_t> words;
    const VirtAddr start = heap_.allocator().start(), end = heap_.brk() + kWordBytes;
    for (VirtAddr at = start; at < end; at = at + kWordBytes) words.push_back(Word(at));
    return words;
  }
  // The words of the digest, and the epilogue.
  std::vector<std::uint32_t> Headers() const {
    std::vector<std::uint32_t> headers;
    heap_.allocator().VisitMetadata([&](std::uint32_t word) { headers.push_back(word); });
    headers.push_back(static_cast<std::uint32_t>(heap_.allocator().FigureValues().front()));
    return headers;
  }
  // "[A8][.4088]": the blocks behind the prologue, live or free.
  std::string Draw() const {
    std::string drawing;
    heap_.allocator().VisitBlocks({}, [&](const Block& block) {
      if (block.kind != BlockKind::kMetadata) {
        absl::StrAppendFormat(&drawing, "[%c%d]", block.kind == BlockKind::kLive ? 'A' : '.', block.bytes);
      }
      return true;
    });
    return drawing;
  }

 private:
  static constexpr std::uint64_t kRamBytes = 64 << 20;

  PhysicalMemory memory_;
  BudgetedFrames frames_;
  std::unique_ptr<AddressSpace> space_;
  TestedHeap heap_;
};

inline ImplicitHeapOptions Guarded(Engine engine) { return {.engine = engine}; }
inline ImplicitHeapOptions Unguarded(bool assertions = true) {
  return {.engine = Engine::kLiteral, .guarded = false, .assertions = assertions};
}

// One operation of a test, printable as the call that it is.
struct HeapCall {
  enum Kind { kMalloc, kCalloc, kRealloc, kFree } kind = kMalloc;
  VirtAddr block;
  std::uint32_t bytes = 0, count = 1;

  HeapResult On(TestedHeap& heap) const {
    switch (kind) {
      case kMalloc:
        return heap.Malloc(bytes);
      case kCalloc:
        return heap.Calloc(count, bytes);
      case kRealloc:
        return heap.Realloc(block, bytes);
      case kFree:
        break;
    }
    return heap.Free(block);
  }
  friend std::ostream& operator<<(std::ostream& out, const HeapCall& call) {
    switch (call.kind) {
      case kMalloc:
        return out << absl::StrFormat("heap.Malloc(%u);", call.bytes);
      case kCalloc:
        return out << absl::StrFormat("heap.Calloc(%u, %u);", call.count, call.bytes);
      case kRealloc:
        return out << absl::StrFormat("heap.Realloc(VirtAddr(%#x), %u);", call.block.raw(), call.bytes);
      case kFree:
        break;
    }
    return out << absl::StrFormat("heap.Free(VirtAddr(%#x));", call.block.raw());
  }
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_HEAP_TESTING_H_

// What the tests of the heap share: a machine with a source of frames that can run dry at any moment, and random operations.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_HEAP_TESTING_H_
#define ALLOCLAB_ALLOCATORS_HEAP_HEAP_TESTING_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "allocators/heap/implicit_heap.h"
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

  std::uint32_t budget() const { return budget_; }
  void set_budget(std::uint32_t frames) { budget_ = frames; }
  std::uint32_t taken() const { return taken_; }
  std::uint32_t asked() const { return asked_; }  // by the last CanTakeFrames
  void ForgetAsked() { asked_ = 0; }

 private:
  std::uint32_t next_, budget_;
  std::uint32_t taken_ = 0;
  mutable std::uint32_t asked_ = 0;
};

// A machine with nothing on it but a heap.
class HeapMachine {
 public:
  explicit HeapMachine(const ImplicitHeapOptions& options, std::uint64_t ram_bytes = 64 << 20)
      : memory_(ram_bytes),
        frames_(memory_.frame_count()),
        space_(*AddressSpace::Create(memory_, frames_)),
        heap_(*MakeImplicitHeap(*space_, options)) {}

  HeapAllocator& heap() { return *heap_; }
  AddressSpace& space() { return *space_; }
  BudgetedFrames& frames() { return frames_; }

  std::uint32_t Word(VirtAddr address) const { return space_->Peek(address).value_or(0xDEADDEAD); }

  // Every word from the start to the epilogue, absent pages marked, so that two heaps can be compared as a whole.
  std::vector<std::uint32_t> Words() const {
    std::vector<std::uint32_t> words;
    const VirtAddr start = heap_->Shape().start, end = heap_->brk() + kWordBytes;
    for (VirtAddr at = start; at < end; at = at + kWordBytes) words.push_back(Word(at));
    return words;
  }
  std::vector<std::uint32_t> Headers() const {
    std::vector<std::uint32_t> headers;
    heap_->VisitChunks(VirtAddr{}, [&](const Chunk& chunk) {
      headers.push_back(chunk.header_word);
      return true;
    });
    headers.push_back(heap_->Epilogue().value_or(0xDEADDEAD));
    return headers;
  }
  // "[A8][.4088]": the chunks behind the prologue, allocated or free.
  std::string Draw() const {
    std::string drawing;
    heap_->VisitChunks(heap_->Shape().start + kWordBytes, [&](const Chunk& chunk) {
      absl::StrAppendFormat(&drawing, "[%c%d]", chunk.allocated ? 'A' : '.', chunk.bytes);
      return true;
    });
    return drawing;
  }

 private:
  PhysicalMemory memory_;
  BudgetedFrames frames_;
  std::unique_ptr<AddressSpace> space_;
  std::unique_ptr<HeapAllocator> heap_;
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

  HeapResult On(HeapAllocator& heap) const {
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

#include "allocators/trial/heap_trial.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"

namespace alloclab {
namespace {

// Frames from the end of RAM downwards, each with the same contents.
class FreshFrames final : public FrameSource {
 public:
  FreshFrames(PhysicalMemory& memory, std::uint8_t fresh_byte)
      : memory_(memory), fresh_byte_(fresh_byte), left_(memory.frame_count()) {}

  std::optional<PageFrame> TakeFrame() override {
    if (left_ == 0) return std::nullopt;
    const PageFrame frame{--left_};
    if (fresh_byte_ != 0) ALLOCLAB_CHECK(memory_.FillFrames(frame, 1, fresh_byte_));
    return frame;
  }
  bool CanTakeFrames(std::uint32_t count) const override { return count <= left_; }
  std::unique_ptr<const AllocatorState> Save() const override { return SaveState(left_); }
  void Restore(const AllocatorState& saved) override { RestoreState(saved, left_); }

 private:
  PhysicalMemory& memory_;
  const std::uint8_t fresh_byte_;
  std::uint32_t left_;
};

// The contents of blocks: pieces of one sequence of bytes without a short period.
constexpr std::uint32_t kPatternBytes = 1 << 16;
const std::array<std::uint8_t, kPatternBytes>& Pattern() {
  static const auto bytes = [] {
    std::array<std::uint8_t, kPatternBytes> made{};
    std::uint32_t state = 1;
    for (std::uint8_t& byte : made) {  // Numerical Recipes' generator
      state = state * 1664525 + 1013904223;
      byte = static_cast<std::uint8_t>(state >> 24);
    }
    return made;
  }();
  return bytes;
}
// Where the contents of a block begin in it, and how far they go on from an offset until its end.
std::span<const std::uint8_t> Piece(std::uint32_t pattern, std::uint32_t offset, std::uint32_t bytes) {
  const std::uint32_t at = (pattern * 40'503 + offset) % kPatternBytes;
  return std::span(Pattern()).subspan(at, std::min(bytes, kPatternBytes - at));
}

// RAM for all that a program may have: its segments, stack, heap, and their page tables.
std::uint64_t RamBytes(const ElfProgram& program, const GuestHeapOptions& options) {
  constexpr std::uint64_t kSpare = 1 << 20;
  std::uint64_t bytes = kSpare + options.stack_bytes + std::max(options.limit_bytes, options.pool_bytes);
  for (const ElfProgram::Segment& segment : program.segments()) bytes += segment.memory_bytes + 2 * kPageBytes;
  bytes += bytes / kPageWords;
  return bytes & ~std::uint64_t{kPageBytes - 1};
}

}  // namespace

struct HeapTrial::Machine {
  Machine(std::uint64_t ram_bytes, std::uint8_t fresh_byte) : memory(ram_bytes), frames(memory, fresh_byte) {}
  PhysicalMemory memory;
  FreshFrames frames;
  std::unique_ptr<AddressSpace> space;
  std::unique_ptr<GuestHeap> heap;
};

HeapTrial::HeapTrial(std::unique_ptr<Machine> machine, const TrialOptions& options)
    : Trial(options), machine_(std::move(machine)), heap_(*machine_->heap) {}
HeapTrial::~HeapTrial() = default;

absl::StatusOr<std::unique_ptr<Trial>> HeapTrial::Create(std::shared_ptr<const ElfProgram> program,
                                                         const TrialOptions& options) {
  auto machine = std::make_unique<Machine>(RamBytes(*program, options.heap), options.fresh_byte);
  absl::StatusOr<std::unique_ptr<AddressSpace>> space = AddressSpace::Create(machine->memory, machine->frames);
  if (!space.ok()) return space.status();
  machine->space = *std::move(space);
  GuestHeapOptions heap_options = options.heap;
  heap_options.interface = options.interface;
  absl::StatusOr<std::unique_ptr<GuestHeap>> heap = GuestHeap::Create(*machine->space, program, heap_options);
  if (!heap.ok()) return heap.status();
  machine->heap = *std::move(heap);
  machine->heap->ResetCosts();
  std::unique_ptr<HeapTrial> trial(new HeapTrial(std::move(machine), options));
  if (absl::Status status = trial->FindCheck(*program); !status.ok()) return status;
  return trial;
}

AddressSpace& HeapTrial::space() const { return *machine_->space; }

absl::Status HeapTrial::CheckFits(const Trace& trace) const {
  if (trace.page_handles == 0) return absl::OkStatus();
  return absl::InvalidArgumentError("the workload has operations on pages; expected one of a heap alone");
}

TrialCosts HeapTrial::Counted() const {
  return {0, heap_.instructions(), heap_.costs().words_loaded, heap_.costs().words_stored};
}

HeapTrial::Live& HeapTrial::At(std::uint32_t handle) {
  if (handle >= live_.size()) live_.resize(handle + 1);
  return live_[handle];
}

bool HeapTrial::Do(const Operation& op) {
  if (op.kind == OpKind::kFree) return Release(op);
  if (op.kind == OpKind::kRealloc) return Resize(op);
  const std::uint64_t bytes = RequestedBytes(op);
  const HeapResult result =
      bytes > heap_.declaration().request_max ? HeapResult{Outcome::kSizeOverflow, {}} : Call(op, nullptr);
  return Allocated(op, result, static_cast<std::uint32_t>(bytes), nullptr);
}

HeapResult HeapTrial::Call(const Operation& op, const Live* old) {
  return Charged(op.kind, [&] {
    switch (op.kind) {
      case OpKind::kMalloc:
        return heap_.Malloc(op.size);
      case OpKind::kCalloc:
        return heap_.Calloc(op.extra, op.size);
      case OpKind::kRealloc:
        return heap_.Realloc(VirtAddr(old != nullptr ? old->block.address : 0), op.size);
      default:
        return heap_.Free(VirtAddr(old->block.address));
    }
  });
}

bool HeapTrial::Release(const Operation& op) {
  if (op.block == kNoBlock) return true;
  Live& live = At(op.block);
  if (live.block.address == 0) return true;
  if (const auto offset = FirstDifference(live, live.block.address, live.block.bytes)) return FailChanged(live, *offset);
  const HeapResult result = Call({.kind = OpKind::kFree, .block = op.block}, &live);
  if (result.outcome != Outcome::kOk) return FailDead(&live.block);
  NoteFreed(live.block.bytes);
  live = {};
  return true;
}

bool HeapTrial::Resize(const Operation& op) {
  Live* const old = op.extra != kNoBlock && At(op.extra).block.address != 0 ? &At(op.extra) : nullptr;
  if (op.size == 0) return old == nullptr || Release({.kind = OpKind::kFree, .block = op.extra});
  if (old != nullptr) {
    if (const auto offset = FirstDifference(*old, old->block.address, old->block.bytes)) return FailChanged(*old, *offset);
  }
  const HeapResult result = op.size > heap_.declaration().request_max ? HeapResult{Outcome::kSizeOverflow, {}} : Call(op, old);
  return Allocated(op, result, op.size, old);
}

bool HeapTrial::Allocated(const Operation& op, const HeapResult& result, std::uint32_t bytes, Live* old) {
  if (heap_.death()) return FailDead(old != nullptr ? &old->block : nullptr);
  if (result.outcome == Outcome::kZeroSize) {
    At(op.block) = {};
    return true;
  }
  if (result.outcome != Outcome::kOk) {
    return Fail(absl::StrFormat("%s of %d bytes was refused", OpKindName(op.kind), bytes), old, nullptr);
  }
  const Live made{{result.address.raw(), bytes, result_.operations}, static_cast<std::uint32_t>(result_.operations)};
  if (op.kind == OpKind::kRealloc && old != nullptr) {
    const std::uint32_t kept = std::min(bytes, old->block.bytes);
    if (const auto offset = FirstDifference(*old, made.block.address, kept)) {
      return Fail(absl::StrFormat("realloc lost the contents: byte %d of %d is another one", *offset, kept), old, &made);
    }
    NoteFreed(old->block.bytes);
    *old = {};
  }
  if (op.kind == OpKind::kCalloc) {
    std::vector<std::uint8_t> contents(bytes);
    const bool there = space().Read(result.address, contents);
    const auto wrong = std::find_if(contents.begin(), contents.end(), [](std::uint8_t byte) { return byte != 0; });
    if (!there || wrong != contents.end()) {
      return Fail(absl::StrFormat("calloc gave a block whose byte %d is not 0", wrong - contents.begin()), &made, nullptr);
    }
  }
  Note(made);
  if (!Fill(made)) {
    return Fail(
        absl::StrFormat("the block's memory is not there: a write at %#010x faults", space().last_fault()->address.raw()),
        &made, nullptr);
  }
  At(op.block) = made;
  return true;
}

void HeapTrial::Note(const Live& live) {
  NoteLive(live.block.bytes);
  const std::uint32_t start = heap_.start().raw(), brk = heap_.brk().raw(), address = live.block.address;
  if (address >= start && address < brk && !heap_.has_pool()) return;
  elsewhere_low_ = std::min(elsewhere_low_, address);
  elsewhere_high_ = std::max(elsewhere_high_, address + live.block.bytes);
}

bool HeapTrial::CheckLive() {
  if (violation()) return false;
  for (const Live& live : live_) {
    if (live.block.address == 0) continue;
    if (const auto offset = FirstDifference(live, live.block.address, live.block.bytes)) return FailChanged(live, *offset);
  }
  return true;
}

bool HeapTrial::Fill(const Live& live) {
  for (std::uint32_t done = 0; done < live.block.bytes;) {
    const auto piece = Piece(live.pattern, done, live.block.bytes - done);
    if (!space().Write(VirtAddr(live.block.address + done), piece)) return false;
    done += static_cast<std::uint32_t>(piece.size());
  }
  return true;
}

std::optional<std::uint32_t> HeapTrial::FirstDifference(const Live& live, std::uint32_t at, std::uint32_t bytes) {
  std::vector<std::uint8_t> found;
  for (std::uint32_t done = 0; done < bytes;) {
    const auto piece = Piece(live.pattern, done, bytes - done);
    found.resize(piece.size());
    if (!space().Read(VirtAddr(at + done), found)) return done;
    const auto [wrong, wanted] = std::mismatch(found.begin(), found.end(), piece.begin());
    if (wrong != found.end()) return done + static_cast<std::uint32_t>(wrong - found.begin());
    done += static_cast<std::uint32_t>(piece.size());
  }
  return std::nullopt;
}

bool HeapTrial::Fail(std::string what, const Live* block, const Live* other) {
  return Trial::Fail(std::move(what), 0, block != nullptr ? &block->block : nullptr,
                     other != nullptr ? &other->block : nullptr);
}

bool HeapTrial::FailChanged(const Live& live, std::uint32_t offset) {
  Fail(absl::StrFormat("byte %d of a live block has changed", offset), &live, nullptr);
  result_.violation->changed = live.block.address + offset;
  return false;
}

std::uint64_t HeapTrial::peak_bytes() const {
  const std::uint64_t passed = heap_.has_pool() ? 0 : heap_.program_break().peak() - heap_.start();
  return passed + (elsewhere_high_ > elsewhere_low_ ? elsewhere_high_ - elsewhere_low_ : 0);
}

}  // namespace alloclab

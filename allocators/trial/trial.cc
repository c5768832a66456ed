#include "allocators/trial/trial.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/common/cost_model.h"
#include "allocators/guest/program_text.h"

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

std::uint64_t TrialCosts::Cycles() const {
  constexpr std::uint64_t kRegisterClocks = 2;
  const std::uint64_t accesses = loads + stores;
  return loads * k386dx33.load_clocks + stores * k386dx33.store_clocks +
         (instructions > accesses ? (instructions - accesses) * kRegisterClocks : 0);
}

void TrialCosts::Add(const TrialCosts& costs) {
  operations += costs.operations;
  instructions += costs.instructions;
  loads += costs.loads;
  stores += costs.stores;
}

TrialCosts TrialResult::total() const {
  TrialCosts sum;
  for (const TrialCosts& kind : costs) sum.Add(kind);
  return sum;
}

struct Trial::Machine {
  Machine(std::uint64_t ram_bytes, std::uint8_t fresh_byte) : memory(ram_bytes), frames(memory, fresh_byte) {}
  PhysicalMemory memory;
  FreshFrames frames;
  std::unique_ptr<AddressSpace> space;
  std::unique_ptr<GuestHeap> heap;
};

absl::StatusOr<std::unique_ptr<Trial>> Trial::Create(std::shared_ptr<const ElfProgram> program, const TrialOptions& options) {
  if (options.check_every == 0) return absl::InvalidArgumentError("check_every: 0; expected at least 1 operation");
  std::uint32_t check = 0;
  if (!options.check.empty()) {
    const ElfProgram::Symbol* const symbol = program->Find(options.check);
    if (symbol == nullptr) {
      return absl::InvalidArgumentError(absl::StrFormat("check: the program has no function '%s'", options.check));
    }
    check = symbol->address;
  }
  auto machine = std::make_unique<Machine>(RamBytes(*program, options.heap), options.fresh_byte);
  absl::StatusOr<std::unique_ptr<AddressSpace>> space = AddressSpace::Create(machine->memory, machine->frames);
  if (!space.ok()) return space.status();
  machine->space = *std::move(space);
  absl::StatusOr<std::unique_ptr<GuestHeap>> heap = GuestHeap::Create(*machine->space, std::move(program), options.heap);
  if (!heap.ok()) return heap.status();
  machine->heap = *std::move(heap);
  machine->heap->ResetCosts();
  GuestHeap* const made = machine->heap.get();
  std::unique_ptr<Trial> trial(new Trial(std::move(machine), made, options));
  trial->check_ = check;
  return trial;
}

Trial::Trial(std::unique_ptr<Machine> machine, GuestHeap* heap, const TrialOptions& options)
    : machine_(std::move(machine)), heap_(heap), options_(options) {}
Trial::~Trial() = default;

AddressSpace& Trial::space() { return *machine_->space; }

Trial::Live& Trial::At(std::uint32_t handle) {
  if (handle >= live_.size()) live_.resize(handle + 1);
  return live_[handle];
}

bool Trial::Apply(const Operation& op, const std::function<void()>& returned) {
  if (result_.violation) return false;
  returned_ = &returned;
  bool well = false;
  if (op.kind == OpKind::kFree) {
    well = Release(op);
  } else if (op.kind == OpKind::kRealloc) {
    well = Resize(op);
  } else {
    const std::uint64_t bytes = op.kind == OpKind::kCalloc ? std::uint64_t{op.extra} * op.size : op.size;
    const HeapResult result =
        bytes > heap_->declaration().request_max ? HeapResult{Outcome::kSizeOverflow, {}} : Call(op, nullptr);
    well = Allocated(op, result, static_cast<std::uint32_t>(bytes), nullptr);
  }
  if (well) well = CheckHeap();
  if (well) ++result_.operations;
  return well;
}

HeapResult Trial::Call(const Operation& op, Live* old) {
  const HeapCosts before = heap_->costs();
  const std::uint64_t instructions = heap_->own_counters().front();
  HeapResult result;
  switch (op.kind) {
    case OpKind::kMalloc:
      result = heap_->Malloc(op.size);
      break;
    case OpKind::kCalloc:
      result = heap_->Calloc(op.extra, op.size);
      break;
    case OpKind::kRealloc:
      result = heap_->Realloc(VirtAddr(old != nullptr ? old->block.address : 0), op.size);
      break;
    default:
      result = heap_->Free(VirtAddr(old->block.address));
  }
  if (*returned_) (*returned_)();
  const TrialCosts costs{1, heap_->own_counters().front() - instructions, heap_->costs().words_loaded - before.words_loaded,
                         heap_->costs().words_stored - before.words_stored};
  result_.costs[static_cast<std::size_t>(op.kind)].Add(costs);
  if (costs.instructions > result_.costliest_instructions) {
    result_.costliest_operation = result_.operations;
    result_.costliest_instructions = costs.instructions;
  }
  return result;
}

bool Trial::Release(const Operation& op) {
  if (op.block == kNoBlock) return true;
  Live& live = At(op.block);
  if (live.block.address == 0) return true;
  if (const auto offset = FirstDifference(live, live.block.address, live.block.bytes)) return FailChanged(live, *offset);
  const HeapResult result = Call({.kind = OpKind::kFree, .block = op.block}, &live);
  if (result.outcome != Outcome::kOk) return FailDead(&live);
  live_bytes_ -= live.block.bytes;
  live = {};
  return true;
}

bool Trial::Resize(const Operation& op) {
  Live* const old = op.extra != kNoBlock && At(op.extra).block.address != 0 ? &At(op.extra) : nullptr;
  if (op.size == 0) return old == nullptr || Release({.kind = OpKind::kFree, .block = op.extra});
  if (old != nullptr) {
    if (const auto offset = FirstDifference(*old, old->block.address, old->block.bytes)) return FailChanged(*old, *offset);
  }
  const HeapResult result = op.size > heap_->declaration().request_max ? HeapResult{Outcome::kSizeOverflow, {}} : Call(op, old);
  return Allocated(op, result, op.size, old);
}

bool Trial::Allocated(const Operation& op, const HeapResult& result, std::uint32_t bytes, Live* old) {
  if (heap_->death()) return FailDead(old);
  if (result.outcome == Outcome::kZeroSize) {
    At(op.block) = {};
    return true;
  }
  if (result.outcome != Outcome::kOk) {
    return Fail(absl::StrFormat("%s of %d bytes was refused", OpKindName(op.kind), bytes), 0, old, nullptr);
  }
  const Live made{{result.address.raw(), bytes, result_.operations}, static_cast<std::uint32_t>(result_.operations)};
  if (op.kind == OpKind::kRealloc && old != nullptr) {
    const std::uint32_t kept = std::min(bytes, old->block.bytes);
    if (const auto offset = FirstDifference(*old, made.block.address, kept)) {
      return Fail(absl::StrFormat("realloc lost the contents: byte %d of %d is another one", *offset, kept), 0, old, &made);
    }
    live_bytes_ -= old->block.bytes;
    *old = {};
  }
  if (op.kind == OpKind::kCalloc) {
    std::vector<std::uint8_t> contents(bytes);
    const bool there = space().Read(result.address, contents);
    const auto wrong = std::find_if(contents.begin(), contents.end(), [](std::uint8_t byte) { return byte != 0; });
    if (!there || wrong != contents.end()) {
      return Fail(absl::StrFormat("calloc gave a block whose byte %d is not 0", wrong - contents.begin()), 0, &made, nullptr);
    }
  }
  Note(made);
  if (!Fill(made)) {
    return Fail(
        absl::StrFormat("the block's memory is not there: a write at %#010x faults", space().last_fault()->address.raw()), 0,
        &made, nullptr);
  }
  At(op.block) = made;
  return true;
}

void Trial::Note(const Live& live) {
  live_bytes_ += live.block.bytes;
  result_.live_peak_bytes = std::max(result_.live_peak_bytes, live_bytes_);
  const std::uint32_t start = heap_->start().raw(), brk = heap_->brk().raw(), address = live.block.address;
  if (address >= start && address < brk && !heap_->has_pool()) return;
  elsewhere_low_ = std::min(elsewhere_low_, address);
  elsewhere_high_ = std::max(elsewhere_high_, address + live.block.bytes);
}

bool Trial::CheckHeap() {
  if (check_ == 0 || (result_.operations + 1) % options_.check_every != 0) return true;
  const std::uint64_t printed = heap_->printed_bytes();
  const std::size_t kept = heap_->printed().size();
  if (!heap_->CallFunction(check_, 0)) return FailDead(nullptr);
  if (heap_->printed_bytes() == printed) return true;
  const std::string text(heap_->printed().substr(kept));
  return Fail(absl::StrFormat("%s says: %s", options_.check, ProgramText(text.substr(0, text.find('\n')))), 0, nullptr,
              nullptr);
}

bool Trial::CheckLive() {
  if (result_.violation) return false;
  for (const Live& live : live_) {
    if (live.block.address == 0) continue;
    if (const auto offset = FirstDifference(live, live.block.address, live.block.bytes)) return FailChanged(live, *offset);
  }
  return true;
}

bool Trial::Fill(const Live& live) {
  for (std::uint32_t done = 0; done < live.block.bytes;) {
    const auto piece = Piece(live.pattern, done, live.block.bytes - done);
    if (!space().Write(VirtAddr(live.block.address + done), piece)) return false;
    done += static_cast<std::uint32_t>(piece.size());
  }
  return true;
}

std::optional<std::uint32_t> Trial::FirstDifference(const Live& live, std::uint32_t at, std::uint32_t bytes) {
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

bool Trial::Fail(std::string what, std::uint32_t eip, const Live* block, const Live* other) {
  result_.violation = TrialViolation{
      .operation = result_.operations, .what = std::move(what), .eip = eip, .changed = {}, .block = {}, .other = {}};
  if (block != nullptr) result_.violation->block = block->block;
  if (other != nullptr) result_.violation->other = other->block;
  return false;
}

bool Trial::FailDead(const Live* block) { return Fail(heap_->death()->what, heap_->death()->eip, block, nullptr); }

bool Trial::FailChanged(const Live& live, std::uint32_t offset) {
  Fail(absl::StrFormat("byte %d of a live block has changed", offset), 0, &live, nullptr);
  result_.violation->changed = live.block.address + offset;
  return false;
}

TrialResult Trial::Result() const {
  TrialResult result = result_;
  result.heap_peak_bytes = heap_->has_pool() ? 0 : heap_->program_break().peak() - heap_->start();
  if (elsewhere_high_ > elsewhere_low_) result.heap_peak_bytes += elsewhere_high_ - elsewhere_low_;
  result.page_faults = machine_->space->costs().demand_faults;
  result.printed = heap_->printed();
  result.printed_bytes = heap_->printed_bytes();
  return result;
}

}  // namespace alloclab

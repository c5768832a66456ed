#include "allocators/trial/pages_trial.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"

namespace alloclab {
namespace {

// RAM for the program, its arena, and the page tables of both, which lie at its end if they must.
std::uint64_t RamOf(const ElfProgram& program, std::uint64_t arena_bytes) {
  constexpr std::uint64_t kSpare = 1 << 20;
  const std::uint64_t seen = program.end() + arena_bytes;
  return (seen + seen / kPageWords + kSpare) & ~std::uint64_t{kPageBytes - 1};
}

}  // namespace

struct PagesTrial::Machine {
  explicit Machine(std::uint64_t ram_bytes) : memory(ram_bytes) {}
  PhysicalMemory memory;
  GuestPages* pages = nullptr;
  std::unique_ptr<PageGuard> guard;
};

PagesTrial::PagesTrial(std::unique_ptr<Machine> machine, const TrialOptions& options)
    : Trial(options), machine_(std::move(machine)), pages_(*machine_->pages), guard_(*machine_->guard) {}
PagesTrial::~PagesTrial() = default;

absl::StatusOr<std::unique_ptr<Trial>> PagesTrial::Create(std::shared_ptr<const ElfProgram> program,
                                                          const TrialOptions& options) {
  GuestPagesOptions pages = options.pages;
  if (pages.arena_pages == 0) pages.arena_pages = GuestPages::kArenaPagesUnasked;
  auto machine = std::make_unique<Machine>(RamOf(*program, std::uint64_t{pages.arena_pages} << kPageShift));
  if (options.fresh_byte != 0) {
    const auto first = static_cast<std::uint32_t>((program->end() + kPageBytes - 1) >> kPageShift);
    ALLOCLAB_CHECK(machine->memory.FillFrames(PageFrame{first}, machine->memory.frame_count() - first, options.fresh_byte));
  }
  absl::StatusOr<std::unique_ptr<GuestPages>> made = GuestPages::Create(machine->memory, program, pages);
  if (!made.ok()) return made.status();
  const std::string& wanted = options.interface;
  if (!wanted.empty() && wanted != (*made)->interface()) {
    return absl::InvalidArgumentError(absl::StrFormat("interface: '%s' is none that the lab knows of this program; expected %s",
                                                      wanted, (*made)->interface()));
  }
  machine->pages = made->get();
  machine->guard = std::make_unique<PageGuard>(*std::move(made), PageGuard::Mode::kGuarded);
  machine->guard->ResetCosts();
  std::unique_ptr<PagesTrial> trial(new PagesTrial(std::move(machine), options));
  if (absl::Status status = trial->FindCheck(*program); !status.ok()) return status;
  return trial;
}

absl::Status PagesTrial::CheckFits(const Trace& trace) const {
  if (trace.heap_handles != 0) {
    return absl::InvalidArgumentError("the workload has operations on a heap; expected one of pages alone");
  }
  for (std::size_t i = 0; i < trace.operations.size(); ++i) {
    const Operation& op = trace.operations[i];
    if (op.kind == OpKind::kAllocatePages && op.size > kPageBytes && !pages_.gives_runs()) {
      return absl::InvalidArgumentError(
          absl::StrFormat("operation %d asks for %d bytes; interface %s gives single pages", i, op.size, interface()));
    }
    if (op.kind == OpKind::kFreePagesPart && !pages_.declaration().frees_parts) {
      return absl::InvalidArgumentError(
          absl::StrFormat("operation %d frees a part of a block; interface %s frees whole ones", i, interface()));
    }
  }
  return absl::OkStatus();
}

TrialCosts PagesTrial::Counted() const {
  return {0, pages_.instructions(), pages_.costs().words_loaded, pages_.costs().words_stored};
}

bool PagesTrial::Do(const Operation& op) {
  if (op.block >= live_.size()) live_.resize(op.block + 1);
  return op.kind == OpKind::kAllocatePages ? Allocate(op) : Free(op);
}

bool PagesTrial::Allocate(const Operation& op) {
  TrialBlock& block = live_[op.block];
  block = {};
  if (RefusedLength(op.size)) return true;
  const PageResult result = Charged(op.kind, [&] { return guard_.Allocate(op.size); });
  if (death()) return FailDead(nullptr);
  if (result.outcome != Outcome::kOk) {
    return Fail(absl::StrFormat("%s of %d bytes was refused, with %d of %d bytes not in use", OpKindName(op.kind), op.size,
                                pages_.Shape().free_bytes, pages_.arena().bytes),
                0, nullptr, nullptr);
  }
  block = {result.address.raw(), op.size, result_.operations};
  NoteLive(op.size);
  low_ = std::min<std::uint64_t>(low_, block.address);
  high_ = std::max(high_, block.address + pages_.BytesGiven(op.size));
  return true;
}

bool PagesTrial::Free(const Operation& op) {
  TrialBlock& block = live_[op.block];
  if (block.address == 0) return true;
  const bool whole = op.kind == OpKind::kFreePages;
  const std::uint32_t from = whole ? 0 : op.extra, bytes = whole ? block.bytes : op.size;
  const PageResult result = Charged(op.kind, [&] { return guard_.Free(PhysAddr(block.address) + from, bytes); });
  if (death()) return FailDead(&block);
  if (result.outcome != Outcome::kOk) return true;  // the guard's word: the program was not asked
  NoteFreed(bytes);
  if (whole || bytes >= block.bytes) {
    block = {};
  } else if (from == 0) {
    block.address += bytes;
    block.bytes -= bytes;
  } else if (from == block.bytes - bytes) {
    block.bytes = from;
  }
  return true;
}

}  // namespace alloclab

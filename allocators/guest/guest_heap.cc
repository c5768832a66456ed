#include "allocators/guest/guest_heap.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "allocators/heap/heap_guard.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kTableShift = 22;

constexpr char kWalker[] = "lab_walk";

constexpr Declaration DeclarationOf(bool walks) {
  return {
      .counters = kGuestCounters,
      .alignment = 8,
      .request_max = 0x7FFF'FFFF,  // most programs take sizes for signed numbers, or add to them
      .shows_blocks = walks,
  };
}
constexpr Declaration kDeclaration = DeclarationOf(false), kWalkedDeclaration = DeclarationOf(true);

std::uint32_t PagesUp(std::uint64_t bytes) { return static_cast<std::uint32_t>((bytes + kPageBytes - 1) >> kPageShift); }

absl::Status CheckOptions(const GuestHeapOptions& options) {
  if (options.limit_bytes == 0 || options.limit_bytes > GuestHeapOptions::kLimitBytesMax) {
    return absl::InvalidArgumentError(absl::StrFormat("heap.limit_bytes: %d; expected from 1 to %d bytes", options.limit_bytes,
                                                      GuestHeapOptions::kLimitBytesMax));
  }
  if (options.stack_bytes < kPageBytes || options.stack_bytes > GuestHeapOptions::kStackBytesMax) {
    return absl::InvalidArgumentError(absl::StrFormat("heap.stack_bytes: %d; expected from %d to %d bytes", options.stack_bytes,
                                                      kPageBytes, GuestHeapOptions::kStackBytesMax));
  }
  if (options.steps_max == 0 || options.steps_max > GuestHeapOptions::kStepsMax) {
    return absl::InvalidArgumentError(
        absl::StrFormat("heap.steps_max: %d; expected from 1 to %d", options.steps_max, GuestHeapOptions::kStepsMax));
  }
  if (options.pool_bytes < kPageBytes) {
    return absl::InvalidArgumentError(
        absl::StrFormat("heap.pool_bytes: %d; expected at least %d", options.pool_bytes, kPageBytes));
  }
  return absl::OkStatus();
}

}  // namespace

const GuestHeap::Interface GuestHeap::kInterfaces[] = {
    {"cmu", Convention::kPlain, "mm_init", "mm_malloc", "mm_free", "mm_realloc", "mm_calloc"},
    {"freertos", Convention::kPlain, nullptr, "pvPortMalloc", "vPortFree", nullptr, "pvPortCalloc"},
    {"kmalloc", Convention::kFlags, nullptr, "kmalloc", "kfree", "krealloc", nullptr},
    {"tlsf", Convention::kPool, "tlsf_create_with_pool", "tlsf_malloc", "tlsf_free", "tlsf_realloc", nullptr},
    {"o1heap", Convention::kPool, "o1heapInit", "o1heapAllocate", "o1heapFree", nullptr, nullptr},
    {"zephyr", Convention::kPlacedHandle, "sys_heap_init", "sys_heap_alloc", "sys_heap_free", "sys_heap_realloc", nullptr},
    {"malloc", Convention::kPlain, "mm_init", "malloc", "free", "realloc", "calloc"},
};

std::vector<std::string_view> GuestHeap::InterfaceNames() {
  std::vector<std::string_view> names;
  for (const Interface& known : kInterfaces) names.emplace_back(known.name);
  return names;
}

GuestHeap::GuestHeap(AddressSpace& space, const ProgramBreak& brk, std::shared_ptr<const ElfProgram> program,
                     const GuestHeapOptions& options)
    : HeapAllocator(space, brk), options_(options), declaration_(kDeclaration), process_(space, std::move(program)) {
  declaration_.alignment = options.alignment;
}

absl::StatusOr<std::unique_ptr<GuestHeap>> GuestHeap::Create(AddressSpace& space, std::shared_ptr<const ElfProgram> program,
                                                             const GuestHeapOptions& options) {
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  const std::uint64_t stack = (std::uint64_t{PagesUp(program->end())} + 1) << kPageShift;
  const std::uint64_t top = stack + (std::uint64_t{PagesUp(options.stack_bytes)} << kPageShift), start = top + kPageBytes;
  if (start + options.limit_bytes > ElfProgram::kEnd) {
    return absl::InvalidArgumentError(
        absl::StrFormat("the program ends at %#x, so its heap could end at %#x; expected at most %#x", program->end(),
                        start + options.limit_bytes, ElfProgram::kEnd));
  }
  if (absl::Status status = program->LoadInto(space); !status.ok()) return status;
  const VirtAddr first(static_cast<std::uint32_t>(stack)), heap(static_cast<std::uint32_t>(start));
  const VirtAddr limit = heap + options.limit_bytes;
  const std::uint32_t tables = ((limit.raw() - 1) >> kTableShift) - (first.raw() >> kTableShift) + 1;
  if (absl::Status status = space.AddPageTables(first, tables); !status.ok()) return status;
  space.PromisePages(first, PagesUp(options.stack_bytes));

  std::unique_ptr<GuestHeap> made(new GuestHeap(space, ProgramBreak(space, heap, limit), std::move(program), options));
  made->stack_top_ = static_cast<std::uint32_t>(top);
  if (absl::Status status = made->FindInterface(); !status.ok()) return status;
  if (absl::Status status = made->Initialise(); !status.ok()) return status;
  return made;
}

absl::Status GuestHeap::FindInterface() {
  const auto address = [this](const char* name) {
    const ElfProgram::Symbol* symbol = name != nullptr ? program().Find(name) : nullptr;
    return symbol != nullptr ? symbol->address : 0;
  };
  std::string expected;
  for (const Interface& known : kInterfaces) {
    if (!options_.interface.empty() && options_.interface != known.name) continue;
    absl::StrAppendFormat(&expected, "%s%s and %s", expected.empty() ? "" : ", or ", known.malloc, known.free);
    interface_ = &known;
    init_ = address(known.init);
    members_ = {address(known.malloc), address(known.calloc), address(known.realloc), address(known.free)};
    if (members_[kMalloc] == 0 || members_[kFree] == 0 || (has_pool() && init_ == 0)) continue;
    walk_ = address(kWalker);
    declaration_.shows_blocks = walk_ != 0;
    return absl::OkStatus();
  }
  if (expected.empty()) {
    return absl::InvalidArgumentError(absl::StrFormat("heap.interface: '%s' is none that the lab knows", options_.interface));
  }
  return absl::InvalidArgumentError("the program exports no allocator; expected " + expected);
}

absl::Status GuestHeap::Initialise() {
  if (init_ == 0) return absl::OkStatus();
  const std::uint32_t pool = start().raw();
  bool well = false;
  if (!has_pool()) {
    well = Call(init_, {});
  } else if (Sbrk(static_cast<std::int32_t>(options_.pool_bytes)) == ProgramBreak::kFailed) {
    return absl::ResourceExhaustedError(absl::StrFormat(
        "no room for a pool of %d bytes: give the machine more RAM, or heap.pool_bytes less", options_.pool_bytes));
  } else if (interface_->convention == Convention::kPool) {
    well = Call(init_, {pool, options_.pool_bytes});
    handle_ = eax();
  } else {
    handle_ = pool;
    well = Call(init_, {pool, pool + kHandleBytes, options_.pool_bytes - kHandleBytes});
  }
  if (!well) return absl::InvalidArgumentError(state_.death->what);
  if (!has_pool() && eax() == ~0u) {
    return absl::InvalidArgumentError(absl::StrFormat("%s: gave -1; expected 0", interface_->init));
  }
  if (has_pool() && handle_ == 0) {
    return absl::InvalidArgumentError(absl::StrFormat("%s: gave null; expected a handle", interface_->init));
  }
  return absl::OkStatus();
}

HeapResult GuestHeap::Malloc(std::uint32_t bytes) {
  if (!CallMember(kMalloc, {bytes})) return Dead();
  return eax() == 0 ? Refused(bytes) : Accept(kMalloc, bytes);
}

HeapResult GuestHeap::Calloc(std::uint32_t count, std::uint32_t bytes) {
  if (members_[kCalloc] != 0) {
    if (!CallMember(kCalloc, {count, bytes})) return Dead();
    return eax() == 0 ? Refused(count * bytes) : Accept(kCalloc, count * bytes);
  }
  const HeapResult result = Malloc(count * bytes);
  if (result.outcome != Outcome::kOk) return result;
  costs_.zeroed_bytes += count * bytes;
  if (process_.cpu().TryZero(result.address.raw(), count * bytes) || space_.Fill(result.address, count * bytes, 0))
    return result;
  return {Outcome::kMachineFault, space_.last_fault()->address};
}

HeapResult GuestHeap::Realloc(VirtAddr block, std::uint32_t bytes) {
  if (members_[kRealloc] != 0) {
    if (!CallMember(kRealloc, {block.raw(), bytes})) return Dead();
    if (eax() == 0) return Refused(bytes);
    state_.live.Remove(block.raw());
    return Accept(kRealloc, bytes);
  }
  const HeapResult result = Malloc(bytes);
  if (block.is_null() || result.outcome != Outcome::kOk) return result;
  const std::uint32_t copied = std::min(PayloadBytes(block), bytes);
  costs_.copied_bytes += copied;
  if (!space_.Copy(result.address, block, copied)) return {Outcome::kMachineFault, space_.last_fault()->address};
  const HeapResult freed = Free(block);
  return freed.outcome == Outcome::kOk ? result : freed;
}

HeapResult GuestHeap::Free(VirtAddr block) {
  if (!CallMember(kFree, {block.raw()})) return Dead();
  state_.live.Remove(block.raw());
  return {};
}

HeapResult GuestHeap::Refused(std::uint32_t bytes) const {
  return {bytes == 0 ? Outcome::kZeroSize : Outcome::kOutOfMemory, VirtAddr{}};
}

std::uint32_t GuestHeap::PayloadBytes(VirtAddr block) {
  const auto found = state_.live.At(block.raw());
  return found ? found->bytes : 0;
}

bool GuestHeap::IsSomewhere(const LiveExtents::Extent& block) const {
  const auto inside = [&block](std::uint32_t first, std::uint32_t last) {
    return block.address >= first && block.end() <= last;
  };
  if (inside(start().raw(), brk().raw()) || (block.bytes == 0 && block.address == brk().raw())) return true;
  const auto holds = [&inside](const ElfProgram::Segment& segment) {
    return segment.writable && inside(segment.address, segment.end());
  };
  return std::any_of(program().segments().begin(), program().segments().end(), holds);
}

std::string GuestHeap::WhyNot(const LiveExtents::Extent& block) const {
  if (block.address % options_.alignment != 0) return absl::StrFormat("expected a multiple of %d", options_.alignment);
  if (!IsSomewhere(block)) {
    return absl::StrFormat("%d bytes there are neither in the heap, %#010x to %#010x, nor in the program's variables",
                           block.bytes, start().raw(), brk().raw());
  }
  if (const auto above = state_.live.AtOrAbove(block.address); above && above->address < block.end()) {
    return absl::StrFormat("%d bytes there overlap the live block of %d bytes at %#010x", block.bytes, above->bytes,
                           above->address);
  }
  const auto below = state_.live.Below(block.address);
  return absl::StrFormat("that is in the live block of %d bytes at %#010x", below->bytes, below->address);
}

HeapResult GuestHeap::Accept(Member member, std::uint32_t bytes) {
  const LiveExtents::Extent given{eax(), bytes};
  if (given.address % options_.alignment == 0 && IsSomewhere(given) && state_.live.Add(given)) {
    return {Outcome::kOk, VirtAddr(given.address)};
  }
  state_.death = {Outcome::kAssertionFailed, given.address,
                  absl::StrFormat("%s gave %#010x: %s", program().Describe(members_[member]), given.address, WhyNot(given))};
  return Dead();
}

std::vector<Violation> GuestHeap::CheckInvariants(const Interrupt& /*interrupt*/) const {
  if (!state_.death) return {};
  return {{"G1", state_.death->address, state_.death->what}};
}

std::uint64_t GuestHeap::host_bytes() const {
  return sizeof(*this) + process_.host_bytes() + state_.live.host_bytes() + state_.text.printed.capacity();
}

std::uint64_t GuestHeap::reach_bytes() const {
  std::uint64_t reach = std::uint64_t{options_.limit_bytes} + options_.stack_bytes + 2 * kPageBytes;
  for (const ElfProgram::Segment& segment : program().segments()) reach += segment.memory_bytes + 2 * kPageBytes;
  return reach;
}

std::unique_ptr<const AllocatorState> GuestHeap::SaveOwn() const { return process_.Save(state_); }
void GuestHeap::RestoreOwn(const AllocatorState& saved) { process_.Restore(saved, state_); }
void GuestHeap::ResetOwnCounters() { state_.counters.Reset(); }

HeapAllocatorInfo GuestHeapInfo(std::string name, std::shared_ptr<const ElfProgram> program) {
  const GuestHeapOptions defaults;
  const bool walks = program != nullptr && program->Find(kWalker) != nullptr;
  return {
      .name = std::move(name),
      .title = "A program",
      .description = "The allocator is a program of the user's own, run instruction by instruction on the simulated processor.",
      .source = {},
      .declaration = walks ? &kWalkedDeclaration : &kDeclaration,
      .parameters = {QuantityParameter("heap.limit_bytes", "how far the program's break may go", "bytes, at most 512Mi",
                                       defaults.limit_bytes, GuestHeapOptions::kLimitBytesMax),
                     QuantityParameter("heap.stack_bytes", "the program's stack", "bytes, from 4Ki to 64Mi",
                                       defaults.stack_bytes, GuestHeapOptions::kStackBytesMax),
                     WordParameter("heap.alignment", "of the addresses that the program gives", {"8", "4", "16"}),
                     QuantityParameter("heap.steps_max", "how long one call may take", "instructions, at most 200000000",
                                       defaults.steps_max, GuestHeapOptions::kStepsMax),
                     QuantityParameter("heap.pool_bytes", "the pool of a program that manages one", "bytes, at least 4Ki",
                                       defaults.pool_bytes)},
      .make = [program = std::move(program)](const HeapServices& machine, bool guarded,
                                             const ParameterValues& values) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
        auto heap = GuestHeap::Create(machine.space, program,
                                      {.limit_bytes = NumberValue(values, "heap.limit_bytes"),
                                       .stack_bytes = NumberValue(values, "heap.stack_bytes"),
                                       .alignment = NumberValue(values, "heap.alignment"),
                                       .steps_max = NumberValue(values, "heap.steps_max"),
                                       .pool_bytes = NumberValue(values, "heap.pool_bytes")});
        if (!heap.ok()) return heap.status();
        return std::make_unique<HeapGuard>(*std::move(heap), guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
      }};
}

}  // namespace alloclab

// How the program runs, is served, and dies.
#include <algorithm>
#include <array>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/guest/guest_heap.h"
#include "allocators/guest/guest_patience.h"

namespace alloclab {
namespace {

constexpr std::uint8_t kService = 0x40;
constexpr std::uint64_t kSlice = 100'000;  // some 0.5 ms; 50 ms of a program that is as slow as can be
constexpr std::uint32_t kSbrk = 1, kWrite = 2, kExit = 3, kAbort = 4;

bool IsService(const Stop& stop) { return stop.kind == Stop::Kind::kInterrupt && stop.vector == kService; }

}  // namespace

std::optional<std::uint32_t> GuestHeap::CallMember(std::uint32_t function, std::initializer_list<std::uint32_t> arguments) {
  const auto first = arguments.begin();
  if (has_pool()) {
    return arguments.size() == 1 ? Call(function, {handle_, first[0]}) : Call(function, {handle_, first[0], first[1]});
  }
  if (interface_->convention == Convention::kFlags) {
    return arguments.size() == 1 ? Call(function, {first[0], 0}) : Call(function, {first[0], first[1], 0});
  }
  return Call(function, arguments);
}

std::optional<std::uint32_t> GuestHeap::CallFunction(std::uint32_t function, std::uint32_t argument) {
  return Call(function, {argument});
}

std::optional<std::uint32_t> GuestHeap::Call(std::uint32_t function, std::initializer_list<std::uint32_t> arguments) {
  if (state_.death) return std::nullopt;
  if (forget_) cpu_.ForgetTranslations();
  forget_ = false;
  const I386Cpu::Counts before = cpu_.counts();
  const Stop stop = Run(function, arguments);
  const I386Cpu::Counts after = cpu_.counts();
  CountInstructions(function, after.instructions - before.instructions);
  costs_.words_loaded += after.loads - before.loads;
  costs_.words_stored += after.stores - before.stores;
  if (stop.kind == Stop::Kind::kReturned) return cpu_.reg(I386Cpu::kEax);
  Die(function, stop);
  return std::nullopt;
}

void GuestHeap::CountInstructions(std::uint32_t function, std::uint64_t instructions) {
  state_.counters.Of<"instructions">() += instructions;
  const std::array functions = {malloc_, calloc_, realloc_, free_};
  const auto found = std::find(functions.begin(), functions.end(), function);
  if (found == functions.end()) return;
  state_.counters.Of<"operation_instructions">(found - functions.begin()) += instructions;
}

// As a C compiler would call it, on an empty stack whose top is a multiple of 16 bytes in front of the return address.
Stop GuestHeap::Run(std::uint32_t function, std::initializer_list<std::uint32_t> arguments) {
  constexpr std::uint32_t kStackAlignment = 16;
  constexpr std::size_t kArgumentsMax = 3;
  const auto bytes = static_cast<std::uint32_t>(arguments.size() * kWordBytes);
  const std::uint32_t padding = (kStackAlignment - bytes % kStackAlignment) % kStackAlignment;
  // What a call leaves in registers is not there for the next one: it would be pushed, and is not saved.
  for (int reg = I386Cpu::kEax; reg <= I386Cpu::kEdi; ++reg) cpu_.set_reg(static_cast<I386Cpu::Register>(reg), 0);
  cpu_.set_reg(I386Cpu::kEsp, stack_top_ - padding);
  cpu_.set_eflags(0);
  cpu_.set_eip(function);
  std::array<std::uint32_t, 1 + kArgumentsMax> words = {I386Cpu::kReturnAddress};
  ALLOCLAB_CHECK_LE(arguments.size(), kArgumentsMax);
  std::copy(arguments.begin(), arguments.end(), words.begin() + 1);
  if (!cpu_.Push(std::span(words).first(1 + arguments.size()))) {
    return {.kind = Stop::Kind::kPageFault,
            .access = Stop::Access::kWrite,
            .no_frame = true,
            .eip = function,
            .address = space_.last_fault()->address.raw()};
  }
  if (watch_) return RunWatched();
  return RunPatiently();
}

Stop GuestHeap::RunPatiently() {
  std::uint64_t left = options_.steps_max;
  while (true) {
    const std::uint64_t slice = std::min(left, kSlice);
    const Stop stop = cpu_.Run(slice);
    left -= slice - cpu_.steps_left();
    if (IsService(stop)) {
      if (!Serve()) return stop;
    } else if (stop.kind != Stop::Kind::kBudget || left == 0) {
      return stop;
    }
    left_ = cpu_.steps_left() == 0 && GuestPatience::IsOver();
    if (left_) return stop;
  }
}

Stop GuestHeap::RunWatched() {
  for (std::uint32_t left = options_.steps_max; left != 0; --left) {
    watch_(cpu_);
    const Stop stop = cpu_.Run(1);
    if (stop.kind != Stop::Kind::kBudget && !(IsService(stop) && Serve())) return stop;
  }
  return {.kind = Stop::Kind::kBudget, .eip = cpu_.eip()};
}

bool GuestHeap::Serve() {
  const std::uint32_t argument = cpu_.reg(I386Cpu::kEbx);
  switch (cpu_.reg(I386Cpu::kEax)) {
    case kSbrk:
      cpu_.set_reg(I386Cpu::kEax, Sbrk(static_cast<std::int32_t>(argument)).raw());
      return true;
    case kWrite:
      cpu_.set_reg(I386Cpu::kEax, Write(VirtAddr(argument), cpu_.reg(I386Cpu::kEcx)));
      return true;
    default:
      return false;
  }
}

// What has no room any more is not read.
std::uint32_t GuestHeap::Write(VirtAddr text, std::uint32_t bytes) {
  std::vector<std::uint8_t> read(std::min<std::size_t>(bytes, kPrintedBytesMax - state_.printed.size()));
  if (!space_.Read(text, read)) return ~0u;
  state_.printed.append(read.begin(), read.end());
  state_.printed_bytes += bytes;
  return bytes;
}

// No page is promised for which there may be no frame: the program would die of it in the middle of its work.
VirtAddr GuestHeap::Sbrk(std::int32_t bytes) {
  const VirtAddr old = brk();
  if (bytes > 0 && static_cast<std::uint32_t>(bytes) <= limit() - old) {
    const VirtAddr last = old + (static_cast<std::uint32_t>(bytes) - 1);
    const bool new_page = old.offset() == 0 || last.page() != old.page();
    if (new_page && !space_.CanBringPages(space_.AbsentPages(start(), last))) return ProgramBreak::kFailed;
  }
  return break_.Sbrk(bytes);
}

void GuestHeap::Die(std::uint32_t function, const Stop& stop) {
  HeapResult result{Outcome::kPanic, VirtAddr(stop.eip)};
  if (stop.kind == Stop::Kind::kBudget || left_) result.outcome = Outcome::kMachineHang;
  if (stop.kind == Stop::Kind::kPageFault) {
    result = {stop.no_frame ? Outcome::kOutOfMemory : Outcome::kMachineFault, VirtAddr(stop.address)};
  }
  if (IsService(stop) && cpu_.reg(I386Cpu::kEax) == kAbort) result.outcome = Outcome::kAssertionFailed;
  state_.death = {result,
                  absl::StrFormat("%s died at %s: %s", program_->Describe(function), program_->Locate(stop.eip), Explain(stop)),
                  stop.eip};
}

std::string GuestHeap::Explain(const Stop& stop) const {
  if (IsService(stop)) {
    switch (cpu_.reg(I386Cpu::kEax)) {
      case kExit:
        return absl::StrFormat("exit(%d)", static_cast<std::int32_t>(cpu_.reg(I386Cpu::kEbx)));
      case kAbort:
        return "abort()";
      default:
        return absl::StrFormat("service %d; there is none", cpu_.reg(I386Cpu::kEax));
    }
  }
  if (left_) return "nobody waited for it any more";
  if (stop.kind == Stop::Kind::kBudget) return absl::StrFormat("not back after %d steps", options_.steps_max);
  if (stop.kind == Stop::Kind::kInterrupt) return absl::StrFormat("int %#x; there is none", stop.vector);
  if (stop.kind != Stop::Kind::kPageFault) return std::string(StopName(stop.kind));
  const char* const kNames[] = {"read", "write", "fetch of code"};
  std::string text = absl::StrFormat("%s at 0x%08x", kNames[static_cast<int>(stop.access)], stop.address);
  const std::uint32_t stack = stack_top_ - ((options_.stack_bytes + kPageBytes - 1) & pte::kFrameMask);
  const auto holds = [&stop](const ElfProgram::Segment& segment) {
    return stop.address >= segment.address && stop.address < segment.end();
  };
  if (stop.no_frame) return text + ": no page frame is left";
  if (stop.address < kPageBytes) return text + ": a null pointer";
  if (stop.address < stack && stop.address >= stack - kPageBytes) return text + ": the stack is full";
  if (std::any_of(program_->segments().begin(), program_->segments().end(), holds)) return text + ": it may not be written";
  return text + ": nothing is there";
}

}  // namespace alloclab

// How the program runs, is served, and dies.
#include <algorithm>
#include <array>

#include "absl/strings/str_format.h"
#include "allocators/guest/guest_call.h"
#include "allocators/guest/guest_heap.h"

namespace alloclab {

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

Stop GuestHeap::Run(std::uint32_t function, std::initializer_list<std::uint32_t> arguments) {
  if (!EnterGuestCall(cpu_, stack_top_, function, arguments)) {
    return {.kind = Stop::Kind::kPageFault,
            .access = Stop::Access::kWrite,
            .no_frame = true,
            .eip = function,
            .address = space_.last_fault()->address.raw()};
  }
  if (watch_) return RunWatched();
  std::uint64_t steps = options_.steps_max;
  return RunGuestCall(
      cpu_, steps, [this] { return Serve(); }, left_);
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
  switch (ServiceAsked(cpu_)) {
    case GuestService::kSbrk:
      cpu_.set_reg(I386Cpu::kEax, Sbrk(static_cast<std::int32_t>(argument)).raw());
      return true;
    case GuestService::kWrite:
      cpu_.set_reg(I386Cpu::kEax, state_.text.Write(space_, VirtAddr(argument), cpu_.reg(I386Cpu::kEcx)));
      return true;
    default:
      return false;
  }
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
  const GuestEnd end = EndOf(stop, cpu_, left_);
  state_.death = {{end.outcome, VirtAddr(end.address)},
                  absl::StrFormat("%s died at %s: %s", program_->Describe(function), program_->Locate(stop.eip), Explain(stop)),
                  stop.eip};
}

std::string GuestHeap::Explain(const Stop& stop) const {
  const std::uint32_t stack = stack_top_ - ((options_.stack_bytes + kPageBytes - 1) & pte::kFrameMask);
  return ExplainStop(stop, cpu_, *program_, stack, options_.steps_max, left_);
}

}  // namespace alloclab

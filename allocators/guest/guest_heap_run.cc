// How the program is called, and served.
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "allocators/guest/guest_heap.h"

namespace alloclab {

[[gnu::always_inline]] inline bool GuestHeap::CallWith(std::uint32_t function, std::span<const std::uint32_t> arguments) {
  if (state_.death) return false;
  I386Cpu::Counts spent;
  std::uint64_t steps = options_.steps_max;
  const Stop& stop = process_.Call(
      stack_top_, function, arguments, steps, [this] { return Serve(); }, spent);
  state_.counters.Of<"instructions">() += spent.instructions;
  costs_.words_loaded += spent.loads;
  costs_.words_stored += spent.stores;
  if (stop.kind == Stop::Kind::kReturned) return true;
  state_.death = process_.DeathOf(function, stop, Explain(stop));
  return false;
}

bool GuestHeap::Call(std::uint32_t function, std::initializer_list<std::uint32_t> arguments) {
  return CallWith(function, std::span(arguments.begin(), arguments.size()));
}

bool GuestHeap::CallMember(Member member, std::initializer_list<std::uint32_t> arguments) {
  std::span<const std::uint32_t> given(arguments.begin(), arguments.size());
  std::array<std::uint32_t, 4> more;
  if (interface_->convention != Convention::kPlain) [[unlikely]] {
    std::uint32_t* end = more.data();
    if (has_pool()) *end++ = handle_;
    end = std::copy(given.begin(), given.end(), end);
    if (interface_->convention == Convention::kFlags) *end++ = 0;
    given = std::span(more.data(), end);
  }
  const std::uint64_t before = instructions();
  const bool back = CallWith(members_[member], given);
  state_.counters.Of<"operation_instructions">(member) += instructions() - before;
  return back;
}

bool GuestHeap::Serve() {
  I386Cpu& cpu = process_.cpu();
  switch (ServiceAsked(cpu)) {
    case GuestService::kSbrk:
      cpu.set_reg(I386Cpu::kEax, Sbrk(static_cast<std::int32_t>(cpu.reg(I386Cpu::kEbx))).raw());
      return true;
    case GuestService::kWrite:
      process_.Write(state_);
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

std::string GuestHeap::Explain(const Stop& stop) const {
  const std::uint32_t stack = stack_top_ - ((options_.stack_bytes + kPageBytes - 1) & pte::kFrameMask);
  return process_.Explain(stop, stack, options_.steps_max);
}

}  // namespace alloclab

#include "allocators/guest/guest_process.h"

#include <algorithm>
#include <span>

#include "absl/strings/str_format.h"
#include "allocators/guest/guest_patience.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kStackAlignment = 16;
constexpr std::uint64_t kSlice = 100'000;  // some 0.5 ms; 50 ms of a program that is as slow as can be

// Where the arguments end: they begin at a multiple of 16 bytes, with the return address in front of them.
std::uint32_t TopOfArguments(std::uint32_t stack_top, std::size_t arguments) {
  const auto bytes = static_cast<std::uint32_t>(arguments * kWordBytes);
  return stack_top - (kStackAlignment - bytes % kStackAlignment) % kStackAlignment;
}

}  // namespace

inline const Stop& GuestProcess::RunSlices(std::uint64_t& steps, absl::FunctionRef<bool()> serve) {
  while (true) {
    const std::uint64_t slice = std::min(steps, kSlice);
    const Stop& stop = cpu_.Run(slice);
    steps -= slice - cpu_.steps_left();
    if (stop.kind == Stop::Kind::kReturned) return stop;
    if (IsService(stop)) {
      if (!serve()) return stop;
    } else if (stop.kind != Stop::Kind::kBudget || steps == 0) {
      return stop;
    }
    left_ = cpu_.steps_left() == 0 && GuestPatience::IsOver();
    if (left_) return stop;
  }
}

const Stop& GuestProcess::Call(std::uint32_t stack_top, std::uint32_t function, std::initializer_list<std::uint32_t> arguments,
                               std::uint64_t& steps, absl::FunctionRef<bool()> serve, I386Cpu::Counts& spent) {
  if (forget_) cpu_.ForgetTranslations();
  forget_ = false;
  const I386Cpu::Counts before = cpu_.counts();
  if (!cpu_.BeginCall(TopOfArguments(stack_top, arguments.size()), function, std::span(arguments.begin(), arguments.end()))) {
    stop_ = {.kind = Stop::Kind::kPageFault,
             .access = Stop::Access::kWrite,
             .no_frame = true,
             .eip = function,
             .address = space_.last_fault()->address.raw()};
    return stop_;
  }
  const Stop& stop = watch_ ? RunWatched(steps, serve) : RunSlices(steps, serve);
  const I386Cpu::Counts after = cpu_.counts();
  spent = {after.instructions - before.instructions, after.loads - before.loads, after.stores - before.stores};
  return stop;
}

const Stop& GuestProcess::RunWatched(std::uint64_t& steps, absl::FunctionRef<bool()> serve) {
  for (; steps != 0; --steps) {
    watch_(cpu_);
    const Stop& stop = cpu_.Run(1);
    if (stop.kind != Stop::Kind::kBudget && !(IsService(stop) && serve())) return stop;
  }
  stop_ = {.kind = Stop::Kind::kBudget, .eip = cpu_.eip()};
  return stop_;
}

GuestProcess::Death GuestProcess::DeathOf(std::uint32_t function, const Stop& stop, const std::string& why) const {
  const GuestEnd end = EndOf(stop, cpu_, left_);
  return {end.outcome, end.address,
          absl::StrFormat("%s died at %s: %s", program_->Describe(function), program_->Locate(stop.eip), why), stop.eip};
}

}  // namespace alloclab

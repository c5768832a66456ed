#include "allocators/guest/guest_process.h"

#include "absl/strings/str_format.h"

namespace alloclab {

const Stop& GuestProcess::Call(std::uint32_t stack_top, std::uint32_t function, std::initializer_list<std::uint32_t> arguments,
                               std::uint64_t& steps, absl::FunctionRef<bool()> serve, I386Cpu::Counts& spent) {
  if (forget_) cpu_.ForgetTranslations();
  forget_ = false;
  const I386Cpu::Counts before = cpu_.counts();
  if (!EnterGuestCall(cpu_, stack_top, function, arguments)) {
    stop_ = {.kind = Stop::Kind::kPageFault,
             .access = Stop::Access::kWrite,
             .no_frame = true,
             .eip = function,
             .address = space_.last_fault()->address.raw()};
    return stop_;
  }
  const Stop& stop = watch_ ? RunWatched(steps, serve) : RunGuestCall(cpu_, steps, serve, left_);
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

#include "allocators/guest/guest_process.h"

#include "absl/strings/str_format.h"
#include "allocators/guest/guest_patience.h"

namespace alloclab {
void GuestProcess::Forget() {
  cpu_.ForgetTranslations();
  forget_ = false;
}

const Stop& GuestProcess::StopAtBegin(std::uint32_t function) {
  stop_ = {.kind = Stop::Kind::kPageFault,
           .access = Stop::Access::kWrite,
           .no_frame = true,
           .eip = function,
           .address = space_.last_fault()->address.raw()};
  return stop_;
}

const Stop& GuestProcess::RunOn(const Stop& first, std::uint64_t& steps, absl::FunctionRef<bool()> serve) {
  for (const Stop* stop = &first;; stop = &RunSlice(steps)) {
    if (stop->kind == Stop::Kind::kReturned) return *stop;
    if (IsService(*stop)) {
      if (!serve()) return *stop;
    } else if (stop->kind != Stop::Kind::kBudget || steps == 0) {
      return *stop;
    }
    left_ = cpu_.steps_left() == 0 && GuestPatience::IsOver();
    if (left_) return *stop;
  }
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

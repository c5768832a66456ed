// The trial of a page allocator (trial.h).
#ifndef ALLOCLAB_ALLOCATORS_TRIAL_PAGES_TRIAL_H_
#define ALLOCLAB_ALLOCATORS_TRIAL_PAGES_TRIAL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "allocators/pages/page_guard.h"
#include "allocators/trial/trial.h"

namespace alloclab {

class PagesTrial final : public Trial {
 public:
  static absl::StatusOr<std::unique_ptr<Trial>> Create(std::shared_ptr<const ElfProgram> program, const TrialOptions& options);
  ~PagesTrial() override;

  // One of pages alone; of single ones if the program gives no others; with frees of parts only if the program can do that.
  absl::Status CheckFits(const Trace& trace) const override;
  TrialBlock BlockOf(std::uint32_t handle) const override { return handle < live_.size() ? live_[handle] : TrialBlock{}; }
  AddressSpace& space() const override { return pages_.space(); }
  const I386Cpu& cpu() const override { return pages_.cpu(); }
  void set_watch(GuestProcess::Watch watch) override { pages_.set_watch(std::move(watch)); }
  std::string_view interface() const override { return pages_.interface(); }

 private:
  struct Machine;

  PagesTrial(std::unique_ptr<Machine> machine, const TrialOptions& options);

  bool Do(const Operation& op) override;
  TrialCosts Counted() const override;
  const GuestText& text() const override { return pages_.text(); }
  const std::optional<GuestProcess::Death>& death() const override { return pages_.death(); }
  void CallFunction(std::uint32_t function) override { (void)pages_.CallFunction(function, 0); }
  std::uint64_t peak_bytes() const override { return high_ > low_ ? high_ - low_ : 0; }

  bool Allocate(const Operation& op);
  bool Free(const Operation& op);

  const std::unique_ptr<Machine> machine_;
  GuestPages& pages_;
  PageGuard& guard_;
  std::vector<TrialBlock> live_;  // by handle; an address of 0: null
  std::uint64_t low_ = ~std::uint64_t{0}, high_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_TRIAL_PAGES_TRIAL_H_

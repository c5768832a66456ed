// The trial of a heap (trial.h).
#ifndef ALLOCLAB_ALLOCATORS_TRIAL_HEAP_TRIAL_H_
#define ALLOCLAB_ALLOCATORS_TRIAL_HEAP_TRIAL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "allocators/trial/trial.h"

namespace alloclab {

class HeapTrial final : public Trial {
 public:
  static absl::StatusOr<std::unique_ptr<Trial>> Create(std::shared_ptr<const ElfProgram> program, const TrialOptions& options);
  ~HeapTrial() override;

  absl::Status CheckFits(const Trace& trace) const override;
  bool CheckLive() override;
  TrialBlock BlockOf(std::uint32_t handle) const override { return handle < live_.size() ? live_[handle].block : TrialBlock{}; }
  AddressSpace& space() const override;
  const I386Cpu& cpu() const override { return heap_.cpu(); }
  void set_watch(GuestProcess::Watch watch) override { heap_.set_watch(std::move(watch)); }
  std::string_view interface() const override { return heap_.interface(); }

 private:
  struct Machine;
  struct Live {
    TrialBlock block;
    std::uint32_t pattern = 0;  // which contents
  };

  HeapTrial(std::unique_ptr<Machine> machine, const TrialOptions& options);

  bool Do(const Operation& op) override;
  TrialCosts Counted() const override;
  const GuestText& text() const override { return heap_.text(); }
  const std::optional<GuestProcess::Death>& death() const override { return heap_.death(); }
  void CallFunction(std::uint32_t function) override { (void)heap_.CallFunction(function, 0); }
  std::uint64_t peak_bytes() const override;

  HeapResult Call(const Operation& op, const Live* old);
  bool Allocated(const Operation& op, const HeapResult& result, std::uint32_t bytes, Live* old);
  bool Resize(const Operation& op);
  bool Release(const Operation& op);
  // Writes the contents of a block; false if its pages are not there.
  bool Fill(const Live& live);
  // Whether the first bytes of `at` are those of the block; if not, where they differ first.
  std::optional<std::uint32_t> FirstDifference(const Live& live, std::uint32_t at, std::uint32_t bytes);
  bool Fail(std::string what, const Live* block, const Live* other);
  bool FailChanged(const Live& live, std::uint32_t offset);
  void Note(const Live& live);
  Live& At(std::uint32_t handle);

  const std::unique_ptr<Machine> machine_;
  GuestHeap& heap_;
  std::vector<Live> live_;  // by handle; an address of 0: null
  std::uint32_t elsewhere_low_ = ~0u, elsewhere_high_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_TRIAL_HEAP_TRIAL_H_

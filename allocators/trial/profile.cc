#include "allocators/trial/profile.h"

#include <deque>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace alloclab {
namespace {

// What has been counted until now belongs to the instruction that came last.
class Meter {
 public:
  explicit Meter(Trial& trial) : trial_(trial), before_(Now()) {}

  void Step(const I386Cpu& cpu) {
    Charge();
    at_ = cpu.eip();
  }
  void Charge() {
    const InstructionCosts now = Now();
    if (at_ != 0) {
      costs_[at_].Add({now.instructions - before_.instructions, now.loads - before_.loads, now.stores - before_.stores,
                       now.page_faults - before_.page_faults});
    }
    before_ = now;
    at_ = 0;
  }
  std::map<std::uint32_t, InstructionCosts> Costs() const { return {costs_.begin(), costs_.end()}; }

 private:
  InstructionCosts Now() const {
    const I386Cpu::Counts counts = trial_.cpu().counts();
    return {counts.instructions, counts.loads, counts.stores, trial_.space().costs().demand_faults};
  }

  Trial& trial_;
  InstructionCosts before_;
  std::uint32_t at_ = 0;  // 0: none of the program's
  absl::flat_hash_map<std::uint32_t, InstructionCosts> costs_;
};

}  // namespace

absl::StatusOr<Profile> MakeProfile(std::shared_ptr<const ElfProgram> program, const Trace& trace,
                                    const TrialOptions& options) {
  absl::StatusOr<std::unique_ptr<Trial>> trial = Trial::Create(std::move(program), options);
  if (!trial.ok()) return trial.status();
  if (absl::Status status = (*trial)->CheckFits(trace); !status.ok()) return status;
  Meter meter(**trial);
  (*trial)->set_watch([&meter](const I386Cpu& cpu) { meter.Step(cpu); });
  bool well = true;
  for (std::size_t i = 0; well && i < trace.operations.size(); ++i) {
    well = (*trial)->Apply(trace.operations[i], [&meter] { meter.Charge(); });
  }
  (*trial)->set_watch(nullptr);
  if (well) (*trial)->CheckLive();
  return Profile{(*trial)->Result(), meter.Costs()};
}

absl::StatusOr<std::vector<I386Cpu::State>> LastSteps(std::shared_ptr<const ElfProgram> program, const Trace& trace,
                                                      const TrialOptions& options, std::uint64_t operation, std::size_t count,
                                                      std::optional<std::uint32_t> changed) {
  absl::StatusOr<std::unique_ptr<Trial>> trial = Trial::Create(std::move(program), options);
  if (!trial.ok()) return trial.status();
  for (std::size_t i = 0; i < operation; ++i) (*trial)->Apply(trace.operations[i]);
  std::deque<I386Cpu::State> steps;
  const auto byte = [&]() -> std::uint32_t {
    if (!changed) return 0;
    return (*trial)->space().Peek(VirtAddr(*changed & ~3u)).value_or(0) >> *changed % kWordBytes * 8 & 0xFF;
  };
  const std::uint32_t before = byte();
  (*trial)->set_watch([&](const I386Cpu& cpu) {
    if (byte() != before) return;
    if (steps.size() == count) steps.pop_front();
    steps.push_back(cpu.Save());
  });
  (*trial)->Apply(trace.operations[operation]);
  (*trial)->set_watch(nullptr);
  return std::vector<I386Cpu::State>(steps.begin(), steps.end());
}

}  // namespace alloclab

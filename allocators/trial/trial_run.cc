// A whole workload, and what changed the contents of a block.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "allocators/trial/trial.h"

namespace alloclab {

// Runs again what led to a violation, and looks at one byte: the operation after which it is another one, then the instruction.
class Investigation {
 public:
  Investigation(std::shared_ptr<const ElfProgram> program, const Trace& trace, const TrialOptions& options,
                const TrialViolation& seen)
      : program_(std::move(program)), trace_(trace), options_(options), address_(*seen.changed), seen_(seen) {}

  // The violation with its origin; as it was seen if that cannot be told.
  TrialViolation Find() {
    const std::optional<std::uint64_t> operation = FindOperation();
    if (!operation) return seen_;
    TrialViolation found = seen_;
    found.operation = *operation;
    found.eip = FindInstruction(*operation);
    found.what += absl::StrFormat(": that at %#010x", address_);
    if (other_.address != 0 && other_.address != seen_.block->address) found.other = other_;
    return found;
  }

 private:
  std::uint32_t Word(Trial& trial) const { return trial.space().Peek(VirtAddr(address_ & ~3u)).value_or(0); }
  std::uint32_t Byte(Trial& trial) const { return Word(trial) >> address_ % kWordBytes * 8 & 0xFF; }
  std::unique_ptr<Trial> RunTo(std::uint64_t operation) const {
    auto trial = Trial::Create(program_, options_);
    if (!trial.ok()) return nullptr;
    for (std::uint64_t i = 0; i < operation; ++i) {
      if (!(*trial)->Apply(trace_.operations[i])) return nullptr;
    }
    return *std::move(trial);
  }

  std::optional<std::uint64_t> FindOperation() {
    const std::unique_ptr<Trial> trial = RunTo(seen_.block->operation + 1);
    if (!trial) return std::nullopt;
    const std::uint32_t before = Byte(*trial);
    for (std::uint64_t i = trial->operations(); i < trace_.operations.size() && i <= seen_.operation; ++i) {
      const Operation& op = trace_.operations[i];
      const std::uint32_t handle = op.kind == OpKind::kRealloc ? op.extra : op.block;
      other_ = handle != kNoBlock ? trial->BlockOf(handle) : TrialBlock{};
      trial->Apply(op);
      if (Byte(*trial) == before) continue;
      if (op.kind != OpKind::kFree && handle != kNoBlock && other_.address == 0) other_ = trial->BlockOf(handle);
      return i;
    }
    return std::nullopt;
  }

  std::uint32_t FindInstruction(std::uint64_t operation) const {
    const std::unique_ptr<Trial> trial = RunTo(operation);
    if (!trial) return 0;
    const std::uint32_t before = Byte(*trial);
    std::uint32_t last = 0, found = 0;
    trial->set_watch([&](const I386Cpu& cpu) {
      if (found == 0 && Byte(*trial) != before) found = last;
      last = cpu.eip();
    });
    trial->Apply(trace_.operations[operation]);
    trial->set_watch(nullptr);
    return found != 0 || Byte(*trial) == before ? found : last;
  }

  const std::shared_ptr<const ElfProgram> program_;
  const Trace& trace_;
  const TrialOptions& options_;
  const std::uint32_t address_;
  const TrialViolation& seen_;
  TrialBlock other_;
};

absl::StatusOr<TrialResult> RunTrial(std::shared_ptr<const ElfProgram> program, const Trace& trace, const TrialOptions& options,
                                     const std::function<bool(std::uint64_t operations)>& progress) {
  absl::StatusOr<std::unique_ptr<Trial>> trial = Trial::Create(program, options);
  if (!trial.ok()) return trial.status();
  if (absl::Status status = (*trial)->CheckFits(trace); !status.ok()) return status;
  constexpr std::uint64_t kProgressEvery = 1024;
  bool well = true;
  for (std::uint64_t i = 0; well && i < trace.operations.size(); ++i) {
    if (i % kProgressEvery == 0 && progress && !progress(i)) return absl::CancelledError("stopped");
    well = (*trial)->Apply(trace.operations[i]);
  }
  if (well) (*trial)->CheckLive();
  TrialResult result = (*trial)->Result();
  if (result.violation && result.violation->changed) {
    result.violation = Investigation(std::move(program), trace, options, *result.violation).Find();
  }
  return result;
}

}  // namespace alloclab

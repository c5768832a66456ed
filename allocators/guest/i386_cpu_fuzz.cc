// Any bytes as a program, in any state: it stops within its budget, for a reason, counts as much as it did, and does the same
// one instruction at a time.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>

#include "allocators/common/check.h"
#include "allocators/guest/i386_cpu.h"
#include "allocators/machine/frame_source.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kCode = 0x0804'9000, kPages = 6, kSteps = 2000;

class Frames : public FrameSource {
 public:
  std::optional<PageFrame> TakeFrame() override { return CanTakeFrames(1) ? std::optional(PageFrame{next_++}) : std::nullopt; }
  bool CanTakeFrames(std::uint32_t count) const override { return next_ + count <= 10; }
  std::unique_ptr<const AllocatorState> Save() const override { return SaveState(next_); }
  void Restore(const AllocatorState& saved) override { RestoreState(saved, next_); }

 private:
  std::uint32_t next_ = 1;
};

// The program at the beginning of a few pages; the one behind them is mapped to the page table, as a kernel's might be.
struct Machine {
  explicit Machine(std::span<const std::uint8_t> input) {
    ALLOCLAB_CHECK(space->AddPageTables(VirtAddr(kCode), 1).ok());
    space->PromisePages(VirtAddr(kCode), kPages);
    ALLOCLAB_CHECK(space->Map(VirtAddr(kCode + kPages * kPageBytes), PageFrame{2}, true));
    I386Cpu::State state;
    for (std::uint32_t& reg : state.registers) {
      const std::size_t bytes = std::min(input.size(), sizeof(reg));
      std::memcpy(&reg, input.data(), bytes);
      input = input.subspan(bytes);
      if (reg % 2 == 0) reg = kCode + reg / 2 % ((kPages + 2) * kPageBytes);
    }
    state.eip = kCode;
    cpu.Restore(state);
    if (!input.empty()) ALLOCLAB_CHECK(space->Write(VirtAddr(kCode), input.first(std::min<std::size_t>(input.size(), 6000))));
  }

  PhysicalMemory memory{64 << 10};
  Frames frames;
  std::unique_ptr<AddressSpace> space = *AddressSpace::Create(memory, frames);
  I386Cpu cpu{*space};
};

void Check(std::span<const std::uint8_t> input) {
  Machine whole(input), stepped(input);
  const Stop stop = whole.cpu.Run(kSteps);
  Stop step;
  std::uint32_t steps = 0;
  while (steps < kSteps) {
    step = stepped.cpu.Run(1);
    if (step.kind != Stop::Kind::kBudget) break;
    ++steps;
  }
  ALLOCLAB_CHECK(stop == step);
  ALLOCLAB_CHECK(whole.cpu.Save() == stepped.cpu.Save());
  ALLOCLAB_CHECK_LE(whole.cpu.counts().instructions, kSteps);
  if (stop.kind == Stop::Kind::kBudget) ALLOCLAB_CHECK_EQ(steps, kSteps);
  for (std::uint32_t frame = 0; frame < whole.memory.frame_count(); ++frame) {
    std::array<std::uint8_t, kPageBytes> a, b;
    ALLOCLAB_CHECK(whole.memory.Read(PageFrame{frame}.base(), a) && stepped.memory.Read(PageFrame{frame}.base(), b));
    ALLOCLAB_CHECK(a == b);
  }
}

}  // namespace
}  // namespace alloclab

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  alloclab::Check({data, size});
  return 0;
}

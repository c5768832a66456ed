// How fast simulated programs run, with all counts: instructions are the items.
#include <cstdint>
#include <memory>
#include <string_view>

#include "allocators/common/check.h"
#include "allocators/guest/i386_cpu.h"
#include "allocators/machine/frame_source.h"
#include "benchmark/benchmark.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kCode = 0x0804'9000, kData = 0x0805'0000, kPages = 256;

class Frames : public FrameSource {
 public:
  std::optional<PageFrame> TakeFrame() override { return PageFrame{next_++}; }
  bool CanTakeFrames(std::uint32_t) const override { return true; }
  std::unique_ptr<const AllocatorState> Save() const override { return SaveState(next_); }
  void Restore(const AllocatorState& saved) override { RestoreState(saved, next_); }

 private:
  std::uint32_t next_ = 1;
};

struct Machine {
  Machine() {
    ALLOCLAB_CHECK(space->AddPageTables(VirtAddr(kCode), 1).ok());
    space->PromisePages(VirtAddr(kCode), kPages + 16);
  }
  void Place(std::string_view code) {
    for (std::uint32_t i = 0; i < code.size(); ++i) {
      const auto byte = static_cast<std::uint8_t>(code[i]);
      ALLOCLAB_CHECK(space->Write(VirtAddr(kCode + i), std::span(&byte, 1)));
    }
    cpu.set_eip(kCode);
    cpu.set_reg(I386Cpu::kEsp, kData + kPages * kPageBytes);
  }

  PhysicalMemory memory{8 << 20};
  Frames frames;
  std::unique_ptr<AddressSpace> space = *AddressSpace::Create(memory, frames);
  I386Cpu cpu{*space};
};

void Run(benchmark::State& state, std::string_view code) {
  constexpr std::uint64_t kSteps = 10'000'000;
  Machine machine;
  machine.Place(code);
  for (auto _ : state) ALLOCLAB_CHECK_EQ(StopName(machine.cpu.Run(kSteps).kind), "budget");
  state.SetItemsProcessed(static_cast<std::int64_t>(machine.cpu.counts().instructions));
}

// A multiplicative generator and a test of its bits: registers alone.
void BM_Compute(benchmark::State& state) {
  using namespace std::string_view_literals;
  Run(state,
      "\x69\xC0\x0D\x66\x19\x00"  // imul eax, eax, 1664525
      "\x05\x5F\xF3\x6E\x3C"      // add eax, 1013904223
      "\x89\xC2"                  // mov edx, eax
      "\xC1\xEA\x10"              // shr edx, 16
      "\x31\xD1"                  // xor ecx, edx
      "\x83\xE2\x07"              // and edx, 7
      "\x8D\x1C\x93"              // lea ebx, [ebx + 4 * edx]
      "\x39\xD9"                  // cmp ecx, ebx
      "\x72\x01"                  // jb +1
      "\x41"                      // inc ecx
      "\xF6\xC1\x01"              // test cl, 1
      "\x75\xDE"                  // jne back
      "\xEB\xDC"sv);              // jmp back
}
BENCHMARK(BM_Compute)->Unit(benchmark::kMillisecond);

// Walks over 256 KiB as a first-fit search does: a header, its size, its lowest bit; a word is written in every step.
void BM_Memory(benchmark::State& state) {
  using namespace std::string_view_literals;
  Run(state,
      "\xBB\x00\x00\x05\x08"      // mov ebx, kData
      "\x8B\x03"                  // next: mov eax, [ebx]
      "\x89\xC2"                  // mov edx, eax
      "\x83\xE2\xF8"              // and edx, -8
      "\xA8\x01"                  // test al, 1
      "\x75\x03"                  // jne +3
      "\x83\xC6\x01"              // add esi, 1
      "\x01\x53\x04"              // add [ebx + 4], edx
      "\x89\x33"                  // mov [ebx], esi
      "\x83\xC3\x40"              // add ebx, 64
      "\x81\xFB\x00\x00\x09\x08"  // cmp ebx, kData + 256 KiB
      "\x72\xE2"                  // jb next
      "\xEB\xDB"sv);              // jmp back
}
BENCHMARK(BM_Memory)->Unit(benchmark::kMillisecond);

// Calls and the stack, as compilers make them.
void BM_Calls(benchmark::State& state) {
  using namespace std::string_view_literals;
  Run(state,
      "\x57"                  // again: push edi
      "\xE8\x05\x00\x00\x00"  // call f
      "\x83\xC4\x04"          // add esp, 4
      "\xEB\xF5"              // jmp again
      "\x55"                  // f: push ebp
      "\x89\xE5"              // mov ebp, esp
      "\x53"                  // push ebx
      "\x8B\x45\x08"          // mov eax, [ebp + 8]
      "\x8D\x58\x01"          // lea ebx, [eax + 1]
      "\x89\xDF"              // mov edi, ebx
      "\x0F\xB6\xC3"          // movzx eax, bl
      "\x5B"                  // pop ebx
      "\x5D"                  // pop ebp
      "\xC3"sv);              // ret
}
BENCHMARK(BM_Calls)->Unit(benchmark::kMillisecond);

// A processor for a machine that there is, and its first instruction.
void BM_Create(benchmark::State& state) {
  Machine machine;
  machine.Place("\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\xEB\xEE");
  std::uint64_t host_bytes = 0;
  for (auto _ : state) {
    I386Cpu cpu(*machine.space);
    cpu.set_eip(kCode);
    benchmark::DoNotOptimize(cpu.Run(100));
    host_bytes = cpu.host_bytes();
  }
  state.counters["host_bytes"] = static_cast<double>(host_bytes);
}
BENCHMARK(BM_Create)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace alloclab

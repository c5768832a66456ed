// What the tests of the processor share: a small machine to run code on, and code with all that goes in and comes out.
#ifndef ALLOCLAB_ALLOCATORS_GUEST_GUEST_TESTING_H_
#define ALLOCLAB_ALLOCATORS_GUEST_GUEST_TESTING_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/guest/i386_cpu.h"
#include "allocators/guest/random_code.h"
#include "allocators/machine/machine_testing.h"

namespace alloclab {

class GuestMachine {
 public:
  static constexpr std::uint32_t kCode = 0x0804'9000, kStack = 0x2100'0000;

  // With 16 pages on demand from each of the code's, the window's and the page below the stack's on.
  explicit GuestMachine(std::uint32_t frames = 100)
      : memory_(1 << 20), frames_(256, frames), space_(*AddressSpace::Create(memory_, frames_)), cpu_(*space_) {
    for (const std::uint32_t first : {kCode, i386::kWindow, kStack - kPageBytes}) {
      ALLOCLAB_CHECK(space_->AddPageTables(VirtAddr(first), 1).ok());
      space_->PromisePages(VirtAddr(first), 16);
    }
  }

  AddressSpace& space() { return *space_; }
  I386Cpu& cpu() { return cpu_; }
  void Write(std::uint32_t address, std::string_view bytes) {
    ALLOCLAB_CHECK(space_->Write(VirtAddr(address), std::span(Unsigned(bytes), bytes.size())));
  }
  // Code at an address, kCode if none is said, a stack below kStack, and eip there.
  void Place(std::string_view code, std::uint32_t at = kCode) {
    Write(at, code);
    cpu_.set_eip(at);
    cpu_.set_reg(I386Cpu::kEsp, kStack);
  }
  std::uint32_t Word(std::uint32_t address) const { return space_->Peek(VirtAddr(address)).value_or(0xDEADDEAD); }
  std::uint32_t Entry(std::uint32_t address) const { return space_->Translate(VirtAddr(address)).pte; }

 private:
  static const std::uint8_t* Unsigned(std::string_view bytes) {
    const void* data = bytes.data();
    return static_cast<const std::uint8_t*>(data);
  }

  PhysicalMemory memory_;
  CountedFrames frames_;
  std::unique_ptr<AddressSpace> space_;
  I386Cpu cpu_;
};

// What an instruction sequence finds, or leaves.
struct Scene {
  std::array<std::uint32_t, 8> registers{};
  std::uint32_t eflags = 0;
  std::uint32_t window_seed = 0;  // of what it finds: the window is filled by FillWindow
  std::array<std::uint8_t, i386::kWindowBytes> window{};
  bool divide_error = false;  // only of what it leaves: it stopped there
};

inline void FillWindow(Scene& scene) {
  std::uint32_t state = scene.window_seed;
  for (std::uint8_t& byte : scene.window) {  // Numerical Recipes' generator
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
}

// Compares what programs can see; "" if all is equal.
std::string Difference(const Scene& want, const Scene& got, std::uint32_t undefined_flags);

inline std::string Difference(const Scene& want, const Scene& got, std::uint32_t undefined_flags) {
  constexpr std::string_view kNames[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
  if (want.divide_error != got.divide_error) return want.divide_error ? "no divide error" : "a divide error";
  for (std::size_t i = 0; i < 8; ++i) {
    if (want.registers[i] != got.registers[i]) {
      return absl::StrFormat("%s: %#x, not %#x", kNames[i], got.registers[i], want.registers[i]);
    }
  }
  const std::uint32_t mask = (i386::kArithmeticFlags | i386::kDirection) & ~undefined_flags;
  if (!want.divide_error && ((want.eflags ^ got.eflags) & mask) != 0) {
    return absl::StrFormat("flags: %#x, not %#x, of %#x", got.eflags & mask, want.eflags & mask, mask);
  }
  for (std::size_t i = 0; i < want.window.size(); ++i) {
    if (want.window[i] != got.window[i]) {
      return absl::StrFormat("byte %d of the window: %#x, not %#x", i, got.window[i], want.window[i]);
    }
  }
  return "";
}

inline void Enter(GuestMachine& machine, const Scene& scene) {
  for (std::uint8_t i = 0; i < 8; ++i) machine.cpu().set_reg(static_cast<I386Cpu::Register>(i), scene.registers[i]);
  machine.cpu().set_eflags(scene.eflags);
  ALLOCLAB_CHECK(machine.space().Write(VirtAddr(i386::kWindow), scene.window));
}

inline Scene Leave(GuestMachine& machine, const Stop& stop) {
  Scene scene;
  for (std::uint8_t i = 0; i < 8; ++i) scene.registers[i] = machine.cpu().reg(static_cast<I386Cpu::Register>(i));
  scene.eflags = machine.cpu().eflags();
  scene.divide_error = stop.kind == Stop::Kind::kDivideError;
  ALLOCLAB_CHECK(machine.space().Read(VirtAddr(i386::kWindow), scene.window));
  return scene;
}

// Sequences of random instructions, made while a processor runs them one by one, so that each finds its operands in the window.
struct Sequence {
  Scene before;
  std::string i386, native;
  std::uint32_t undefined = 0;  // flags that are open at its end
  std::uint32_t instructions = 0;
  Stop stop;    // of the processor that ran it one by one
  Scene after;  // what that left
};

class Sequences {
 public:
  explicit Sequences(std::uint64_t seed) : engine_(seed), code_(engine_) {}
  Sequence Next();

 private:
  static constexpr std::uint32_t kCodeBytes = 15 * kPageBytes;  // each is put behind the one before, so all are decoded anew

  Scene RandomScene();

  std::mt19937_64 engine_;
  i386::RandomCode code_;
  GuestMachine machine_;
  std::uint32_t at_ = 0;
};

inline Scene Sequences::RandomScene() {
  Scene scene;
  for (std::uint32_t& reg : scene.registers) {
    reg = code_.Below(3) == 0 ? i386::kWindow + code_.Below(i386::kWindowBytes) : code_.Word();
  }
  scene.eflags = code_.Word() & (i386::kArithmeticFlags | i386::kDirection);
  scene.window_seed = static_cast<std::uint32_t>(engine_());
  FillWindow(scene);
  return scene;
}

inline Sequence Sequences::Next() {
  Sequence made;
  made.before = RandomScene();
  I386Cpu& cpu = machine_.cpu();
  if (at_ + 256 > kCodeBytes) {
    at_ = 0;
    cpu.ForgetTranslations();
  }
  Enter(machine_, made.before);
  const std::uint32_t count = 1 + code_.Below(5);
  std::optional<i386::RandomInstruction> skip;
  for (std::uint32_t done = 0; done < count || skip;) {
    const bool fresh = made.i386.empty() && !skip;
    std::array<std::uint32_t, 8> registers = Leave(machine_, {}).registers;
    i386::RandomInstruction next = code_.Next(registers, fresh, made.undefined);
    if (next.is_skip && (skip || done + 1 >= count)) continue;
    ++done;
    if (fresh) {
      made.before.registers = registers;
      Enter(machine_, made.before);
    }
    std::string bytes = next.i386;
    if (skip) {
      made.i386 += static_cast<char>(next.i386.size());
      made.native += static_cast<char>(next.native.size());
      bytes = skip->i386 + static_cast<char>(next.i386.size()) + bytes;
      skip.reset();
      next.defined = 0;
    }
    made.i386 += next.i386;
    made.native += next.native;
    if (next.is_skip) {
      skip = next;
      continue;
    }
    made.undefined = (made.undefined & ~next.defined) | next.undefined;
    machine_.Write(GuestMachine::kCode + at_, bytes);
    cpu.set_eip(GuestMachine::kCode + at_);
    at_ += static_cast<std::uint32_t>(bytes.size());
    while (cpu.eip() != GuestMachine::kCode + at_) {
      made.stop = cpu.Run(1);
      if (made.stop.kind != Stop::Kind::kBudget) break;
      ++made.instructions;
    }
    if (made.stop.kind != Stop::Kind::kBudget) break;
  }
  made.after = Leave(machine_, made.stop);
  return made;
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_GUEST_GUEST_TESTING_H_

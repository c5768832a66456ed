// The processor of a simulated i386: runs the program's own machine code in the machine's address space, and counts exactly.
//
// It has the integer instructions of the i386 to the Pentium Pro that compilers emit, in user mode with flat 32-bit segments
// (decoder.h names what is left out). Every access goes through the machine's page tables, sets A and D bits and brings pages
// on demand. Whatever goes wrong is a Stop; an instruction that faults has changed nothing but what the manual says (elements
// of a repeated string instruction, words of pusha and enter).
//
// Counts: 1 for each instruction that came to its end, also for a repeated string instruction. 1 load, 1 store for each access
// of memory, of whatever size and across pages too; cmpxchg8b makes two of each, a repeated string instruction those of its
// elements, an instruction that reads and writes one of each. Fetching instructions and walking page tables is not counted.
//
// Instructions are decoded once, into blocks. What the program itself writes over its code is noticed, and what anybody writes
// into page tables or over code in pages that the program may not write. When somebody else has written over other code,
// changed a mapping by AddressSpace, or begun or ended a journal, the owner calls ForgetTranslations().
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_GUEST_I386_CPU_H_
#define ALLOCLAB_ALLOCATORS_GUEST_I386_CPU_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "allocators/guest/core.h"
#include "allocators/guest/stop.h"
#include "allocators/machine/address_space.h"

namespace alloclab {

class I386Cpu {
 public:
  // A return to this address ends a call from outside. No instruction is fetched from it.
  static constexpr std::uint32_t kReturnAddress = 0xFFFF'FFF0;

  enum Register : std::uint8_t { kEax, kEcx, kEdx, kEbx, kEsp, kEbp, kEsi, kEdi };

  struct Counts {
    std::uint64_t instructions = 0, loads = 0, stores = 0;
    friend bool operator==(const Counts&, const Counts&) = default;
  };
  struct State {
    std::array<std::uint32_t, 8> registers{};
    std::uint32_t eip = 0;
    std::uint32_t eflags = 2;  // of them CF, PF, AF, ZF, SF, DF and OF are kept
    Counts counts;
    friend bool operator==(const State&, const State&) = default;
  };

  // All registers are 0. REQUIRES: the address space outlives the processor.
  explicit I386Cpu(AddressSpace& space);

  std::uint32_t reg(Register reg) const { return core_->registers[reg]; }
  void set_reg(Register reg, std::uint32_t value) { core_->registers[reg] = value; }
  std::uint32_t eip() const { return core_->eip; }
  void set_eip(std::uint32_t eip) {
    core_->eip = eip;
    core_->link = nullptr;
  }
  std::uint32_t eflags() const { return core_->Eflags(); }
  void set_eflags(std::uint32_t eflags) { core_->SetEflags(eflags); }
  Counts counts() const { return {instructions_, core_->loads, core_->stores}; }
  void ResetCounts();

  // Goes on at eip until something stops it, for at most so many steps: a step is an instruction, or one element of a repeated
  // string instruction. kBudget is exact, and running on from there is as if there had been no budget. The answer is good until
  // the next Run: who copies it in every call waits for it, as it is written in pieces.
  const Stop& Run(std::uint64_t steps);
  // Of the last Run.
  std::uint64_t steps_left() const { return core_->steps_left; }

  // Registers and stack as they are when a function begins: all of them 0 but esp, which is where the return address is, behind
  // it the arguments, up to `top`. False if a push faults; then AddressSpace::last_fault() tells.
  [[nodiscard]] bool BeginCall(std::uint32_t top, std::uint32_t function, std::span<const std::uint32_t> arguments) {
    core_->registers = {};
    set_eflags(0);
    set_eip(function);
    const auto bytes = static_cast<std::uint32_t>(arguments.size_bytes()) + kWordBytes;
    std::byte* place = core_->Place<std::uint32_t, Stop::Access::kWrite>(top - bytes);
    if (place == nullptr || (top - bytes) % kPageBytes + bytes > kPageBytes) [[unlikely]] {
      core_->registers[kEsp] = top;
      return Push(arguments) && Push(kReturnAddress);
    }
    core_->registers[kEsp] = top - bytes;
    std::memcpy(place, &kReturnAddress, kWordBytes);
    for (const std::uint32_t& word : arguments) std::memcpy(place += kWordBytes, &word, kWordBytes);
    return true;
  }
  // Pushes words, the last one first, as instructions would, but does not count it. False if it faults; then
  // AddressSpace::last_fault() tells, and those before that are pushed.
  [[nodiscard]] bool Push(std::span<const std::uint32_t> words);
  [[nodiscard]] bool Push(std::uint32_t word) { return Push(std::span(&word, 1)); }

  // Fills bytes of one page with 0, if a plain write there has no other effect; false: nothing is done.
  [[nodiscard]] bool TryZero(std::uint32_t address, std::uint32_t bytes) {
    std::byte* const place = core_->Place<std::uint8_t, Stop::Access::kWrite>(address);
    if (place == nullptr || bytes > kPageBytes - address % kPageBytes) return false;
    std::memset(place, 0, bytes);
    return true;
  }

  State Save() const;
  void Restore(const State& state);
  void ForgetTranslations() { core_->ForgetTranslations(); }
  std::uint64_t host_bytes() const;

 private:
  void RunBlocks();

  const std::unique_ptr<i386::Core> core_;
  std::uint64_t instructions_ = 0;
  Stop stop_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_GUEST_I386_CPU_H_

// Random i386 instructions for the tests: of those that do the same in 32-bit mode and, with another encoding where needed, in
// the 64-bit mode of the host's processor, which so is the judge of the simulated one. (A 64-bit processor truncates addresses
// to 32 bits after a prefix 67; words of a stack alone are different, so that only 16-bit pushes are here.)
#ifndef ALLOCLAB_ALLOCATORS_GUEST_RANDOM_CODE_H_
#define ALLOCLAB_ALLOCATORS_GUEST_RANDOM_CODE_H_

#include <array>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>

#include "allocators/guest/flags.h"

namespace alloclab::i386 {

// The memory that the instructions may use; a page ends in its middle.
inline constexpr std::uint32_t kWindow = 0x2000'0F00, kWindowBytes = 512;

struct RandomInstruction {
  std::string i386, native;
  std::uint32_t undefined = 0;  // flags that the manual leaves open
  std::uint32_t defined = 0;    // flags that it certainly sets
  bool is_skip = false;         // a jump on a condition over the instruction behind it: its last byte is that one's length
};

class RandomCode {
 public:
  explicit RandomCode(std::mt19937_64& engine) : engine_(engine) {}

  std::uint32_t Below(std::uint32_t end) { return static_cast<std::uint32_t>(engine_() >> 32) % end; }
  std::uint32_t Word();
  // An instruction for a processor in that state; it does not read flags that are `undefined`. It may change the registers if
  // `fresh`: the processor has not run yet.
  RandomInstruction Next(std::array<std::uint32_t, 8>& registers, bool fresh, std::uint32_t undefined);

 private:
  using Registers = std::array<std::uint32_t, 8>;
  bool Chance(std::uint32_t one_in) { return Below(one_in) == 0; }

  void Start(const Registers& registers);
  void Emit(std::initializer_list<unsigned> bytes);
  void Immediate(std::uint32_t number, std::uint32_t bytes);
  // Modrm, sib and displacement, with that in the register field. Registers unless `memory`, then never.
  void Operand(unsigned reg, bool memory);
  void MemoryOperand(unsigned reg);
  void Displacement(std::string& code, std::uint32_t displacement, std::uint32_t bytes);

  void Arithmetic(std::uint32_t undefined);
  void Moves(std::uint32_t undefined);
  void Unary();
  void Multiplication(Registers& registers, bool fresh);
  void Shifts(std::uint32_t undefined);
  void Bits(Registers& registers, bool fresh);
  void Exchanges();
  void FlagOps(std::uint32_t undefined);
  void Strings(Registers& registers, bool fresh);
  void Stack(Registers& registers, bool fresh, std::uint32_t undefined);
  void Skip(std::uint32_t undefined);
  // A condition that does not read those flags.
  unsigned Condition(std::uint32_t undefined);

  std::mt19937_64& engine_;
  const Registers* registers_ = nullptr;
  RandomInstruction made_;
  bool addresses_ = false;  // it needs the prefix natively
  bool size16_ = false;
};

}  // namespace alloclab::i386

#endif  // ALLOCLAB_ALLOCATORS_GUEST_RANDOM_CODE_H_

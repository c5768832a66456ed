// What a test may do to a machine, as values: made from random numbers or decoded from any bytes, printed as the C++ that makes
// them, so that a failure is pasted into a test.
//
// Blocks are named by their number among those that are live, modulo how many there are: instructions mean something on every
// allocator, and the same on any two that agree so far.
//
// Thread safety: values.
#ifndef ALLOCLAB_ALLOCATORS_TESTING_INSTRUCTIONS_H_
#define ALLOCLAB_ALLOCATORS_TESTING_INSTRUCTIONS_H_

#include <array>
#include <cstdint>
#include <functional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace alloclab {

// One field of an instruction, to print it.
struct InstructionField {
  std::string_view name;
  std::int64_t value;
};

struct Malloc {
  std::uint32_t bytes = 0;
  static constexpr std::string_view kName = "Malloc";
  auto fields() const { return std::array{InstructionField{"bytes", bytes}}; }
};
struct Calloc {
  std::uint32_t count = 0, bytes = 0;
  static constexpr std::string_view kName = "Calloc";
  auto fields() const { return std::array{InstructionField{"count", count}, InstructionField{"bytes", bytes}}; }
};
// Of null while no block is live.
struct Realloc {
  std::uint32_t block = 0, bytes = 0;
  static constexpr std::string_view kName = "Realloc";
  auto fields() const { return std::array{InstructionField{"block", block}, InstructionField{"bytes", bytes}}; }
};
struct Free {
  std::uint32_t block = 0;
  static constexpr std::string_view kName = "Free";
  auto fields() const { return std::array{InstructionField{"block", block}}; }
};
// An address that was freed lately; it may be a live block's again.
struct FreeAgain {
  std::uint32_t freed = 0;
  static constexpr std::string_view kName = "FreeAgain";
  auto fields() const { return std::array{InstructionField{"freed", freed}}; }
};
// So many bytes from a live block's address.
struct FreeNear {
  std::uint32_t block = 0;
  std::int32_t offset = 0;
  static constexpr std::string_view kName = "FreeNear";
  auto fields() const { return std::array{InstructionField{"block", block}, InstructionField{"offset", offset}}; }
};
// So many bytes from the start of the heap, modulo a little more than its size.
struct FreeInside {
  std::uint32_t offset = 0;
  static constexpr std::string_view kName = "FreeInside";
  auto fields() const { return std::array{InstructionField{"offset", offset}}; }
};
struct FreeAddress {
  std::uint32_t address = 0;
  static constexpr std::string_view kName = "FreeAddress";
  auto fields() const { return std::array{InstructionField{"address", address}}; }
};
struct ReallocInside {
  std::uint32_t offset = 0, bytes = 0;
  static constexpr std::string_view kName = "ReallocInside";
  auto fields() const { return std::array{InstructionField{"offset", offset}, InstructionField{"bytes", bytes}}; }
};
struct AllocatePages {
  std::uint32_t pages = 0;
  static constexpr std::string_view kName = "AllocatePages";
  auto fields() const { return std::array{InstructionField{"pages", pages}}; }
};
// Any length.
struct AllocateLength {
  std::uint32_t bytes = 0;
  static constexpr std::string_view kName = "AllocateLength";
  auto fields() const { return std::array{InstructionField{"bytes", bytes}}; }
};
struct FreePages {
  std::uint32_t block = 0;
  static constexpr std::string_view kName = "FreePages";
  auto fields() const { return std::array{InstructionField{"block", block}}; }
};
// A part of a block of pages; both numbers modulo what the block has.
struct FreePagesPart {
  std::uint32_t block = 0, from = 0, pages = 0;
  static constexpr std::string_view kName = "FreePagesPart";
  auto fields() const {
    return std::array{InstructionField{"block", block}, InstructionField{"from", from}, InstructionField{"pages", pages}};
  }
};
// So many bytes from the arena's start, modulo a little more than its size, and any length.
struct FreeRange {
  std::uint32_t offset = 0, bytes = 0;
  static constexpr std::string_view kName = "FreeRange";
  auto fields() const { return std::array{InstructionField{"offset", offset}, InstructionField{"bytes", bytes}}; }
};
// Frames run dry: takes them one by one until so many are left.
struct TakeFramesUntil {
  std::uint32_t left = 0;
  static constexpr std::string_view kName = "TakeFramesUntil";
  auto fields() const { return std::array{InstructionField{"left", left}}; }
};
// Gives back what TakeFramesUntil took.
struct GiveFrames {
  static constexpr std::string_view kName = "GiveFrames";
  auto fields() const { return std::array<InstructionField, 0>{}; }
};

using Instruction =
    std::variant<Malloc, Calloc, Realloc, Free, FreeAgain, FreeNear, FreeInside, FreeAddress, ReallocInside, AllocatePages,
                 AllocateLength, FreePages, FreePagesPart, FreeRange, TakeFramesUntil, GiveFrames>;
using Instructions = std::vector<Instruction>;

std::ostream& operator<<(std::ostream& out, const Instruction& instruction);  // Malloc{.bytes = 24}
// A list to paste: "{Malloc{.bytes = 24},\n Free{}}".
std::string Print(std::span<const Instruction> instructions);

// What instructions are like.
struct Mix {
  std::string_view name;
  // How often each is taken, in the order of Instruction.
  std::array<std::uint8_t, std::variant_size_v<Instruction>> weights;
  std::uint32_t bytes_max = 512;  // of most requests
  std::uint32_t pages_max = 4;
  bool extreme_sizes = false;     // requests of no bytes, and of up to 4 GiB
  std::uint64_t ram_bytes = 0;    // 0: the least that the allocators need, and some
  std::uint32_t limit_bytes = 0;  // of the heap, for allocators with such a parameter
};

// Whether a program that does these things is correct, and small enough never to be refused.
std::span<const Mix> CorrectMixes();
// Programs that do anything.
std::span<const Mix> WildMixes();

// At most `count`, as many as the bytes last for. Every string of bytes is some instructions.
Instructions Decode(std::span<const std::uint8_t> bytes, const Mix& mix, std::size_t count);
// `count` of them; the same for the same seed.
Instructions RandomInstructions(std::uint64_t seed, const Mix& mix, std::size_t count);

// The shortest part of the list that is found by taking out pieces of it while `fails` holds. REQUIRES: it fails as a whole.
Instructions Shrink(Instructions instructions, const std::function<bool(std::span<const Instruction>)>& fails);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_TESTING_INSTRUCTIONS_H_

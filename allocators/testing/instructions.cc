#include "allocators/testing/instructions.h"

#include <algorithm>
#include <numeric>
#include <sstream>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/machine/address.h"
#include "allocators/workload/xoshiro256.h"

namespace alloclab {
namespace {

// Numbers at least this large are addresses or wrap: shown in hexadecimal.
constexpr std::int64_t kHexFrom = 1 << 24;

std::string ValueText(std::int64_t value) { return value >= kHexFrom ? absl::StrFormat("%#x", value) : absl::StrCat(value); }

// Bytes as numbers; zeroes behind their end.
class Decoder {
 public:
  Decoder(std::span<const std::uint8_t> bytes, const Mix& mix)
      : bytes_(bytes), mix_(mix), weights_(std::accumulate(mix.weights.begin(), mix.weights.end(), 0u)) {
    ALLOCLAB_CHECK_GE(weights_, 1u);
  }

  bool done() const { return at_ >= bytes_.size(); }

  Instruction Next() {
    std::uint32_t ticket = Short() % weights_;
    std::size_t kind = 0;
    while (ticket >= mix_.weights[kind]) ticket -= mix_.weights[kind++];
    return Make(kind, std::make_index_sequence<std::variant_size_v<Instruction>>());
  }

 private:
  template <std::size_t... kKinds>
  Instruction Make(std::size_t kind, std::index_sequence<kKinds...>) {
    Instruction instruction;
    ((kind == kKinds ? void(instruction = Read(std::variant_alternative_t<kKinds, Instruction>())) : void()), ...);
    return instruction;
  }

  std::uint32_t Byte() { return done() ? 0 : bytes_[at_++]; }
  std::uint32_t Short() {
    const std::uint32_t low = Byte();
    return low | Byte() << 8;
  }
  std::uint32_t Word() {
    const std::uint32_t low = Short();
    return low | Short() << 16;
  }

  // A request: mostly small, some about a page, some about a power of two.
  std::uint32_t Size() {
    const std::uint32_t choice = Byte() % 16;
    if (choice == 0 && mix_.extreme_sizes) return 0;
    if (choice == 1 && mix_.extreme_sizes) return Word() | ~0u << Byte() % 32;
    if (choice < 8) return 1 + Byte() % std::min(mix_.bytes_max, 64u);
    const std::uint32_t size = 1 + (mix_.bytes_max > 0xFFFF ? Word() : Short()) % mix_.bytes_max;
    if (choice == 8) return std::clamp((1u << Byte() % 13) + Byte() % 16, 8u, mix_.bytes_max + 7) - 7;
    return choice == 9 ? std::min(mix_.bytes_max, kPageBytes - 32 + size % 64) : size;
  }
  // A length in bytes, mostly of whole pages.
  std::uint32_t Length() {
    const std::uint32_t choice = Byte() % 8;
    if (choice == 0) return Word();
    return (Byte() % (mix_.pages_max + 1)) * kPageBytes + (choice == 1 ? Byte() : 0);
  }
  std::uint32_t Offset() {
    const std::uint32_t offset = Word();
    return Byte() % 4 == 0 ? offset : offset & ~7u;
  }
  std::uint32_t PageOffset() {
    const std::uint32_t offset = Word();
    return Byte() % 8 == 0 ? offset : offset & ~(kPageBytes - 1);
  }

  Malloc Read(Malloc) { return {.bytes = Size()}; }
  Calloc Read(Calloc) {
    const std::uint32_t count = mix_.extreme_sizes && Byte() % 8 == 0 ? Word() : 1 + Byte() % 4;
    const std::uint32_t bytes = Size();
    return {.count = count, .bytes = mix_.extreme_sizes ? bytes : 1 + bytes / 4};
  }
  Realloc Read(Realloc) {
    const std::uint32_t block = Byte();
    return {.block = block, .bytes = Size()};
  }
  Free Read(Free) { return {.block = Byte()}; }
  FreeAgain Read(FreeAgain) { return {.freed = Byte() % 16}; }
  FreeNear Read(FreeNear) {
    const std::uint32_t block = Byte();
    return {.block = block, .offset = static_cast<std::int32_t>(Byte()) - 128};
  }
  FreeInside Read(FreeInside) { return {.offset = Offset()}; }
  FreeAddress Read(FreeAddress) { return {.address = Word()}; }
  ReallocInside Read(ReallocInside) {
    const std::uint32_t offset = Offset();
    return {.offset = offset, .bytes = Size()};
  }
  AllocatePages Read(AllocatePages) { return {.pages = 1 + Byte() % mix_.pages_max}; }
  AllocateLength Read(AllocateLength) { return {.bytes = Length()}; }
  FreePages Read(FreePages) { return {.block = Byte()}; }
  FreePagesPart Read(FreePagesPart) {
    const std::uint32_t block = Byte(), from = Byte();
    return {.block = block, .from = from, .pages = Byte()};
  }
  FreeRange Read(FreeRange) {
    const std::uint32_t offset = PageOffset();
    return {.offset = offset, .bytes = Length()};
  }
  TakeFramesUntil Read(TakeFramesUntil) { return {.left = Byte() % 6}; }
  GiveFrames Read(GiveFrames) { return {}; }

  const std::span<const std::uint8_t> bytes_;
  const Mix& mix_;
  const std::uint32_t weights_;
  std::size_t at_ = 0;
};

// In the order of Instruction: malloc calloc realloc free, again near inside address realloc-inside, pages length free part
// range, take give.
constexpr Mix kCorrectMixes[] = {
    {.name = "Tiny", .weights = {30, 5, 10, 36}, .bytes_max = 64},
    {.name = "Small", .weights = {30, 5, 10, 36, 0, 0, 0, 0, 0, 3, 0, 3, 1}, .bytes_max = 700, .ram_bytes = 4 << 20},
    {.name = "Mixed", .weights = {30, 5, 10, 38, 0, 0, 0, 0, 0, 3, 0, 3, 1}, .bytes_max = 20'000, .ram_bytes = 64 << 20},
    {.name = "Pages", .weights = {4, 1, 1, 5, 0, 0, 0, 0, 0, 20, 0, 22, 6}, .pages_max = 9, .ram_bytes = 16 << 20},
};
constexpr Mix kWildMixes[] = {
    {.name = "Misused",
     .weights = {30, 6, 8, 32, 10, 8, 8, 3, 6, 6, 3, 6, 4, 8, 0, 0},
     .bytes_max = 600,
     .extreme_sizes = true},
    {.name = "RunsDry", .weights = {30, 6, 16, 32, 1, 1, 1, 1, 1, 2, 1, 2, 1, 1, 12, 8}, .bytes_max = 9'000},
    {.name = "FullRam", .weights = {40, 6, 16, 30, 1, 1, 1, 1, 1, 2, 1, 2, 1, 1, 0, 0}, .bytes_max = 60'000},
    {.name = "NearTheLimit",
     .weights = {40, 6, 16, 30, 1, 1, 1, 1, 1, 2, 1, 2, 1, 1, 0, 0},
     .bytes_max = 500'000,
     .extreme_sizes = true,
     .ram_bytes = 16 << 20,
     .limit_bytes = 4 << 20},
    {.name = "PagesMisused", .weights = {3, 1, 1, 4, 0, 0, 0, 0, 0, 24, 6, 18, 12, 24, 1, 1}, .pages_max = 9},
};

}  // namespace

std::ostream& operator<<(std::ostream& out, const Instruction& instruction) {
  std::visit(
      [&out](const auto& value) {
        out << value.kName << '{';
        std::string_view separator = "";
        for (const InstructionField& field : value.fields()) {
          if (field.value == 0) continue;
          out << std::exchange(separator, ", ") << '.' << field.name << " = " << ValueText(field.value);
        }
        out << '}';
      },
      instruction);
  return out;
}

std::string Print(std::span<const Instruction> instructions) {
  std::ostringstream out;
  std::string_view separator = "{";
  for (const Instruction& instruction : instructions) out << std::exchange(separator, ",\n ") << instruction;
  out << (instructions.empty() ? "{}" : "}");
  return out.str();
}

std::span<const Mix> CorrectMixes() { return kCorrectMixes; }
std::span<const Mix> WildMixes() { return kWildMixes; }

Instructions Decode(std::span<const std::uint8_t> bytes, const Mix& mix, std::size_t count) {
  Decoder decoder(bytes, mix);
  Instructions instructions;
  while (!decoder.done() && instructions.size() < count) instructions.push_back(decoder.Next());
  return instructions;
}

Instructions RandomInstructions(std::uint64_t seed, const Mix& mix, std::size_t count) {
  constexpr std::size_t kInstructionBytesMax = 16;
  Xoshiro256 random(seed);
  std::vector<std::uint8_t> bytes(count * kInstructionBytesMax);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.Next() >> 56);
  return Decode(bytes, mix, count);
}

Instructions Shrink(Instructions instructions, const std::function<bool(std::span<const Instruction>)>& fails) {
  ALLOCLAB_CHECK(fails(instructions));
  for (std::size_t piece = std::max<std::size_t>(1, instructions.size() / 2);; piece /= 2) {
    for (std::size_t at = 0; at < instructions.size();) {
      Instructions without = instructions;
      const auto from = without.begin() + static_cast<std::ptrdiff_t>(at);
      without.erase(from, from + static_cast<std::ptrdiff_t>(std::min(piece, instructions.size() - at)));
      if (fails(without)) {
        instructions = std::move(without);
      } else {
        at += piece;
      }
    }
    if (piece <= 1) return instructions;
  }
}

}  // namespace alloclab

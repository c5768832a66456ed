#include "allocators/guest/program_text.h"

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_format.h"
#include "allocators/common/printable.h"

namespace alloclab {
namespace {

// The length of the letter of UTF-8 that `text` begins with; 0: it begins with none.
std::size_t LetterLength(std::string_view text) {
  const auto byte = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  std::uint32_t letter = first & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    letter = letter << 6 | (byte(i) & 0x3F);
  }
  const bool too_long = (length == 3 && letter < 0x800) || (length == 4 && letter < 0x1'0000);
  const bool surrogate = letter >= 0xD800 && letter < 0xE000;
  return too_long || surrogate || letter > 0x10'FFFF ? 0 : length;
}

}  // namespace

std::string ProgramText(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const std::size_t letter = LetterLength(text);
    if (letter != 0) {
      valid += Printable(text.substr(0, letter));
      text.remove_prefix(letter);
    } else {
      absl::StrAppendFormat(&valid, "\\x%02x", static_cast<unsigned char>(text.front()));
      text.remove_prefix(1);
    }
  }
  return valid;
}

}  // namespace alloclab

// Text of strangers, made fit for terminals, tables and logs.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_PRINTABLE_H_
#define ALLOCLAB_ALLOCATORS_COMMON_PRINTABLE_H_

#include <string>
#include <string_view>

namespace alloclab {

// The length of the control character of UTF-8 that `text` begins with: 1 (below 0x20, and 0x7F) or 2 (U+0080 to U+009F); else
// 0.
constexpr std::size_t ControlLength(std::string_view text) {
  const auto byte = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0x20u; };
  if (byte(0) < 0x20 || byte(0) == 0x7F) return 1;
  return byte(0) == 0xC2 && byte(1) >= 0x80 && byte(1) < 0xA0 ? 2 : 0;
}

// With control characters as "\x1b".
std::string Printable(std::string_view text);
bool IsPrintable(std::string_view text);

// As the inside of a JSON string.
std::string JsonEscaped(std::string_view text);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_PRINTABLE_H_

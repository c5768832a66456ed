#include "allocators/common/printable.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_format.h"

namespace alloclab {
namespace {

struct Unseen {
  std::size_t length = 0;  // in bytes; 0: there is none
  unsigned code = 0;
};

// What `text` begins with, if that is a control character, or one that is not seen itself but turns the order of what follows
// round, or breaks the line: U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069.
Unseen UnseenAt(std::string_view text) {
  if (const std::size_t length = ControlLength(text); length > 0) return {length, static_cast<unsigned char>(text[length - 1])};
  if (text.size() < 3 || text[0] != '\xE2') return {};
  const unsigned middle = static_cast<unsigned char>(text[1]), last = static_cast<unsigned char>(text[2]);
  const bool turns = (middle == 0x80 && (last == 0x8E || last == 0x8F || (last >= 0xA8 && last <= 0xAE))) ||
                     (middle == 0x81 && last >= 0xA6 && last <= 0xA9);
  return turns ? Unseen{3, 0x2000 + (middle - 0x80) * 64 + (last - 0x80)} : Unseen{};
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const Unseen unseen = UnseenAt(text);
    if (unseen.length == 0) {
      result += text.front();
    } else if (unseen.code < 0x100) {
      absl::StrAppendFormat(&result, "\\x%02x", unseen.code);
    } else {
      absl::StrAppendFormat(&result, "\\u%04x", unseen.code);
    }
    text.remove_prefix(std::max<std::size_t>(unseen.length, 1));
  }
  return result;
}

bool IsPrintable(std::string_view text) {
  for (; !text.empty(); text.remove_prefix(1)) {
    if (UnseenAt(text).length != 0) return false;
  }
  return true;
}

std::string JsonEscaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Unseen unseen = UnseenAt(text);
    const char letter = text[0];
    text.remove_prefix(std::max<std::size_t>(unseen.length, 1));
    switch (letter) {
      case '"':
      case '\\':
        out += {'\\', letter};
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (unseen.length != 0) {
          absl::StrAppendFormat(&out, "\\u%04x", unseen.code);
        } else {
          out += letter;
        }
    }
  }
  return out;
}

}  // namespace alloclab

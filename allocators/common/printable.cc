#include "allocators/common/printable.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_format.h"

namespace alloclab {

std::string Printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t control = ControlLength(text);
    if (control == 0) {
      result += text.front();
      text.remove_prefix(1);
    } else {
      absl::StrAppendFormat(&result, "\\x%02x", static_cast<unsigned char>(text[control - 1]));
      text.remove_prefix(control);
    }
  }
  return result;
}

bool IsPrintable(std::string_view text) {
  for (; !text.empty(); text.remove_prefix(1)) {
    if (ControlLength(text) != 0) return false;
  }
  return true;
}

std::string JsonEscaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t control = ControlLength(text);
    const char letter = text[control > 0 ? control - 1 : 0];
    text.remove_prefix(std::max<std::size_t>(control, 1));
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
        if (control != 0) {
          absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned char>(letter));
        } else {
          out += letter;
        }
    }
  }
  return out;
}

}  // namespace alloclab

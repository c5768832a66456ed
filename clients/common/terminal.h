// What the terminal can show: colour or not, and text that cannot play tricks on it.
#ifndef ALLOCLAB_CLIENTS_COMMON_TERMINAL_H_
#define ALLOCLAB_CLIENTS_COMMON_TERMINAL_H_

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

#include "allocators/common/columns.h"
#include "allocators/common/printable.h"

namespace alloclab::client {

enum class ColorMode { kAuto, kAlways, kNever };

bool IsTerminal(std::FILE* stream);
// kAuto: on a terminal, unless NO_COLOR is set or TERM is "dumb".
bool UseColor(ColorMode mode, std::FILE* stream);

enum class Tone { kPlain, kBold, kDim, kGood, kWarning, kBad, kLive, kFree, kMeta };

// Paints text, or leaves it alone.
class Style {
 public:
  explicit Style(bool color) : color_(color) {}
  bool color() const { return color_; }
  std::string Paint(Tone tone, std::string_view text) const;

 private:
  bool color_;
};

// What of the text fits into `width` columns.
std::string_view FirstColumns(std::string_view text, std::size_t width);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_TERMINAL_H_

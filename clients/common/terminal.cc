#include "clients/common/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

namespace alloclab::client {
namespace {

std::string_view Code(Tone tone) {
  switch (tone) {
    case Tone::kPlain:
      return "";
    case Tone::kBold:
      return "1";
    case Tone::kDim:
      return "2";
    case Tone::kGood:
      return "32";
    case Tone::kWarning:
      return "33";
    case Tone::kBad:
      return "1;31";
    case Tone::kLive:
      return "34";
    case Tone::kFree:
      return "32";
    case Tone::kMeta:
      return "35";
  }
  return "";
}

}  // namespace

bool IsTerminal(std::FILE* stream) { return isatty(fileno(stream)) == 1; }

bool UseColor(ColorMode mode, std::FILE* stream) {
  if (mode != ColorMode::kAuto) return mode == ColorMode::kAlways;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  if (no_color != nullptr && *no_color != '\0') return false;
  return IsTerminal(stream) && (term == nullptr || std::string_view(term) != "dumb");
}

std::string Style::Paint(Tone tone, std::string_view text) const {
  if (!color_ || tone == Tone::kPlain || text.empty()) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", Code(tone), text);
}

std::string_view FirstColumns(std::string_view text, std::size_t width) {
  std::size_t end = 0;
  for (std::size_t columns = 0; end < text.size(); ++end) {
    const bool begins_column = (text[end] & 0xC0) != 0x80;
    if (begins_column && columns++ == width) break;
  }
  return text.substr(0, end);
}

}  // namespace alloclab::client

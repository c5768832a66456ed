#include "clients/common/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/numbers.h"

namespace alloclab::client {
namespace {

constexpr int kWidthMin = 40;
constexpr int kWidthMax = 400;

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

int TerminalWidth(std::FILE* stream) {
  int width = 0;
  if (const char* columns = std::getenv("COLUMNS"); columns != nullptr && absl::SimpleAtoi(columns, &width) && width > 0) {
    return std::clamp(width, kWidthMin, kWidthMax);
  }
  winsize size{};
  if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return std::clamp(static_cast<int>(size.ws_col), kWidthMin, kWidthMax);
}

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

std::size_t DisplayWidth(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string_view FirstColumns(std::string_view text, std::size_t width) {
  std::size_t end = 0;
  for (std::size_t columns = 0; end < text.size(); ++end) {
    const bool begins_column = (text[end] & 0xC0) != 0x80;
    if (begins_column && columns++ == width) break;
  }
  return text.substr(0, end);
}

std::vector<std::string> WrapWords(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (DisplayWidth(text) > width) {
    // The last space that leaves a line short enough, or else the first one.
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    std::size_t space = text.find(' ');
    for (std::size_t next = space; next != std::string_view::npos && DisplayWidth(text.substr(0, next)) <= width;
         next = text.find(' ', next + 1)) {
      space = next;
    }
    if (space == std::string_view::npos) break;
    const std::string_view line = text.substr(0, space);
    lines.emplace_back(line.substr(0, line.find_last_not_of(' ') + 1));
    text.remove_prefix(std::min(text.find_first_not_of(' ', space), text.size()));
  }
  if (lines.empty() || !text.empty()) lines.emplace_back(text);
  return lines;
}

}  // namespace alloclab::client

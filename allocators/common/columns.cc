#include "allocators/common/columns.h"

#include <sys/ioctl.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/numbers.h"

namespace alloclab {
namespace {

constexpr int kWidthMin = 40;
constexpr int kWidthMax = 400;

}  // namespace

int TerminalWidth(std::FILE* stream) {
  int width = 0;
  if (const char* columns = std::getenv("COLUMNS"); columns != nullptr && absl::SimpleAtoi(columns, &width) && width > 0) {
    return std::clamp(width, kWidthMin, kWidthMax);
  }
  winsize size{};
  if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return std::clamp(static_cast<int>(size.ws_col), kWidthMin, kWidthMax);
}

std::size_t DisplayWidth(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
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

}  // namespace alloclab

#include "allocators/common/check.h"

#include <cstdio>
#include <cstdlib>

namespace alloclab::check {

void Fail(std::string_view what, std::string_view file, int line) { Fail(what, file, line, {}); }

void Fail(std::string_view what, std::string_view file, int line, std::string_view values) {
  std::string text(file);
  text.append(":").append(std::to_string(line)).append(": check failed: ").append(what);
  if (!values.empty()) text.append(" (").append(values).append(")");
  text.append("\n");
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
  std::abort();
}

std::string HexText(unsigned long long value) {
  char text[2 + 2 * sizeof value + 1];
  const int length = std::snprintf(text, sizeof text, "0x%08llX", value);
  return std::string(text, static_cast<std::size_t>(length));
}

std::string Quoted(std::string_view text) { return std::string(1, '"').append(text).append(1, '"'); }

}  // namespace alloclab::check

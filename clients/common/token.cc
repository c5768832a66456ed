#include "clients/common/token.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "absl/strings/ascii.h"

namespace alloclab::client {
namespace {

constexpr std::size_t kTokenBytesMax = 128;

// As it stands in a header.
absl::StatusOr<std::string> CheckToken(const std::string& text, std::string_view where) {
  const std::string token(absl::StripAsciiWhitespace(text));
  const bool printable = std::all_of(token.begin(), token.end(), [](unsigned char c) { return absl::ascii_isgraph(c); });
  if (!token.empty() && token.size() <= kTokenBytesMax && printable) return token;
  return absl::InvalidArgumentError(
      fmt::format("{} holds no token; expected what alloclabd token create printed, alloclab_ and 43 more characters", where));
}

}  // namespace

TokenOptions& TokenOfProcess() {
  static TokenOptions& options = *new TokenOptions;
  return options;
}

absl::StatusOr<std::string> ReadToken(const TokenOptions& options) {
  if (options.file.empty()) {
    const char* const variable = std::getenv("ALLOCLAB_TOKEN");
    if (variable == nullptr || *variable == '\0') return "";
    return CheckToken(variable, "ALLOCLAB_TOKEN");
  }
  const std::string where = fmt::format("--token-file {}", options.file);
  std::ifstream file(options.file);
  std::string line(kTokenBytesMax + 2, '\0');
  file.read(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(static_cast<std::size_t>(file.gcount()));
  if (!file.is_open() || file.bad() || (line.empty() && !file.eof())) {
    return absl::InvalidArgumentError(fmt::format("{}: cannot be read", where));
  }
  return CheckToken(line.substr(0, line.find('\n')), where);
}

}  // namespace alloclab::client

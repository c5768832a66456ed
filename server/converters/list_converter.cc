#include "server/converters/list_converter.h"

#include <fmt/format.h>

#include <charconv>

#include "server/errors.h"

namespace alloclab::server {

absl::StatusOr<std::uint32_t> PageSizeFromProto(std::uint32_t asked, std::uint32_t preset, std::uint32_t max) {
  if (asked > max) return errors::BadField("page_size", fmt::format("{} is above {}", asked, max));
  return asked == 0 ? preset : asked;
}

absl::StatusOr<std::uint64_t> PageTokenFromProto(const std::string& token) {
  std::uint64_t id = 0;
  if (token.empty()) return id;
  const char* const end = token.data() + token.size();
  const auto [parsed, error] = std::from_chars(token.data(), end, id);
  if (error != std::errc() || parsed != end || id == 0 || id > INT64_MAX) {
    return errors::BadField("page_token", fmt::format("\"{}\" is not a next_page_token of this list", token));
  }
  return id;
}

}  // namespace alloclab::server

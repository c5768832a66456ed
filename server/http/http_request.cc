#include "server/http/http_request.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "allocators/common/quantity.h"

namespace alloclab::server {
namespace {

constexpr std::size_t kQuotedBytesMax = 80;

// Hostile bytes never reach a terminal or a JSON text as they are.
std::string Quote(absl::string_view text) {
  return absl::StrCat("\"", absl::CHexEscape(text.substr(0, kQuotedBytesMax)), text.size() > kQuotedBytesMax ? "...\"" : "\"");
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = absl::ascii_tolower(static_cast<unsigned char>(c));
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

absl::StatusOr<std::string> Unescape(absl::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return absl::InvalidArgumentError(
            absl::StrCat("bad escape in ", Quote(text), ": expected % and two hexadecimal digits"));
      }
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) {
      return absl::InvalidArgumentError(absl::StrCat("unprintable byte in ", Quote(text), ": expected ASCII text"));
    }
    out.push_back(c);
  }
  return out;
}

absl::StatusOr<std::vector<std::string>> ParsePath(absl::string_view path) {
  if (path.empty() || path.front() != '/') {
    return absl::InvalidArgumentError(absl::StrCat("bad path ", Quote(path), ": expected one that starts with /"));
  }
  std::vector<std::string> parts;
  for (const absl::string_view escaped : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    absl::StatusOr<std::string> part = Unescape(escaped);
    if (!part.ok()) return part.status();
    if (*part == "." || *part == ".." || part->find_first_of("/\\") != std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat("bad path ", Quote(path), ": expected no \".\", \"..\" or escaped slash"));
    }
    parts.push_back(*std::move(part));
  }
  return parts;
}

}  // namespace

absl::StatusOr<HttpRequest> ParseTarget(absl::string_view path, absl::string_view query) {
  if (path.size() + query.size() > kTargetBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("address too long: expected at most ", kTargetBytesMax, " bytes"));
  }
  HttpRequest request;
  absl::StatusOr<std::vector<std::string>> parts = ParsePath(path);
  if (!parts.ok()) return parts.status();
  request.path = *std::move(parts);
  for (const absl::string_view item : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> split = absl::StrSplit(item, absl::MaxSplits('=', 1));
    const absl::StatusOr<std::string> name = Unescape(split.first), value = Unescape(split.second);
    if (!name.ok()) return name.status();
    if (!value.ok()) return value.status();
    if (!request.query.emplace(*name, *value).second) {
      return absl::InvalidArgumentError(absl::StrCat("parameter ", Quote(*name), " given twice"));
    }
  }
  return request;
}

absl::Status HttpRequest::CheckParameters(const std::set<absl::string_view>& known) const {
  for (const auto& [name, value] : query) {
    if (known.contains(name)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("unknown parameter ", Quote(name), ": expected ", known.empty() ? "none" : absl::StrJoin(known, ", ")));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::uint64_t> HttpRequest::Number(absl::string_view name, std::uint64_t absent, std::uint64_t min,
                                                  std::uint64_t max) const {
  const auto found = query.find(name);
  if (found == query.end()) return absent;
  const absl::StatusOr<std::uint64_t> value = ParseQuantity(found->second);
  if (!value.ok() || *value < min || *value > max) {
    return absl::InvalidArgumentError(
        absl::StrCat("parameter ", name, "=", Quote(found->second), ": expected a number from ", min, " to ", max));
  }
  return *value;
}

std::string HttpRequest::Text(absl::string_view name) const {
  const auto found = query.find(name);
  return found == query.end() ? std::string() : found->second;
}

}  // namespace alloclab::server

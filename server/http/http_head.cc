#include "server/http/http_head.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace alloclab::server {
namespace {

constexpr absl::string_view kLineEnd = "\r\n";
constexpr absl::string_view kTokenMarks = "!#$%&'*+-.^_`|~";  // beside letters and digits: RFC 9110, 5.6.2

absl::Status Bad(absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("bad request: ", what, "; expected HTTP/1.1 with at most ", kHttpHeadBytesMax, " bytes of headers"));
}

bool IsToken(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains(kTokenMarks, c);
  });
}

bool HasControl(absl::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return c != '\t' && absl::ascii_iscntrl(static_cast<unsigned char>(c)); });
}

// "GET /path?query HTTP/1.1"
absl::Status ParseRequestLine(absl::string_view line, HttpHead& head) {
  const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
  if (words.size() != 3 || !IsToken(words[0]) || words[1].empty() || HasControl(line)) return Bad("its first line");
  if (words[2] != "HTTP/1.1" && words[2] != "HTTP/1.0") return Bad("its version");
  head.method = words[0];
  const std::size_t question = words[1].find('?');
  head.path = words[1].substr(0, question);
  if (question != absl::string_view::npos) head.query = words[1].substr(question + 1);
  return absl::OkStatus();
}

}  // namespace

absl::string_view HttpHead::Header(absl::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [&](const auto& header) { return absl::EqualsIgnoreCase(header.first, name); });
  return found == headers.end() ? absl::string_view() : found->second;
}

std::size_t HttpHead::Count(absl::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      headers.begin(), headers.end(), [&](const auto& header) { return absl::EqualsIgnoreCase(header.first, name); }));
}

absl::StatusOr<HttpHead> ParseHead(absl::string_view bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == absl::string_view::npos || end + 4 > kHttpHeadBytesMax) return Bad("its headers do not end");
  HttpHead head;
  bool first = true;
  for (const absl::string_view line : absl::StrSplit(bytes.substr(0, end), kLineEnd)) {
    if (first) {
      if (absl::Status status = ParseRequestLine(line, head); !status.ok()) return status;
      first = false;
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == absl::string_view::npos || !IsToken(line.substr(0, colon)) || HasControl(line)) return Bad("a header");
    head.headers.emplace_back(line.substr(0, colon), absl::StripAsciiWhitespace(line.substr(colon + 1)));
  }
  return head;
}

}  // namespace alloclab::server

#include "server/http/host_names.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace alloclab::server {
namespace {

constexpr std::size_t kHostBytesMax = 253;  // of a name in the DNS

// The name in a Host header, without its port.
absl::string_view WithoutPort(absl::string_view header) {
  const std::size_t colon = header.rfind(':');
  const std::size_t bracket = header.rfind(']');
  if (colon == absl::string_view::npos || (bracket != absl::string_view::npos && colon < bracket)) return header;
  return header.substr(0, colon);
}

bool IsAddress(absl::string_view host) {
  in6_addr parsed{};
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    return inet_pton(AF_INET6, std::string(host.substr(1, host.size() - 2)).c_str(), &parsed) == 1;
  return inet_pton(AF_INET, std::string(host).c_str(), &parsed) == 1;
}

bool IsName(absl::string_view text) {
  return !text.empty() && text.size() <= kHostBytesMax && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_';
  });
}

}  // namespace

absl::StatusOr<HostNames> HostNames::Parse(absl::string_view list) {
  HostNames names;
  if (list.empty()) return names;
  for (const absl::string_view name : absl::StrSplit(list, ',')) {
    if (!IsName(name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", absl::CHexEscape(name),
                       "\" is not the name of a host; names are expected, without ports, separated "
                       "by commas, such as lab.example,server"));
    }
    names.names_.insert(absl::AsciiStrToLower(name));
  }
  return names;
}

absl::Status HostNames::Check(absl::string_view host_header) const {
  const std::string host = absl::AsciiStrToLower(WithoutPort(host_header));
  if (host == "localhost" || IsAddress(host) || names_.contains(host)) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat("the Host header \"", absl::CHexEscape(host_header.substr(0, kHostBytesMax)),
                   "\" names another host: expected localhost, an address, or a name of --allowed-hosts"));
}

}  // namespace alloclab::server

// What a browser asks for, taken apart strictly: a request that is odd in any way is refused, never repaired.
#ifndef ALLOCLAB_SERVER_HTTP_HTTP_REQUEST_H_
#define ALLOCLAB_SERVER_HTTP_HTTP_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace alloclab::server {

inline constexpr std::size_t kTargetBytesMax = 2048;  // of path and query together

struct HttpRequest {
  bool changes = false;           // POST; otherwise it only reads
  std::vector<std::string> path;  // decoded, without empty parts: "/api/runs/7" -> {"api", "runs", "7"}; "/" -> {}
  std::map<std::string, std::string, std::less<>> query;
  std::string if_none_match, authorization, cookie;  // the headers, or empty
  std::string peer;                                  // the client's address without the port: "127.0.0.1"
  std::string caller;                                // who asks, as whoever let him in found; empty: nobody in particular
  std::uint64_t body_bytes = 0;                      // that follow, of a POST where one may have a body

  // INVALID_ARGUMENT naming a parameter that is not one of `known`.
  absl::Status CheckParameters(const std::set<absl::string_view>& known) const;
  // A number (decimal, 0x, Ki, Mi, Gi) of the query, or `absent`. INVALID_ARGUMENT: not a number, below `min` or above `max`.
  absl::StatusOr<std::uint64_t> Number(absl::string_view name, std::uint64_t absent, std::uint64_t min,
                                       std::uint64_t max) const;
  // A text of the query, or empty.
  std::string Text(absl::string_view name) const;
};

// Takes a path and a query as they stand in the request line (`query` without its '?'). INVALID_ARGUMENT: not an absolute path,
// a bad or forbidden escape, a part "." or "..", a byte that is not printable ASCII, a parameter given twice, or too long.
absl::StatusOr<HttpRequest> ParseTarget(absl::string_view path, absl::string_view query);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_HTTP_REQUEST_H_

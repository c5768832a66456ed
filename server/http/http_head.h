// The head of a request, from its first byte to the empty line, taken apart strictly.
#ifndef ALLOCLAB_SERVER_HTTP_HTTP_HEAD_H_
#define ALLOCLAB_SERVER_HTTP_HTTP_HEAD_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace alloclab::server {

inline constexpr std::size_t kHttpHeadBytesMax = 8192;

struct HttpHead {
  absl::string_view method, path, query;                                 // `query` without its '?'
  std::vector<std::pair<absl::string_view, absl::string_view>> headers;  // without spaces around the values

  // The value of the first header of that name, in any case of letters; empty without one.
  absl::string_view Header(absl::string_view name) const;
  std::size_t Count(absl::string_view name) const;
};

// `bytes` must outlive the answer. INVALID_ARGUMENT: not three words and HTTP/1.0 or 1.1, a header without a name, folded, or
// with a control character, or no end within kHttpHeadBytesMax.
absl::StatusOr<HttpHead> ParseHead(absl::string_view bytes);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_HTTP_HEAD_H_

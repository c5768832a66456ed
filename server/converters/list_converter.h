// Pages of lists: sizes and tokens. A token is the last id of the page before, in decimal.
#ifndef ALLOCLAB_SERVER_CONVERTERS_LIST_CONVERTER_H_
#define ALLOCLAB_SERVER_CONVERTERS_LIST_CONVERTER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "server/limits.h"

namespace alloclab::server {

// `asked` or, for 0, `preset`. INVALID_ARGUMENT above `max`.
absl::StatusOr<std::uint32_t> PageSizeFromProto(std::uint32_t asked, std::uint32_t preset, std::uint32_t max);
// 0 for an empty token. INVALID_ARGUMENT for one that no list has given.
absl::StatusOr<std::uint64_t> PageTokenFromProto(const std::string& token);

// Where a page ends: after `size` elements, and before it grows beyond kListBytesMax. One element always has a place.
class PageBounds {
 public:
  explicit PageBounds(std::size_t size) : size_(size) {}
  // Whether another element, of so many bytes, is on the page.
  bool Admit(std::size_t bytes) {
    bytes_ += bytes;
    return elements_++ == 0 || (elements_ <= size_ && bytes_ <= kListBytesMax);
  }

 private:
  const std::size_t size_;
  std::size_t elements_ = 0, bytes_ = 0;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_CONVERTERS_LIST_CONVERTER_H_

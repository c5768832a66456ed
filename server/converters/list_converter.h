// Pages of lists: sizes and tokens. A token is the last id of the page before, in decimal.
#ifndef ALLOCLAB_SERVER_CONVERTERS_LIST_CONVERTER_H_
#define ALLOCLAB_SERVER_CONVERTERS_LIST_CONVERTER_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace alloclab::server {

// `asked` or, for 0, `preset`. INVALID_ARGUMENT above `max`.
absl::StatusOr<std::uint32_t> PageSizeFromProto(std::uint32_t asked, std::uint32_t preset, std::uint32_t max);
// 0 for an empty token. INVALID_ARGUMENT for one that no list has given.
absl::StatusOr<std::uint64_t> PageTokenFromProto(const std::string& token);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_CONVERTERS_LIST_CONVERTER_H_

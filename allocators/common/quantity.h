// Numbers as people write them: "4096", "0x10000000", "64Ki", "512MiB".
#ifndef ALLOCLAB_ALLOCATORS_COMMON_QUANTITY_H_
#define ALLOCLAB_ALLOCATORS_COMMON_QUANTITY_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace alloclab {

inline constexpr std::string_view kQuantityExpects =
    "a whole number, optionally with Ki, Mi or Gi (64Mi), or hexadecimal with 0x";

// Decimal, or hexadecimal after 0x; Ki, Mi and Gi (or KiB, MiB, GiB) multiply by powers of 1024.
// INVALID_ARGUMENT quoting the text: not a number (with the spelling probably meant: 64Mi for 64MB), or more than `max`.
absl::StatusOr<std::uint64_t> ParseQuantity(std::string_view text, std::uint64_t max = UINT64_MAX);

// The shortest exact spelling that ParseQuantity reads: 536870912 -> "512Mi", 4100 -> "4100".
std::string FormatQuantity(std::uint64_t value);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_QUANTITY_H_

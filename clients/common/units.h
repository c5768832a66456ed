// Numbers as people write and read them: counts, addresses, durations. (Sizes are read and written exactly by
// allocators/common/quantity.h.)
#ifndef ALLOCLAB_CLIENTS_COMMON_UNITS_H_
#define ALLOCLAB_CLIENTS_COMMON_UNITS_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace alloclab::client {

// Reading. INVALID_ARGUMENT names the text and says what is expected.
absl::StatusOr<std::uint64_t> ParseCount(std::string_view text);    // "5000", "4k", "2M", "1G" (decimal)
absl::StatusOr<std::uint32_t> ParseAddress(std::string_view text);  // "0xC0400000" or "C0400000"
absl::StatusOr<std::chrono::milliseconds> ParseDuration(
    std::string_view text);  // as absl's: "300ms", "1h30m"; whole milliseconds

// Writing.
std::string Count(std::uint64_t value);                         // "1,234,567"
std::string Count(std::uint64_t value, std::string_view noun);  // "1 chunk", "1,234 chunks"
std::string Time(std::int64_t seconds);                         // since 1970: "2026-11-21 04:57:12 UTC"
std::string Bytes(std::uint64_t bytes);                         // "512 MiB", "1.46 KiB", "100 B"
std::string Address(std::uint32_t address);                     // "0xC0400000"
std::string Duration(absl::Duration duration);                  // three digits: "68ns", "1.25ms", "2m3s"
std::string Percent(double ratio);                              // "87.5 %"
std::string Rate(double per_second);                            // "12.3 M"

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_UNITS_H_

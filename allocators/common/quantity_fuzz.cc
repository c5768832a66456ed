// Any text as a quantity: what is read is within its bound, and is read back from how it is written.
#include <cstddef>
#include <cstdint>
#include <string>

#include "allocators/common/check.h"
#include "allocators/common/quantity.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const absl::StatusOr<std::uint64_t> value = alloclab::ParseQuantity(text);
  if (value.ok()) ALLOCLAB_CHECK_EQ(alloclab::ParseQuantity(alloclab::FormatQuantity(*value)).value(), *value);
  constexpr std::uint64_t kMax = 1 << 20;
  const absl::StatusOr<std::uint64_t> bounded = alloclab::ParseQuantity(text, kMax);
  ALLOCLAB_CHECK_EQ(bounded.ok(), value.ok() && *value <= kMax);
  return 0;
}

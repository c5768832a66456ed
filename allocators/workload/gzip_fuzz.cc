// Any bytes as a gzip file: however its reader takes the inflated bytes, they are the same, and not more than the limit.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "allocators/common/check.h"
#include "allocators/workload/trace_bytes.h"

namespace alloclab {
namespace {

constexpr std::uint64_t kInflatedMax = 1 << 16;

struct Inflated {
  std::string text;
  absl::Status status;
};

Inflated Inflate(std::string_view file, std::size_t step) {
  TraceBytes bytes(file, "name", kInflatedMax);
  Inflated inflated;
  while (true) {
    inflated.status = bytes.Fill();
    if (!inflated.status.ok() || bytes.Window().empty()) return inflated;
    const std::size_t taken = std::min(step, bytes.Window().size());
    inflated.text += bytes.Window().substr(0, taken);
    bytes.Consume(taken);
    ALLOCLAB_CHECK_EQ(bytes.Offset(), inflated.text.size());
  }
}

}  // namespace
}  // namespace alloclab

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string file = "\x1f\x8b" + std::string(data, data + size);
  const alloclab::Inflated whole = alloclab::Inflate(file, ~std::size_t{0});
  ALLOCLAB_CHECK_LE(whole.text.size(), alloclab::kInflatedMax);
  const alloclab::Inflated pieces = alloclab::Inflate(file, 1021);
  ALLOCLAB_CHECK_EQ(whole.status.ok(), pieces.status.ok());
  if (whole.status.ok()) ALLOCLAB_CHECK(whole.text == pieces.text);
  return 0;
}

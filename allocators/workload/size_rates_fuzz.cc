// Any text as a .csv of sizes and rates: an error that says where, or a specification that is valid.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "allocators/common/check.h"
#include "allocators/workload/size_rates.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace alloclab;
  const auto rates = ReadSizeRates(std::string(data, data + size), "name");
  if (!rates.ok()) {
    ALLOCLAB_CHECK(absl::StartsWith(rates.status().message(), "name:"));
    return 0;
  }
  const auto spec = ProfileSizeRates(*rates, 100'000, 1'000);
  if (!spec.ok()) return 0;
  const auto trace = Generate(*spec);
  ALLOCLAB_CHECK(trace.ok());
  const SizeRatesFit fit = CompareWithRates(*rates, *spec, *trace);
  ALLOCLAB_CHECK(fit.sizes >= 0 && fit.sizes < 1.000001);
  return 0;
}

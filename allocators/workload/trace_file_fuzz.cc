// Any bytes as a trace file: its kind is found, and it is read, whatever it is.
#include <cstddef>
#include <cstdint>
#include <string>

#include "allocators/workload/trace_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  alloclab::CheckTrace(alloclab::ReadTrace(std::string(data, data + size), "name", alloclab::kFuzzLimits));
  return 0;
}

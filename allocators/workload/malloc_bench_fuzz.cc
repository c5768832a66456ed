// Any bytes as a trace of malloc-bench: an error or a trace.
#include <cstddef>
#include <cstdint>
#include <string>

#include "allocators/workload/malloc_bench.h"
#include "allocators/workload/trace_bytes.h"
#include "allocators/workload/trace_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string content(data, data + size);
  alloclab::TraceBytes bytes(content, "name", alloclab::kFuzzLimits.inflated_bytes_max);
  alloclab::CheckTrace(alloclab::ReadMallocBench({bytes, "name", alloclab::kFuzzLimits, {}}));
  return 0;
}

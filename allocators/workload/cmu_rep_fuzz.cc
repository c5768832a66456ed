// Any text as a .rep file: an error or a trace, which is the same trace after it was written and read.
#include <cstddef>
#include <cstdint>
#include <string>

#include "allocators/workload/cmu_rep.h"
#include "allocators/workload/cmu_rep_writer.h"
#include "allocators/workload/trace_bytes.h"
#include "allocators/workload/trace_fuzz.h"

namespace alloclab {
namespace {

absl::StatusOr<Trace> Read(const std::string& text) {
  TraceBytes bytes(text, "name", kFuzzLimits.inflated_bytes_max);
  if (absl::Status status = bytes.Fill(); !status.ok()) return status;
  return ReadCmuRep({bytes, "name", kFuzzLimits, {}});
}

}  // namespace
}  // namespace alloclab

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const absl::StatusOr<alloclab::Trace> trace = alloclab::Read(std::string(data, data + size));
  alloclab::CheckTrace(trace);
  if (!trace.ok()) return 0;
  const absl::StatusOr<std::string> text = alloclab::WriteCmuRep(*trace);
  ALLOCLAB_CHECK(text.ok());
  const absl::StatusOr<alloclab::Trace> again = alloclab::Read(*text);
  ALLOCLAB_CHECK(again.ok());
  ALLOCLAB_CHECK(again->operations == trace->operations);
  return 0;
}

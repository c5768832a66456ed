#include "allocators/workload/trace.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "allocators/common/sha256.h"
#include "allocators/workload/cmu_rep.h"
#include "allocators/workload/malloc_bench.h"
#include "allocators/workload/trace_bytes.h"

namespace alloclab {
namespace {

constexpr std::uint64_t kFileBytesMax = (1ull << 32) - 1;

bool IsText(char c) { return (c >= ' ' && c <= '~') || (c >= '\t' && c <= '\r'); }

// Text that begins with a digit or a sign. No protocol buffer of the other format does: its field keys are control characters.
bool LooksLikeCmuRep(std::string_view start) {
  if (!std::all_of(start.begin(), start.end(), IsText)) return false;
  const std::size_t first = start.find_first_not_of(" \t\n\v\f\r");
  return first != start.npos && ((start[first] >= '0' && start[first] <= '9') || start[first] == '-');
}

// A field of a Tracefile message: lines = 1 or max_simultaneous_allocs = 2.
bool LooksLikeMallocBench(std::string_view start) { return start[0] == '\x0a' || start[0] == '\x10'; }

}  // namespace

absl::StatusOr<Trace> ReadTrace(std::string_view bytes, std::string_view name, const TraceLimits& limits) {
  if (bytes.size() > kFileBytesMax) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("%s: a file of %d bytes is too large; expected less than 4Gi", name, bytes.size()));
  }
  TraceBytes input(bytes, name, limits.inflated_bytes_max);
  if (absl::Status status = input.Fill(); !status.ok()) return status;
  const std::string_view start = input.Window().substr(0, TraceBytes::kLookahead);
  if (start.empty()) return absl::InvalidArgumentError(absl::StrFormat("%s: the file is empty", name));
  if (LooksLikeCmuRep(start)) return ReadCmuRep(input, name, limits);
  if (LooksLikeMallocBench(start)) return ReadMallocBench(input, name, limits);
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: begins with \"%s\"; expected a CMU .rep text or a malloc-bench Tracefile, plain or gzip", name,
                      absl::CHexEscape(std::string(start.substr(0, 16)))));
}

std::string TraceDigest(const std::vector<Operation>& operations) {
  Sha256 digest;
  for (const Operation& op : operations) {
    digest.UpdateU8(static_cast<std::uint8_t>(op.kind));
    digest.UpdateU32(op.block);
    digest.UpdateU32(op.size);
    digest.UpdateU32(op.extra);
  }
  return digest.HexDigest();
}

}  // namespace alloclab

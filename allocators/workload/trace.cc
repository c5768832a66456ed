#include "allocators/workload/trace.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "allocators/common/sha256.h"
#include "allocators/workload/alloctrace.h"
#include "allocators/workload/cmu_rep.h"
#include "allocators/workload/file_kind.h"
#include "allocators/workload/malloc_bench.h"
#include "allocators/workload/trace_bytes.h"

namespace alloclab {
namespace {

constexpr std::uint64_t kFileBytesMax = (1ull << 32) - 1;

absl::StatusOr<Trace> ReadAs(const RecognizedFile& file, TraceBytes& input, std::string_view name, const TraceLimits& limits) {
  constexpr std::string_view kExpected = "an .alloctrace, a CMU .rep text or a malloc-bench protobuf, plain or gzip";
  switch (file.kind) {
    case FileKind::kAllocTrace:
      return ReadAllocTrace(input, name, limits);
    case FileKind::kCmuRep:
      return ReadCmuRep(input, name, limits);
    case FileKind::kMallocBench:
      return ReadMallocBench(input, name, limits);
    case FileKind::kForeign:
      return absl::InvalidArgumentError(absl::StrFormat("%s: this is %s; expected %s", name, file.name, kExpected));
    case FileKind::kUnknown:
      break;
  }
  return absl::InvalidArgumentError(absl::StrFormat("%s: begins with \"%s\"; expected %s", name,
                                                    absl::CHexEscape(std::string(input.Window().substr(0, 16))), kExpected));
}

}  // namespace

absl::StatusOr<Trace> ReadTrace(std::string_view bytes, std::string_view name, const TraceLimits& limits) {
  if (bytes.size() > kFileBytesMax) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("%s: a file of %d bytes is too large; expected less than 4Gi", name, bytes.size()));
  }
  TraceBytes input(bytes, name, limits.inflated_bytes_max, limits.interrupt);
  if (absl::Status status = input.Fill(); !status.ok()) return status;
  const std::string_view start = input.Window().substr(0, TraceBytes::kLookahead);
  if (start.empty()) return absl::InvalidArgumentError(absl::StrFormat("%s: the file is empty", name));
  absl::StatusOr<Trace> trace = ReadAs(Recognize(start), input, name, limits);
  if (trace.ok()) input.Tell(trace->notes);
  return trace;
}

std::string TraceDigest(const std::vector<Operation>& operations, const Interrupt& interrupt) {
  Sha256 digest;
  InterruptPoll poll(interrupt);
  for (const Operation& op : operations) {
    if (poll.Step()) break;
    digest.UpdateU8(static_cast<std::uint8_t>(op.kind));
    digest.UpdateU32(op.block);
    digest.UpdateU32(op.size);
    digest.UpdateU32(op.extra);
  }
  return digest.HexDigest();
}

}  // namespace alloclab

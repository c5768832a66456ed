#include "allocators/workload/trace.h"

#include "absl/strings/str_format.h"
#include "allocators/common/sha256.h"
#include "allocators/workload/import/format.h"

namespace alloclab {
namespace {

constexpr std::uint64_t kFileBytesMax = (1ull << 32) - 1;

void Add(const std::vector<Operation>& operations, const Interrupt& interrupt, Sha256& digest) {
  InterruptPoll poll(interrupt);
  for (const Operation& op : operations) {
    if (poll.Step()) break;
    digest.UpdateU8(static_cast<std::uint8_t>(op.kind));
    digest.UpdateU32(op.block);
    digest.UpdateU32(op.size);
    digest.UpdateU32(op.extra);
  }
}

}  // namespace

std::uint64_t Trace::host_bytes() const {
  return operations.capacity() * sizeof(Operation) + operation_sites.capacity() * sizeof(operation_sites[0]) +
         sites.host_bytes();
}

absl::StatusOr<Trace> ReadTrace(std::string_view bytes, std::string_view name, const TraceLimits& limits) {
  if (bytes.size() > kFileBytesMax) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("%s: a file of %d bytes is too large; expected less than 4Gi", name, bytes.size()));
  }
  return ImportTrace([bytes]() -> absl::StatusOr<std::unique_ptr<ByteSource>> { return std::make_unique<MemorySource>(bytes); },
                     name, limits, {});
}

std::string TraceDigest(const std::vector<Operation>& operations, const Interrupt& interrupt) {
  Sha256 digest;
  Add(operations, interrupt, digest);
  return digest.HexDigest();
}

std::string WorkloadDigest(const Trace& trace, const Interrupt& interrupt) {
  Sha256 digest;
  Add(trace.operations, interrupt, digest);
  for (const TouchFrom& from : trace.touches) {
    digest.UpdateU8(255);
    digest.UpdateU32(static_cast<std::uint32_t>(from.operation));
    digest.UpdateU32(static_cast<std::uint32_t>(from.operation >> 32));
    digest.UpdateU8(static_cast<std::uint8_t>(from.touch.part));
    digest.UpdateU32(from.touch.amount);
  }
  return digest.HexDigest();
}

}  // namespace alloclab

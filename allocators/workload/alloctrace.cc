#include "allocators/workload/alloctrace.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/workload/alloctrace_codec.h"
#include "allocators/workload/alloctrace_reader.h"
#include "allocators/workload/oddity.h"

namespace alloclab {
namespace {

constexpr std::uint64_t kReaderBytes = kFrameBytesMax + kChunkBytesMax + kFrameOperationsMax * sizeof(RecordedOperation);
// At most, of a file that has them: texts, and what refers to them.
constexpr std::uint64_t kSitesBytes =
    2 * (kSiteTableBytesMax + kSiteFramesMax * sizeof(CallFrame) + kSitesMax * sizeof(std::vector<std::uint32_t>));

// Makes room for the operations of one more frame, and their sites, beside what the reader holds.
absl::Status Reserve(const TraceLimits& limits, const AllocTraceReader& reader, std::size_t more, Trace& trace) {
  const std::size_t had = trace.operations.capacity();
  if (trace.operations.size() + more <= had) return absl::OkStatus();
  const std::size_t wanted = std::max(2 * had, trace.operations.size() + more);
  const std::uint64_t each = sizeof(Operation) + (reader.with_sites() ? sizeof(trace.operation_sites[0]) : 0);
  if (limits.admit) {  // a table that grows is in memory twice for a moment
    const std::uint64_t reader_bytes = kReaderBytes + (reader.with_sites() ? kSitesBytes : 0);
    if (absl::Status status = limits.admit((had + wanted) * each + reader_bytes); !status.ok()) return status;
  }
  trace.operations.reserve(wanted);
  if (reader.with_sites()) trace.operation_sites.reserve(wanted);
  return absl::OkStatus();
}

void AddNotes(const AllocTraceReader& reader, std::vector<std::string>& notes) {
  if (!reader.end()) {
    notes.push_back(reader.cut());
    return;
  }
  for (const auto& [name, value] : reader.end()->attributes) {
    if (name == "note" && notes.size() < kAllocTraceNotesMax) notes.push_back(value);
  }
}

}  // namespace

absl::StatusOr<Trace> ReadAllocTrace(TraceBytes& bytes, std::string_view name, const TraceLimits& limits) {
  if (limits.admit) {
    if (absl::Status status = limits.admit(kReaderBytes); !status.ok()) return status;
  }
  AllocTraceReader reader(bytes, name, limits.inflated_bytes_max);
  if (absl::Status status = reader.Start(); !status.ok()) return status;
  Trace trace;
  trace.format = "alloctrace";
  Oddity aligned{"an alignment is ignored"};
  std::vector<RecordedOperation> frame;
  while (true) {
    const absl::StatusOr<bool> more = reader.Next(frame);
    if (!more.ok()) return more.status();
    if (!*more) break;
    if (Interrupted(limits.interrupt)) return absl::CancelledError("the trace was not read to its end: nobody waits for it");
    if (reader.operations() > limits.operations_max) {
      return absl::ResourceExhaustedError(
          absl::StrFormat("%s: too many operations; expected at most %d", name, limits.operations_max));
    }
    if (absl::Status status = Reserve(limits, reader, frame.size(), trace); !status.ok()) return status;
    for (const RecordedOperation& recorded : frame) {
      trace.operations.push_back(recorded.operation);
      if (reader.with_sites()) trace.operation_sites.push_back(recorded.site);
      if (recorded.alignment_log2 != 0) aligned.Add(trace.operations.size());
    }
  }
  if (!reader.end() && trace.operations.empty()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: the file was cut off before its first frame; nothing can be read", name));
  }
  trace.heap_handles = reader.handles().heap;
  trace.page_handles = reader.handles().pages;
  trace.sites = std::move(reader.sites());
  aligned.Tell("operation", trace.notes);
  AddNotes(reader, trace.notes);
  return trace;
}

absl::StatusOr<AllocTraceEnd> ReadAllocTraceEnd(std::string_view file, std::string_view name) {
  using alloctrace::kChunkHeadBytes;
  constexpr std::size_t kTailChunk = kChunkHeadBytes + alloctrace::kTailBytes;
  const auto error = [name](std::string_view what) {
    return absl::InvalidArgumentError(absl::StrFormat("%s: %s", name, what));
  };
  if (file.size() < kTailChunk) return error("no end; the file was cut off");
  const std::string_view tail = file.substr(file.size() - kTailChunk);
  const auto read = [](std::string_view at, std::string_view kind, std::string_view& payload) {
    const alloctrace::ChunkHead head = alloctrace::ParseChunkHead(at);
    payload = at.substr(kChunkHeadBytes, head.length);
    return head.intact && head.kind == kind && payload.size() == head.length && alloctrace::Crc(payload) == head.payload_crc;
  };
  std::string_view payload;
  if (!read(tail, alloctrace::kTail, payload) || payload.size() != alloctrace::kTailBytes) {
    return error("no tail at its end; the file was cut off or is damaged");
  }
  const std::uint64_t offset = alloctrace::ParseU64(payload);
  AllocTraceEnd end;
  if (offset > file.size() - kTailChunk || !read(file.substr(offset), alloctrace::kDone, payload) ||
      !alloctrace::ParseEnd(payload, end)) {
    return error(absl::StrFormat("no end at byte %d, where the tail says it is", offset));
  }
  return end;
}

}  // namespace alloclab

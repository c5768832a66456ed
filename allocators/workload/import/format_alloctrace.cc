// The lab's own .alloctrace (alloctrace.h): with a drain, frame by frame, with its threads and call sites.
#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/workload/alloctrace.h"
#include "allocators/workload/alloctrace_reader.h"
#include "allocators/workload/import/format.h"
#include "allocators/workload/oddity.h"

namespace alloclab {
namespace {

absl::StatusOr<Trace> Stream(const TraceReading& reading) {
  AllocTraceReader reader(reading.bytes, reading.name, reading.limits.inflated_bytes_max);
  if (absl::Status status = reader.Start(); !status.ok()) return status;
  std::vector<RecordedOperation> frame;
  std::vector<Operation> operations;
  std::vector<std::uint32_t> threads, sites;
  Oddity aligned{"an alignment is ignored"};
  while (true) {
    const absl::StatusOr<bool> more = reader.Next(frame);
    if (!more.ok()) return more.status();
    if (!*more) break;
    if (Interrupted(reading.limits.interrupt))
      return absl::CancelledError("the trace was not read to its end: nobody waits for it");
    if (reader.operations() > reading.limits.operations_max) {
      return absl::ResourceExhaustedError(
          absl::StrFormat("%s: too many operations; expected at most %d", reading.name, reading.limits.operations_max));
    }
    operations.clear();
    threads.clear();
    sites.clear();
    for (const RecordedOperation& recorded : frame) {
      operations.push_back(recorded.operation);
      threads.push_back(recorded.thread);
      if (reader.with_sites()) sites.push_back(recorded.site);
      if (recorded.alignment_log2 != 0) aligned.Add(reader.operations() - frame.size() + operations.size());
    }
    if (absl::Status status = reading.drain(operations, threads, sites); !status.ok()) return status;
  }
  Trace trace;
  trace.format = "alloctrace";
  trace.heap_handles = reader.handles().heap;
  trace.page_handles = reader.handles().pages;
  trace.sites = std::move(reader.sites());
  aligned.Tell("operation", trace.notes);
  if (!reader.end()) {
    if (reader.operations() == 0) {
      return absl::InvalidArgumentError(
          absl::StrFormat("%s: the file was cut off before its first frame; nothing can be read", reading.name));
    }
    trace.notes.push_back(reader.cut());
    return trace;
  }
  for (const auto& [name, value] : reader.end()->attributes) {
    if (name == "note" && trace.notes.size() < kAllocTraceNotesMax) trace.notes.push_back(value);
  }
  return trace;
}

absl::StatusOr<Trace> Read(const TraceReading& reading) {
  return reading.drain ? Stream(reading) : ReadAllocTrace(reading.bytes, reading.name, reading.limits);
}

bool Recognize(std::string_view start) { return start.starts_with(kAllocTraceMagic.substr(0, 4)); }

}  // namespace

const TraceFormat kAllocTraceFormat = {"alloctrace", ".alloctrace",
                                       "The lab's own: `alloclab record`, `alloclab trace convert`", Recognize, Read};

}  // namespace alloclab

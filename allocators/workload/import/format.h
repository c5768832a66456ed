// All formats of recorded traces: each is one entry of a list, which detection, help, errors and documents go through.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_IMPORT_FORMAT_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_IMPORT_FORMAT_H_

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "allocators/workload/byte_source.h"
#include "allocators/workload/trace_reading.h"

namespace alloclab {

struct TraceFormat {
  std::string_view name;   // for --from
  std::string_view title;  // "CMU .rep text": what an error says that it expects
  std::string_view about;  // how to make one, or what it is, in one sentence without a full stop
  // By the file's first bytes, decompressed, as many as TraceBytes::kLookaheadMax if it has them.
  bool (*recognize)(std::string_view start);
  absl::StatusOr<Trace> (*read)(const TraceReading& reading);
};

// In the order in which they are tried.
std::span<const TraceFormat> TraceFormats();
// Null: no format is called so.
const TraceFormat* FindTraceFormat(std::string_view name);
// Null: none of them.
const TraceFormat* RecognizeTrace(std::string_view start);
// "CMU .rep text, malloc-bench protobuf, ...": all titles, and how they may be compressed.
std::string ReadableFormats();

// Reads a trace as ReadTrace() does, with policies, from anywhere. `open` gives the file from its start, and is called again
// where a reading takes two. With a drain, the trace that comes back has no operations. INVALID_ARGUMENT also for
// options.from that names no format.
using OpenSource = std::function<absl::StatusOr<std::unique_ptr<ByteSource>>()>;
absl::StatusOr<Trace> ImportTrace(const OpenSource& open, std::string_view name, const TraceLimits& limits,
                                  const ImportOptions& options, const TraceDrain& drain = nullptr);

// Those that have a file of their own.
extern const TraceFormat kAllocTraceFormat;
extern const TraceFormat kMtraceFormat;
extern const TraceFormat kValgrindFormat;
extern const TraceFormat kLtraceFormat;
extern const TraceFormat kHeaptrackFormat;
extern const TraceFormat kKmemFormat;
extern const TraceFormat kLogallocFormat;
extern const TraceFormat kDeviceFormat;
extern const TraceFormat kMemleakFormat;
extern const TraceFormat kWeeAllocFormat;

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_IMPORT_FORMAT_H_

#include "allocators/workload/import/format.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "allocators/common/suggestion.h"
#include "allocators/workload/cmu_rep.h"
#include "allocators/workload/file_kind.h"
#include "allocators/workload/malloc_bench.h"

namespace alloclab {
namespace {

// Begins with a number, or with an operation if it has no header. No protocol buffer of the other format does: most of its
// bytes are control characters.
bool IsCmuRep(std::string_view start) {
  start = start.substr(0, TraceBytes::kLookahead);
  if (start.starts_with(kByteOrderMark)) start.remove_prefix(kByteOrderMark.size());
  std::string text;
  std::copy_if(start.begin(), start.end(), std::back_inserter(text), IsText);
  if (start.size() - text.size() > 1 + start.size() / 8) return false;
  absl::StripLeadingAsciiWhitespace(&text);
  const auto at = [&text](std::size_t i) { return static_cast<unsigned char>(i < text.size() ? text[i] : '\0'); };
  if (absl::ascii_isdigit(at(0)) || (at(0) == '-' && absl::ascii_isdigit(at(1)))) return true;
  return (at(0) == 'a' || at(0) == 'r' || at(0) == 'f') && absl::ascii_isspace(at(1));
}

// A field of a Tracefile message, lines = 1 or max_simultaneous_allocs = 2; such a message is never all text.
bool IsMallocBench(std::string_view start) {
  start = start.substr(0, TraceBytes::kLookahead);
  return (start.starts_with('\x0a') || start.starts_with('\x10')) && !std::all_of(start.begin(), start.end(), IsText);
}

// Logs before the two that are known by a letter or a digit.
const std::array kFormats = {
    kAllocTraceFormat,
    kMtraceFormat,
    kValgrindFormat,
    kHeaptrackFormat,
    kKmemFormat,
    kMemleakFormat,
    kDeviceFormat,
    kWeeAllocFormat,
    kLtraceFormat,
    kLogallocFormat,
    TraceFormat{"cmu-rep", "CMU .rep text", "The malloc lab's text in all its dialects: a ID BYTES, r ID BYTES, f ID", IsCmuRep,
                ReadCmuRep},
    TraceFormat{"malloc-bench", "malloc-bench protobuf", "The message Tracefile of malloc-bench", IsMallocBench,
                ReadMallocBench},
};

absl::Status UnknownName(const std::string& from) {
  std::vector<std::string_view> names;
  for (const TraceFormat& format : kFormats) names.push_back(format.name);
  const std::string all =
      absl::StrJoin(kFormats, ", ", [](std::string* out, const TraceFormat& format) { out->append(format.name); });
  const std::string_view nearest = NearestName(from, names);
  return absl::InvalidArgumentError(
      absl::StrFormat("\"%s\" is no format of traces; %s", from,
                      nearest.empty() ? "expected one of " + all : absl::StrFormat("did you mean \"%s\"?", nearest)));
}

absl::StatusOr<const TraceFormat*> FormatOf(TraceBytes& input, std::string_view name, const ImportOptions& options) {
  if (absl::Status status = input.Fill(TraceBytes::kLookaheadMax); !status.ok()) return status;
  const std::string_view start = input.Window().substr(0, TraceBytes::kLookaheadMax);
  if (start.empty()) return absl::InvalidArgumentError(absl::StrFormat("%s: the file is empty", name));
  if (!options.from.empty()) return FindTraceFormat(options.from);
  if (const std::string_view foreign = ForeignName(start); !foreign.empty()) {
    return absl::InvalidArgumentError(absl::StrFormat("%s: this is %s; expected %s", name, foreign, ReadableFormats()));
  }
  if (const TraceFormat* format = RecognizeTrace(start)) return format;
  return absl::InvalidArgumentError(absl::StrFormat("%s: begins with \"%s\"; expected %s", name,
                                                    absl::CHexEscape(std::string(start.substr(0, 16))), ReadableFormats()));
}

absl::StatusOr<Trace> ReadOnce(ByteSource& source, std::string_view name, const TraceLimits& limits,
                               const ImportOptions& options, const TraceDrain& drain, std::uint64_t premade,
                               std::uint64_t* count_unknown) {
  TraceBytes input(source, name, limits.inflated_bytes_max, limits.interrupt);
  const absl::StatusOr<const TraceFormat*> format = FormatOf(input, name, options);
  if (!format.ok()) return format.status();
  absl::StatusOr<Trace> trace = (*format)->read({input, name, limits, options, drain, premade, count_unknown});
  if (!trace.ok()) return trace;
  input.Tell(trace->notes);
  if (drain && !trace->operations.empty()) {  // of a reader that keeps them
    if (absl::Status status = drain(trace->operations, {}, {}); !status.ok()) return status;
    trace->operations.clear();
  }
  return trace;
}

}  // namespace

std::span<const TraceFormat> TraceFormats() { return kFormats; }

const TraceFormat* FindTraceFormat(std::string_view name) {
  const auto found = std::find_if(kFormats.begin(), kFormats.end(), [name](const TraceFormat& f) { return f.name == name; });
  return found != kFormats.end() ? &*found : nullptr;
}

const TraceFormat* RecognizeTrace(std::string_view start) {
  const auto found =
      std::find_if(kFormats.begin(), kFormats.end(), [start](const TraceFormat& f) { return f.recognize(start); });
  return found != kFormats.end() ? &*found : nullptr;
}

std::string ReadableFormats() {
  return absl::StrJoin(kFormats, ", ", [](std::string* out, const TraceFormat& format) { out->append(format.title); }) +
         "; plain, gzip, zstd or xz";
}

absl::StatusOr<Trace> ImportTrace(const OpenSource& open, std::string_view name, const TraceLimits& limits,
                                  const ImportOptions& options, const TraceDrain& drain) {
  if (!options.from.empty() && FindTraceFormat(options.from) == nullptr) return UnknownName(options.from);
  std::uint64_t unknown = 0;
  for (const bool counting : {true, false}) {
    if (counting && options.unknown_free != ImportOptions::UnknownFree::kSynthesise) continue;
    absl::StatusOr<std::unique_ptr<ByteSource>> source = open();
    if (!source.ok()) return source.status();
    absl::StatusOr<Trace> trace =
        ReadOnce(**source, name, limits, options, counting ? nullptr : drain, unknown, counting ? &unknown : nullptr);
    if (!counting || !trace.ok()) return trace;
  }
  return absl::InternalError("unreachable");
}

}  // namespace alloclab

// Firefox's logalloc, as it is or after its munging:
//
//   18545 18545 realloc(0x7f90495120e0,64)=0x7f9049536680        1 1 posix_memalign(64,200)=#7        1 1 free(#7)
//
// Process, thread (not in old logs), call. Only the first process is read.
#include "allocators/workload/import/call.h"
#include "allocators/workload/import/format.h"

namespace alloclab {
namespace {

constexpr LogKind kKind = {"logalloc", "a log of Firefox's logalloc", "times", "18545 18545 malloc(64)=0x7f9049536680"};

class LogallocReader {
 public:
  explicit LogallocReader(const TraceReading& reading) : lines_(reading.bytes), importer_(reading, kKind) {}

  absl::StatusOr<Trace> Read() {
    while (importer_.ok() && lines_.Next()) {
      importer_.At(lines_.number());
      Cursor line{lines_.line()};
      if (line.empty()) continue;
      if (!ReadLine(line)) importer_.Wrong(lines_, "PROCESS THREAD NAME(ARGUMENTS)=RESULT");
    }
    return importer_.Finish(lines_.status());
  }

 private:
  bool ReadLine(Cursor& line) {
    const std::optional<std::uint64_t> pid = line.Digits(10);
    if (!pid) return false;
    line.SkipSpace();
    const std::optional<std::uint64_t> thread = line.Digits(10);
    line.SkipSpace();
    if (!pid_) pid_ = pid;
    if (pid != pid_) {
      importer_.Ignore();
      return true;
    }
    Call call;
    if (!ReadCall(line, call) || call.unfinished) return false;
    if (call.kind == CallKind::kOther) {
      importer_.Skip();
      return true;
    }
    if (call.kind != CallKind::kFree) {
      if (!line.Take("=") || !(call.result = line.Number())) return false;
    }
    if (!line.empty()) return false;
    if (thread) importer_.Thread(*thread);
    ApplyCall(call, importer_);
    return true;
  }

  Lines lines_;
  Importer importer_;
  std::optional<std::uint64_t> pid_;
};

// A line that begins with a number and has "alloc(...)=", without a space.
bool Recognize(std::string_view start) {
  if (start.empty() || start.front() < '0' || start.front() > '9') return false;
  for (std::size_t call = start.find("alloc("); call != start.npos; call = start.find("alloc(", call + 1)) {
    const std::size_t close = start.find_first_of(")\n", call);
    if (close != start.npos && start.substr(close, 2) == ")=") return true;
  }
  return false;
}

}  // namespace

const TraceFormat kLogallocFormat = {"logalloc", "log of Firefox's logalloc",
                                     "MALLOC_LOG=FILE of a Firefox with replace-malloc", Recognize,
                                     [](const TraceReading& reading) { return LogallocReader(reading).Read(); }};

}  // namespace alloclab

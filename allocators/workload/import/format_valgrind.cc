// valgrind --trace-malloc=yes: lines that begin with --PID--, among others of valgrind and of the program.
//
//   --4711-- malloc(100) = 0x4A44040                     --4711-- memalign(al 64, size 200) = 0x4A45600
//   --4711-- realloc(0x4A44170,5000) = 0x4A441F0         --4711-- realloc(0x0,63)malloc(63) = 0x4A46B40
//   --4711-- realloc(0x4A441F0,0)free(0x4A441F0), and behind it --4711--  = 0
//   --4711-- free(0x4A440F0)                             --4711-- _Znwm(8) = 0x4D71C80
//
// Only the first process is read.
#include "allocators/workload/import/call.h"
#include "allocators/workload/import/format.h"

namespace alloclab {
namespace {

constexpr LogKind kKind = {"valgrind", "the output of valgrind --trace-malloc=yes", "threads or times",
                           "--4711-- malloc(16) = 0x4A4A040"};

class ValgrindReader {
 public:
  explicit ValgrindReader(const TraceReading& reading) : lines_(reading.bytes), importer_(reading, kKind) {}

  absl::StatusOr<Trace> Read() {
    while (importer_.ok() && lines_.Next()) {
      importer_.At(lines_.number());
      Cursor line{lines_.line()};
      if (!TakePid(line)) {
        importer_.Skip();
      } else if (!ReadLine(line)) {
        importer_.Wrong(lines_, "a call such as malloc(16) = 0x4A4A040");
      }
    }
    return importer_.Finish(lines_.status());
  }

 private:
  // "--4711-- " of the process that is read.
  bool TakePid(Cursor& line) {
    if (!line.Take("--")) return false;
    const std::optional<std::uint64_t> pid = line.Digits(10);
    if (!pid || !line.Take("-- ")) return false;
    if (!pid_) pid_ = pid;
    return pid == pid_;
  }

  bool ReadLine(Cursor& line) {
    Call call;
    if (line.rest.starts_with(" = ")) return true;  // the end of a realloc that freed
    if (!ReadCall(line, call) || call.unfinished) {
      importer_.Skip();
      return !lines_.cut() && call.kind == CallKind::kOther;
    }
    if (call.kind == CallKind::kOther) {
      importer_.Skip();
      return true;
    }
    if (call.kind == CallKind::kRealloc && line.rest.starts_with("free(")) {
      importer_.Realloc(call.arguments[0], 0, 0);
      return true;
    }
    if (call.kind != CallKind::kFree) {
      if (!line.SkipTo(" = ") || !(call.result = line.Number())) return false;
    }
    ApplyCall(call, importer_);
    return true;
  }

  Lines lines_;
  Importer importer_;
  std::optional<std::uint64_t> pid_;
};

// "--4711-- " or "==4711== ", as valgrind begins its lines.
bool Recognize(std::string_view start) {
  if (!start.starts_with("--") && !start.starts_with("==")) return false;
  const std::size_t end = start.find_first_not_of("0123456789", 2);
  return end != start.npos && end > 2 && start.substr(end, 2) == start.substr(0, 2);
}

}  // namespace

const TraceFormat kValgrindFormat = {"valgrind", "valgrind --trace-malloc log", "valgrind --trace-malloc=yes PROGRAM 2> FILE",
                                     Recognize, [](const TraceReading& reading) { return ValgrindReader(reading).Read(); }};

}  // namespace alloclab

// ltrace, with -f or without, and villoc's logs in the same form:
//
//   malloc(100)                                      = 0x5634835832a0
//   6867 _Znwm(32, 0x7fcd1901cdec <unfinished ...>       [pid 6867] free(0x5634835849c0) = <void>
//   6867 <... _Znwm resumed> )                       = 0x7fcd10000b70
//
// The two halves of a call are joined by their process. An allocation inside another, as operator new calls malloc where both
// are traced, is the outer one's.
#include "absl/container/flat_hash_map.h"
#include "allocators/workload/import/call.h"
#include "allocators/workload/import/format.h"

namespace alloclab {
namespace {

constexpr LogKind kKind = {"ltrace", "an ltrace log", "times, or what is not called through the program's own table",
                           "malloc(100) = 0x5634835832a0"};
constexpr std::size_t kUnfinishedMax = 65'536;  // calls that wait for their other half

class LtraceReader {
 public:
  explicit LtraceReader(const TraceReading& reading) : lines_(reading.bytes), importer_(reading, kKind) {}

  absl::StatusOr<Trace> Read() {
    while (importer_.ok() && lines_.Next()) {
      importer_.At(lines_.number());
      ReadLine(Cursor{lines_.line()});
    }
    for (const auto& [thread, pending] : waiting_) {
      if (pending.call.kind != CallKind::kFree) importer_.Incomplete();
    }
    return importer_.Finish(lines_.status());
  }

 private:
  void ReadLine(Cursor line) {
    const std::uint64_t thread = TakePid(line);
    Call call;
    if (line.Take("<... ")) return Resume(line, thread);
    if (const std::size_t arrow = line.rest.substr(0, line.rest.find('(')).find("->"); arrow != line.rest.npos) {
      line.rest.remove_prefix(arrow + 2);  // of the library that calls
    }
    if (!ReadCall(line, call) || call.kind == CallKind::kOther) return importer_.Skip();
    if (call.unfinished) {
      if (line.rest.find("no return") != line.rest.npos || line.empty()) return importer_.Incomplete();
      return Wait(call, thread);
    }
    End(line, call, thread);
  }

  static std::uint64_t TakePid(Cursor& line) {
    const Cursor whole = line;
    const bool bracket = line.Take("[pid ");
    const std::optional<std::uint64_t> pid = line.Digits(10);
    if (pid && (bracket ? line.Take("]") : line.rest.starts_with(" "))) {
      line.SkipSpace();
      return *pid;
    }
    line = whole;
    return 0;
  }

  void Wait(const Call& call, std::uint64_t thread) {
    if (waiting_.size() >= kUnfinishedMax) {
      return importer_.Fail(
          absl::InvalidArgumentError("more than 65536 calls wait for their other half; expected a log of ltrace"));
    }
    Pending& pending = waiting_[thread];
    if (pending.depth++ != 0) return;
    pending.call = call;
    if (call.kind != CallKind::kFree) return;
    importer_.Thread(thread);  // from here on the block may be another's
    ApplyCall(call, importer_);
  }

  // "NAME resumed> ) = RESULT"
  void Resume(Cursor line, std::uint64_t thread) {
    const CallKind kind = CallKindOf(line.Word());
    if (kind == CallKind::kOther) return importer_.Skip();
    const auto found = waiting_.find(thread);
    if (found == waiting_.end() || !line.Take(" resumed>")) return importer_.Incomplete();
    if (--found->second.depth != 0) return;
    Call call = found->second.call;
    waiting_.erase(found);
    if (call.kind != kind) return importer_.Incomplete();
    if (kind != CallKind::kFree) End(line, call, thread);
  }

  // What stands behind the arguments.
  void End(Cursor& line, Call& call, std::uint64_t thread) {
    if (const auto found = waiting_.find(thread); found != waiting_.end()) return;  // inside another
    if (!line.SkipTo("=")) return importer_.Incomplete();
    line.SkipSpace();
    if (!line.rest.starts_with("<void>")) call.result = line.Number();
    importer_.Thread(thread);
    ApplyCall(call, importer_);
  }

  struct Pending {
    Call call;
    int depth = 0;
  };

  Lines lines_;
  Importer importer_;
  absl::flat_hash_map<std::uint64_t, Pending> waiting_;  // by process
};

// "malloc(16) = 0x804a008", with spaces before the result.
bool Recognize(std::string_view start) {
  for (const std::string_view name : {"alloc(", "_Znwm(", "_Znam(", "alloc@"}) {
    for (std::size_t at = start.find(name); at != start.npos; at = start.find(name, at + 1)) {
      const std::string_view line = start.substr(at, start.find('\n', at) - at);
      if (line.find("<unfinished ...>") != line.npos) return true;
      const std::size_t close = line.rfind(')');
      if (close != line.npos && close + 1 < line.size() && line[close + 1] == ' ' &&
          line.find_first_not_of(' ', close + 1) == line.find('=', close + 1)) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

const TraceFormat kLtraceFormat = {"ltrace", "ltrace log", "ltrace -f -o FILE PROGRAM", Recognize,
                                   [](const TraceReading& reading) { return LtraceReader(reading).Read(); }};

}  // namespace alloclab

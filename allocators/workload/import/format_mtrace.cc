// glibc's mtrace(3), as malloc/mtrace-impl.c writes it:
//
//   = Start | = End
//   [WHERE] + POINTER SIZE        an allocation; the pointer is (nil) if it failed
//   [WHERE] - POINTER             a free
//   [WHERE] < OLD, and behind it [WHERE] > NEW SIZE: a realloc
//   [WHERE] ! POINTER SIZE        a realloc that failed: nothing happened
//
// WHERE may hold spaces, so lines are taken apart from their ends.
#include "allocators/workload/import/cursor.h"
#include "allocators/workload/import/format.h"
#include "allocators/workload/import/importer.h"

namespace alloclab {
namespace {

constexpr LogKind kKind = {"mtrace", "an mtrace log of glibc", "threads, times, alignments or calloc",
                           "@ ./a:[0x1139] + 0x55a2a0 0x10"};

// Takes the last word off the line.
std::string_view LastWord(std::string_view& line) {
  while (line.ends_with(' ')) line.remove_suffix(1);
  const std::size_t space = line.rfind(' ');
  const std::string_view word = line.substr(space == line.npos ? 0 : space + 1);
  line.remove_suffix(word.size());
  return word;
}

std::optional<std::uint64_t> Whole(std::string_view word) {
  Cursor cursor{word};
  const std::optional<std::uint64_t> number = cursor.Number();
  return cursor.empty() ? number : std::nullopt;
}

class MtraceReader {
 public:
  explicit MtraceReader(const TraceReading& reading) : lines_(reading.bytes), importer_(reading, kKind) {}

  absl::StatusOr<Trace> Read() {
    while (importer_.ok() && lines_.Next()) {
      importer_.At(lines_.number());
      if (lines_.line().empty() || lines_.line().starts_with("= ")) continue;
      if (!ReadLine(lines_.line())) {
        importer_.Wrong(lines_, "a line of mtrace that ends in \"+ POINTER SIZE\", \"- POINTER\", \"< OLD\" or \"> NEW SIZE\"");
      }
    }
    return importer_.Finish(lines_.status());
  }

 private:
  bool ReadLine(std::string_view line) {
    const std::optional<std::uint64_t> last = Whole(LastWord(line));
    const std::string_view second = LastWord(line);
    if (!last) return false;
    if (second == "-") {
      importer_.Free(*last);
    } else if (second == "<") {
      if (old_) importer_.Incomplete();
      old_ = last;
    } else {
      return ReadSized(Whole(second), LastWord(line), *last);
    }
    return true;
  }

  bool ReadSized(std::optional<std::uint64_t> pointer, std::string_view sign, std::uint64_t size) {
    if (!pointer) return false;
    if (sign == "+") {
      importer_.Malloc(*pointer, size);
    } else if (sign == "!") {
      importer_.Realloc(*pointer, 0, size == 0 ? 1 : size);
    } else if (sign == ">" && old_) {
      importer_.Realloc(*old_, *pointer, size);
      old_.reset();
    } else {
      return false;
    }
    return true;
  }

  Lines lines_;
  Importer importer_;
  std::optional<std::uint64_t> old_;  // of a realloc whose second line is to come
};

bool Recognize(std::string_view start) {
  return start.starts_with("= Start") || start.find("] + 0x") != start.npos || start.find("] - 0x") != start.npos;
}

}  // namespace

const TraceFormat kMtraceFormat = {"mtrace", "mtrace log", "MALLOC_TRACE=FILE of a program that calls mtrace(), of glibc",
                                   Recognize, [](const TraceReading& reading) { return MtraceReader(reading).Read(); }};

}  // namespace alloclab

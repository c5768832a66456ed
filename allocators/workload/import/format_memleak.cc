// What bcc's `memleak -t` prints of each call:
//
//   (b'app' 4711 0 b'...1' 12.5) alloc exited, size = 64, result = 55d0c83f12a0
//   (b'app' 4711 0 b'...1' 12.5) free entered, address = 55d0c83f12a0, size = 64
//
// Its reports, which it prints without -t and between the calls, have no frees and are left out.
#include "allocators/workload/import/cursor.h"
#include "allocators/workload/import/format.h"
#include "allocators/workload/import/importer.h"

namespace alloclab {
namespace {

constexpr LogKind kKind = {"memleak", "the calls that bcc's memleak -t prints", "alignments, calloc or reallocs",
                           "alloc exited, size = 64, result = 55d0c83f12a0"};

class MemleakReader {
 public:
  explicit MemleakReader(const TraceReading& reading) : lines_(reading.bytes), importer_(reading, kKind) {}

  absl::StatusOr<Trace> Read() {
    while (importer_.ok() && lines_.Next()) {
      importer_.At(lines_.number());
      Cursor line{lines_.line()};
      if (line.SkipTo("alloc exited, size = ")) {
        const std::optional<std::uint64_t> size = line.Digits(10);
        std::optional<std::uint64_t> address;
        if (!size || !line.Take(", result = ") || !(address = Address(line))) {
          importer_.Wrong(lines_, "alloc exited, size = BYTES, result = ADDRESS");
          continue;
        }
        TellThread();
        importer_.Malloc(*address, *size);
      } else if (line.SkipTo("free entered, address = ")) {
        const std::optional<std::uint64_t> address = Address(line);
        if (!address) {
          importer_.Wrong(lines_, "free entered, address = ADDRESS");
          continue;
        }
        TellThread();
        importer_.Free(*address);
      } else if (line.rest.find("alloc entered, size") == line.rest.npos) {
        importer_.Skip();
      }
    }
    return importer_.Finish(lines_.status());
  }

 private:
  static std::optional<std::uint64_t> Address(Cursor& line) {
    line.Take("0x");
    return line.Digits(16);
  }

  // The second word of "(b'app' 4711 0 ".
  void TellThread() {
    Cursor line{lines_.line()};
    if (!line.Take("(")) return;
    line.Word();
    line.SkipSpace();
    if (const std::optional<std::uint64_t> pid = line.Digits(10)) importer_.Thread(*pid);
  }

  Lines lines_;
  Importer importer_;
};

bool Recognize(std::string_view start) {
  for (const std::string_view mark : {"alloc entered, size", "alloc exited, size", "free entered, address"}) {
    if (start.find(mark) != start.npos) return true;
  }
  return false;
}

}  // namespace

const TraceFormat kMemleakFormat = {"memleak", "output of bcc's memleak -t", "memleak -t -p PID, of bcc", Recognize,
                                    [](const TraceReading& reading) { return MemleakReader(reading).Read(); }};

}  // namespace alloclab

// The replays of wee_alloc's tests: "Alloc(552)," and "Free(1),", where 1 is the second allocation of the file. The words may
// stand on a line each or behind one another.
#include "allocators/workload/import/cursor.h"
#include "allocators/workload/import/format.h"
#include "allocators/workload/import/importer.h"

namespace alloclab {
namespace {

constexpr LogKind kKind = {"wee-alloc", "a replay of wee_alloc", "threads, times, alignments, calloc or reallocs",
                           "Alloc(552),"};

class WeeAllocReader {
 public:
  explicit WeeAllocReader(const TraceReading& reading) : lines_(reading.bytes), importer_(reading, kKind) {}

  absl::StatusOr<Trace> Read() {
    while (importer_.ok() && lines_.Next()) {
      importer_.At(lines_.number());
      if (!ReadLine(Cursor{lines_.line()})) importer_.Wrong(lines_, "Alloc(BYTES), or Free(NUMBER),");
    }
    return importer_.Finish(lines_.status());
  }

 private:
  bool ReadLine(Cursor line) {
    while (true) {
      while (line.Take(" ") || line.Take(",") || line.Take("\t") || line.Take("[") || line.Take("]")) {
      }
      if (line.empty()) return true;
      const bool allocation = line.Take("Alloc(");
      if (!allocation && !line.Take("Free(")) return false;
      const std::optional<std::uint64_t> number = line.Digits(10);
      if (!number || !line.Take(")")) return false;
      if (allocation) {
        importer_.Malloc(++allocations_, *number);
      } else {
        importer_.Free(*number < allocations_ ? *number + 1 : ~0ull);
      }
    }
  }

  Lines lines_;
  Importer importer_;
  std::uint64_t allocations_ = 0;
};

bool Recognize(std::string_view start) {
  const std::size_t word = start.find_first_not_of("[ \t\r\n,");
  return word != start.npos && (start.substr(word).starts_with("Alloc(") || start.substr(word).starts_with("Free("));
}

}  // namespace

const TraceFormat kWeeAllocFormat = {"wee-alloc", "replay of wee_alloc", "The text that wee_alloc's tests replay", Recognize,
                                     [](const TraceReading& reading) { return WeeAllocReader(reading).Read(); }};

}  // namespace alloclab

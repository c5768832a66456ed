// Lines that devices print, among others of theirs:
//
//   [0.002272225] HEAP: Allocated 8 bytes @ 0x3ffaff6c from task "main" on core 0 by:      ESP-IDF's SystemView as text
//   [0.002340001] HEAP: Freed bytes @ 0x3ffaff6c from task "main" on core 0 by:
//   traceMALLOC(0x20000010, 24)     traceFREE(0x20000010, 24)      FreeRTOS or Zephyr, by the hooks of docs/traces.md
//
// FreeRTOS's heap_2 and heap_4 give the hook the size of the block, not what was asked for.
#include "allocators/workload/import/cursor.h"
#include "allocators/workload/import/format.h"
#include "allocators/workload/import/importer.h"

namespace alloclab {
namespace {

constexpr LogKind kKind = {"device", "a heap log of a device (ESP-IDF, FreeRTOS, Zephyr)", "alignments, calloc or reallocs",
                           "HEAP: Allocated 8 bytes @ 0x3ffaff6c"};

class DeviceReader {
 public:
  explicit DeviceReader(const TraceReading& reading) : lines_(reading.bytes), importer_(reading, kKind) {}

  absl::StatusOr<Trace> Read() {
    while (importer_.ok() && lines_.Next()) {
      importer_.At(lines_.number());
      Cursor line{lines_.line()};
      if (line.SkipTo("HEAP: ")) {
        if (!ReadEsp(line)) importer_.Wrong(lines_, "HEAP: Allocated BYTES bytes @ ADDRESS or HEAP: Freed bytes @ ADDRESS");
      } else if (line.SkipTo("traceMALLOC(") || line.SkipTo("traceFREE(")) {
        if (!ReadHook(line, lines_.line().find("traceMALLOC(") != lines_.line().npos)) {
          importer_.Wrong(lines_, "traceMALLOC(ADDRESS, BYTES) or traceFREE(ADDRESS, BYTES)");
        }
      } else {
        importer_.Skip();
      }
    }
    return importer_.Finish(lines_.status());
  }

 private:
  bool ReadEsp(Cursor& line) {
    std::optional<std::uint64_t> size;
    const bool allocated = line.Take("Allocated ");
    if (allocated && !(size = line.Digits(10))) return false;
    if (!allocated && !line.Take("Freed")) return false;
    if (!line.SkipTo("bytes @ ")) return false;
    const std::optional<std::uint64_t> address = line.Number();
    if (!address) return false;
    TellTask(line);
    allocated ? importer_.Malloc(*address, *size) : importer_.Free(*address);
    return true;
  }

  // from task "main": a thread, by the name's sum.
  void TellTask(Cursor& line) {
    if (!line.SkipTo("from task \"")) return;
    std::uint64_t sum = 14695981039346656037u;  // FNV-1a
    for (const char c : line.rest.substr(0, line.rest.find('"'))) sum = (sum ^ static_cast<unsigned char>(c)) * 1099511628211u;
    importer_.Thread(sum);
  }

  bool ReadHook(Cursor& line, bool allocation) {
    const std::optional<std::uint64_t> address = line.Number();
    if (!address || !line.Take(",")) return false;
    line.SkipSpace();
    const std::optional<std::uint64_t> size = line.Number();
    if (!size || !line.Take(")")) return false;
    allocation ? importer_.Malloc(*address, *size) : importer_.Free(*address);
    return true;
  }

  Lines lines_;
  Importer importer_;
};

bool Recognize(std::string_view start) {
  for (const std::string_view mark : {"HEAP: Allocated ", "HEAP: Freed bytes @", "traceMALLOC(", "traceFREE("}) {
    if (start.find(mark) != start.npos) return true;
  }
  return false;
}

}  // namespace

const TraceFormat kDeviceFormat = {"device", "heap log of a device",
                                   "ESP-IDF's SystemView as text, or the hooks of FreeRTOS and Zephyr", Recognize,
                                   [](const TraceReading& reading) { return DeviceReader(reading).Read(); }};

}  // namespace alloclab

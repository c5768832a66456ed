// heaptrack's recordings, raw (`heaptrack --raw`) and interpreted, as text whose numbers are hexadecimal without 0x:
//
//   v VERSION FORMAT       first
//   raw          + SIZE TRACE POINTER     - POINTER
//   interpreted  a SIZE TRACE: number so and so, from 0, in the list of what is allocated      + NUMBER    - NUMBER
//
// Lines of all other letters say nothing of operations; those of stacks, texts and modules are heaptrack_sites.h's. A realloc
// is written as a free and an allocation. An interpreted file does not say which of the blocks of one number is freed.
#include <algorithm>
#include <vector>

#include "allocators/workload/import/cursor.h"
#include "allocators/workload/import/format.h"
#include "allocators/workload/import/heaptrack_sites.h"
#include "allocators/workload/import/importer.h"
#include "allocators/workload/oddity.h"

namespace alloclab {
namespace {

constexpr LogKind kKind = {"heaptrack", "a heaptrack recording", "threads, alignments, calloc or allocations that failed",
                           "+ 64 8 55dfb598f1d0"};

class HeaptrackReader {
 public:
  explicit HeaptrackReader(const TraceReading& reading)
      : options_(reading.options), lines_(reading.bytes), importer_(reading, kKind) {}

  absl::StatusOr<Trace> Read() {
    while (importer_.ok() && lines_.Next()) {
      const std::string_view line = lines_.line();
      if (line.size() < 2 || line[1] != ' ') continue;
      if (line[0] != '+' && line[0] != '-' && line[0] != 'a') {
        AddToSites(line);
        continue;
      }
      importer_.At(lines_.number());
      if (!ReadLine(line[0], Cursor{line.substr(2)})) {
        importer_.Wrong(lines_, "+ SIZE TRACE POINTER, - POINTER, a SIZE TRACE, + NUMBER or - NUMBER in hexadecimal");
      }
    }
    FreeFused();
    if (inferred_)
      importer_.Note("which of several equal blocks is freed is not told: the oldest, or with newest first the newest");
    importer_.Sites(sites_.Table());
    absl::StatusOr<Trace> trace = importer_.Finish(lines_.status());
    if (trace.ok()) siteless_.Tell(kKind.unit, trace->notes);
    return trace;
  }

 private:
  struct Info {
    std::uint64_t size = 0, stack = 0;
    std::uint32_t allocated = 0, freed = 0;
  };

  void AddToSites(std::string_view line) {
    sites_.AddLine(line[0], line.substr(2));
    if (sites_.host_bytes() > sites_held_) Hold();
  }
  // What the tables take, and what they take while they grow.
  void Hold(std::uint64_t infos_more = 0) {
    constexpr std::uint64_t kAhead = 1 << 18;  // so that it is not asked at every line
    sites_held_ = sites_.host_bytes() + kAhead;
    importer_.Hold((infos_.capacity() + infos_more) * sizeof(Info) + sites_held_);
  }

  bool ReadLine(char letter, Cursor line) {
    const std::optional<std::uint64_t> first = line.Digits(16);
    if (!first) return false;
    if (letter == 'a') return AddInfo(*first, line);
    if (!line.empty() && letter == '+') {
      if (!line.Take(" ")) return false;
      const std::optional<std::uint64_t> stack = line.Digits(16);
      if (!stack || !line.Take(" ")) return false;
      const std::optional<std::uint64_t> pointer = line.Digits(16);
      if (!pointer || !line.empty()) return false;
      Allocate(*pointer, *first, *stack);
      return true;
    }
    if (!line.empty()) return false;
    if (infos_.empty() && letter == '-') {
      Free(*first);
      return true;
    }
    return *first < infos_.size() && Inferred(letter, *first);
  }

  bool AddInfo(std::uint64_t size, Cursor rest) {
    if (infos_.size() == infos_.capacity()) {
      const std::size_t room = std::max<std::size_t>(1024, 2 * infos_.capacity());
      Hold(room);
      if (!importer_.ok()) return true;
      infos_.reserve(room);
    }
    infos_.push_back({.size = size, .stack = rest.Take(" ") ? rest.Digits(16).value_or(0) : 0});
    return true;
  }

  // Blocks of one number are alike; the one that is meant is called by the number and its turn.
  bool Inferred(char letter, std::uint64_t number) {
    Info& info = infos_[number];
    const auto name = [number](std::uint32_t turn) { return (number + 1) << 32 | turn; };
    inferred_ = true;
    if (letter == '+') {
      Allocate(name(info.allocated++), info.size, info.stack);
    } else if (options_.newest_first) {
      Free(name(info.allocated != 0 ? --info.allocated : 0));
    } else {
      Free(name(info.freed++));
    }
    return true;
  }

  void Allocate(std::uint64_t pointer, std::uint64_t size, std::uint64_t stack) {
    if (sites_.any()) {
      const std::uint32_t site = sites_.SiteOf(stack);
      importer_.Site(site);
      if (site == 0) siteless_.Add(lines_.number());
    }
    const std::uint64_t old = std::exchange(fused_, 0);
    old != 0 ? importer_.Realloc(old, pointer, size) : importer_.Malloc(pointer, size);
  }
  void Free(std::uint64_t pointer) {
    FreeFused();
    options_.fuse_reallocs ? static_cast<void>(fused_ = pointer) : importer_.Free(pointer);
  }
  void FreeFused() {
    if (fused_ != 0) importer_.Free(std::exchange(fused_, 0));
  }

  const ImportOptions& options_;
  Lines lines_;
  Importer importer_;
  std::vector<Info> infos_;
  std::uint64_t fused_ = 0;  // a free that may be the first half of a realloc
  bool inferred_ = false;
  HeaptrackSites sites_;
  std::uint64_t sites_held_ = 0;
  Oddity siteless_{"an allocation has no call site: its stack is not told, or one of more than a trace keeps"};
};

// "v 10500 3\n": the versions of heaptrack and of its format.
bool Recognize(std::string_view start) {
  const std::string_view line = start.substr(0, start.find('\n'));
  return line.starts_with("v ") && line.size() >= 5 && line.find_first_not_of("0123456789abcdef ", 2) == line.npos;
}

}  // namespace

const TraceFormat kHeaptrackFormat = {"heaptrack", "heaptrack recording", "heaptrack PROGRAM, raw or interpreted", Recognize,
                                      [](const TraceReading& reading) { return HeaptrackReader(reading).Read(); }};

}  // namespace alloclab

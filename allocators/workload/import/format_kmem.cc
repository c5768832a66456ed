// The Linux kernel's kmem events as text, of `perf script`, `trace-cmd report` or ftrace's file:
//
//   COMM PID [CPU] TIME: kmem:kmalloc: call_site=f+0x1 ptr=0xffff888003d1c000 bytes_req=64 bytes_alloc=64 gfp_flags=GFP_KERNEL
//   COMM-PID [CPU] FLAGS TIME: kfree: call_site=f+0x1/0x2 ptr=00000000c9f3a2d1
//   COMM-PID [CPU] FLAGS TIME: mm_page_alloc: page=0x1 pfn=0x1234 order=3 migratetype=0 gfp_flags=GFP_KERNEL
//
// The caches and kmalloc are operations of the heap, mm_page_* operations on pages; a page is called by its frame. A trace has
// no names: an object of a named cache is a block of its size, and the report says which caches there were. Pointers may
// be hashed: they only say which block is meant. mm_page_free_batched is left out: another event tells the same page.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "allocators/common/printable.h"
#include "allocators/workload/import/cursor.h"
#include "allocators/workload/import/format.h"
#include "allocators/workload/import/importer.h"

namespace alloclab {
namespace {

constexpr LogKind kKind = {"kmem", "a log of the kernel's kmem events", "times, alignments or reallocs",
                           "cat-12 [000] .... 1.5: kmalloc: call_site=f+0x1 ptr=00000000c9f3a2d1 bytes_req=64 bytes_alloc=64"};
constexpr std::uint64_t kPageBytes = 4096, kOrderMax = 20;
constexpr std::size_t kCachesMax = 1000;  // that are told apart; a kernel has some hundreds
constexpr std::size_t kNameMax = 64, kCachesNamed = 5;

class KmemReader {
 public:
  explicit KmemReader(const TraceReading& reading)
      : options_(reading.options), lines_(reading.bytes), importer_(reading, kKind) {}

  absl::StatusOr<Trace> Read() {
    while (importer_.ok() && lines_.Next()) {
      importer_.At(lines_.number());
      const std::string_view line = lines_.line();
      const std::size_t fields = FieldsAt(line);
      if (fields == line.npos) {
        importer_.Skip();
        continue;
      }
      TellThread(line.substr(0, fields));
      if (!ReadEvent(EventName(line.substr(0, fields)), line.substr(fields))) {
        importer_.Wrong(lines_, "a kmem event with ptr= and bytes_req=, or pfn= and order=");
      }
    }
    if (given_ != 0) {
      importer_.Note(absl::StrFormat("the kernel's caches gave %d bytes for %d that were asked for", given_, asked_));
    }
    if (!caches_.empty()) importer_.Note(CachesNote());
    return importer_.Finish(lines_.status());
  }

 private:
  // Where the fields of an event begin, behind its name.
  static std::size_t FieldsAt(std::string_view line) {
    const std::size_t heap = line.find(" call_site=");
    return heap != line.npos ? heap : line.find(" page=");
  }

  // "...: kmem:kfree:  " is kfree.
  static std::string_view EventName(std::string_view before) {
    while (before.ends_with(' ') || before.ends_with(':')) before.remove_suffix(1);
    const std::size_t start = before.find_last_of(" :");
    return before.substr(start == before.npos ? 0 : start + 1);
  }

  // The digits before "  [003]".
  void TellThread(std::string_view before) {
    const std::size_t cpu = before.find(" [");
    if (cpu == before.npos) return;
    before = before.substr(0, cpu);
    while (before.ends_with(' ')) before.remove_suffix(1);
    Cursor digits{before.substr(before.find_last_not_of("0123456789") + 1)};
    if (const std::optional<std::uint64_t> pid = digits.Digits(10)) importer_.Thread(*pid);
  }

  // The number behind " KEY", hexadecimal if it must be or begins with 0x.
  static std::optional<std::uint64_t> Field(std::string_view fields, std::string_view key, bool hexadecimal) {
    Cursor cursor{fields};
    if (!cursor.SkipTo(key)) return std::nullopt;
    cursor.SkipSpace();
    if (cursor.Take("(null)") || cursor.Take("(nil)")) return 0;
    return cursor.Take("0x") || hexadecimal ? cursor.Digits(16) : cursor.Digits(10);
  }

  // The cache's, of kernels that tell it.
  static std::string NameIn(std::string_view fields) {
    constexpr std::string_view kKey = " name=";
    const std::size_t at = fields.find(kKey);
    if (at == fields.npos) return "";
    fields.remove_prefix(at + kKey.size());
    return Printable(fields.substr(0, std::min(fields.find(' '), kNameMax)));
  }

  void CountObject(std::string name, std::uint64_t size) {
    ++objects_;
    const auto found = caches_.find({name, size});
    if (found != caches_.end()) {
      ++found->second;
    } else if (caches_.size() < kCachesMax) {
      caches_[{std::move(name), size}] = 1;
    }
  }

  std::string CachesNote() const {
    std::vector<std::pair<std::string, std::uint64_t>> most;  // those with most objects first
    for (const auto& [cache, objects] : caches_) {
      const std::string size = absl::StrFormat("%d bytes", cache.second);
      most.emplace_back(cache.first.empty() ? size : absl::StrFormat("%s of %s", cache.first, size), objects);
    }
    std::stable_sort(most.begin(), most.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    std::string note =
        absl::StrFormat("%d allocations are objects of %d%s caches of their own, which a heap tells by size:", objects_,
                        most.size(), most.size() < kCachesMax ? "" : " or more");
    for (std::size_t i = 0; i < std::min(most.size(), kCachesNamed); ++i) {
      absl::StrAppendFormat(&note, "%s %s %d times", i == 0 ? "" : ",", most[i].first, most[i].second);
    }
    return note + (most.size() > kCachesNamed ? ", ..." : "");
  }

  // False: a field is missing or no number.
  bool ReadEvent(std::string_view event, std::string_view fields) {
    if (event == "kmalloc" || event == "kmalloc_node" || event == "kmem_cache_alloc" || event == "kmem_cache_alloc_node") {
      const auto pointer = Field(fields, " ptr=", true), size = Field(fields, " bytes_req=", false);
      if (!pointer || !size) return false;
      if (!options_.kernel_heap) return true;
      asked_ += *size;
      given_ += Field(fields, " bytes_alloc=", false).value_or(*size);
      if (event.starts_with("kmem_cache_")) CountObject(NameIn(fields), *size);
      importer_.Malloc(*pointer, *size);
    } else if (event == "kfree" || event == "kmem_cache_free") {
      const auto pointer = Field(fields, " ptr=", true);
      if (!pointer) return false;
      if (options_.kernel_heap) importer_.Free(*pointer);
    } else if (event == "mm_page_alloc" || event == "mm_page_free") {
      return ReadPages(event, fields);
    } else {
      importer_.Ignore();
    }
    return true;
  }

  bool ReadPages(std::string_view event, std::string_view fields) {
    const auto page = Field(fields, " page=", true), frame = Field(fields, " pfn=", false),
               order = Field(fields, " order=", false);
    if (!page || !frame || !order || *order > kOrderMax) return false;
    if (!options_.kernel_pages) return true;
    if (event == "mm_page_free") {
      importer_.FreePages(*frame);
    } else if (*page == 0) {  // none was free
      importer_.Ignore();
    } else {
      importer_.AllocatePages(*frame, kPageBytes << *order);
    }
    return true;
  }

  const ImportOptions& options_;
  Lines lines_;
  Importer importer_;
  std::uint64_t asked_ = 0, given_ = 0;
  std::map<std::pair<std::string, std::uint64_t>, std::uint64_t> caches_;  // objects by name and size
  std::uint64_t objects_ = 0;
};

bool Recognize(std::string_view start) {
  return start.find("kmem:") != start.npos || start.find(" call_site=") != start.npos || start.find(" pfn=") != start.npos ||
         start.starts_with("# tracer:");
}

}  // namespace

const TraceFormat kKmemFormat = {"kmem", "log of the kernel's kmem events",
                                 "perf script, trace-cmd report or ftrace's text of kmem:*", Recognize,
                                 [](const TraceReading& reading) { return KmemReader(reading).Read(); }};

}  // namespace alloclab

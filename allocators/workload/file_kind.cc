#include "allocators/workload/file_kind.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <string>

#include "absl/strings/ascii.h"
#include "allocators/workload/alloctrace.h"

namespace alloclab {
namespace {

using std::string_view_literals::operator""sv;

struct Mark {
  std::string_view bytes, name;
};

// Files that begin so.
constexpr std::array kBeginnings = {
    Mark{"\x28\xB5\x2F\xFD", "data compressed by zstd"},
    Mark{"\xFD"
         "7zXZ\0"sv,
         "data compressed by xz"},
    Mark{"BZh", "data compressed by bzip2"},
    Mark{"\x04\x22\x4D\x18", "data compressed by lz4"},
    Mark{"PK\x03\x04", "a zip archive"},
    Mark{"\x7F"
         "ELF",
         "a program (ELF)"},
    Mark{"\xFF\xFE", "text in UTF-16"},
    Mark{"\xFE\xFF", "text in UTF-16"},
    Mark{"<!DOCTYPE", "a web page"},
    Mark{"<html", "a web page"},
    Mark{"version https://git-lfs", "a pointer of Git LFS, not the file it stands for"},
    Mark{"= Start", "an mtrace log of glibc"},
    Mark{"# tracer:", "a log of the kernel's ftrace"},
    Mark{"Alloc(", "a replay of wee_alloc"},
};

// Files that have this in their first kilobyte, the more particular marks first.
constexpr std::array kMarks = {
    Mark{"kmem:", "a log of the kernel's allocation events (perf script)"},
    Mark{"call_site=", "a log of the kernel's allocation events (ftrace)"},
    Mark{"alloc entered, size", "the output of bcc's memleak"},
    Mark{"HEAP: Allocated", "a heap log of ESP-IDF's SystemView"},
    Mark{"] + 0x", "an mtrace log of glibc"},
    Mark{"] - 0x", "an mtrace log of glibc"},
};

// "--4711-- " or "==4711== ", as valgrind begins its lines.
bool IsValgrind(std::string_view start) {
  if (!start.starts_with("--") && !start.starts_with("==")) return false;
  const std::size_t end = start.find_first_not_of("0123456789", 2);
  return end != start.npos && end > 2 && start.substr(end, 2) == start.substr(0, 2);
}

// "v 10500 3\n": the versions of heaptrack and of its format.
bool IsHeaptrack(std::string_view start) {
  const std::string_view line = start.substr(0, start.find('\n'));
  return line.starts_with("v ") && line.size() >= 5 && line.find_first_not_of("0123456789abcdef ", 2) == line.npos;
}

// "malloc(16) = 0x804a008", as ltrace writes it, or "1 1 calloc(1,64)=0x7f90495120e0" of Firefox's logalloc.
bool IsCallLog(std::string_view start) {
  constexpr std::string_view kCall = "alloc(";
  for (std::size_t call = start.find(kCall); call != start.npos; call = start.find(kCall, call + 1)) {
    const std::size_t end = start.find_first_of(")\n", call);
    if (end == start.npos || start[end] != ')') continue;
    const std::size_t next = start.find_first_not_of(" )", end);
    if (next != start.npos && start[next] == '=') return true;
  }
  return false;
}

// The 64-byte records of glibc's trace library: the first is of type 255 and holds 0x1234.
bool IsGlibcTrace(std::string_view start) {
  return start.size() >= 16 && start[4] == '\xFF' && start.substr(8, 3) == "\x34\x12\0"sv;
}

std::string_view ForeignName(std::string_view start) {
  for (const Mark& mark : kBeginnings) {
    if (start.starts_with(mark.bytes)) return mark.name;
  }
  if (IsValgrind(start)) return "output of valgrind";
  if (IsHeaptrack(start)) return "a recording of heaptrack";
  if (IsGlibcTrace(start)) return "a malloc trace of glibc";
  if (start.size() > 262 && start.substr(257, 5) == "ustar") return "a tar archive";
  if (IsCallLog(start)) return "a log of calls, as ltrace or Firefox's logalloc write it";
  for (const Mark& mark : kMarks) {
    if (start.find(mark.bytes) != start.npos) return mark.name;
  }
  return {};
}

// Begins with a number, or with an operation if it has no header. No protocol buffer of the other format does: most of its
// bytes are control characters.
bool IsCmuRep(std::string_view start) {
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
  return (start.starts_with('\x0a') || start.starts_with('\x10')) && !std::all_of(start.begin(), start.end(), IsText);
}

}  // namespace

RecognizedFile Recognize(std::string_view start) {
  if (start.starts_with(kAllocTraceMagic.substr(0, 4))) return {FileKind::kAllocTrace, {}};
  if (const std::string_view name = ForeignName(start); !name.empty()) return {FileKind::kForeign, name};
  if (start.starts_with(kByteOrderMark)) start.remove_prefix(kByteOrderMark.size());
  if (IsCmuRep(start)) return {FileKind::kCmuRep, {}};
  if (IsMallocBench(start)) return {FileKind::kMallocBench, {}};
  return {};
}

}  // namespace alloclab

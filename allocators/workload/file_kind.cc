#include "allocators/workload/file_kind.h"

#include <array>

namespace alloclab {
namespace {

using std::string_view_literals::operator""sv;

struct Mark {
  std::string_view bytes, name;
};

// Files that begin so.
constexpr std::array kBeginnings = {
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
    Mark{"PERFILE2", "a recording of perf, which `perf script` makes a text of"},
    Mark{"\x17\x08\x44tracing", "a recording of trace-cmd, which `trace-cmd report` makes a text of"},
    Mark{"desc: ", "a profile of massif, which has no frees"},
    Mark{"heap_v2/", "a heap profile of jemalloc, which has no frees and no order"},
    Mark{"heap profile: ", "a heap profile of gperftools, which has no frees and no order"},
    Mark{"{\"snapshot\":", "a heap snapshot of V8, which has no frees and no order"},
};

// The 64-byte records of glibc's trace library: the first is of type 255 and holds 0x1234.
bool IsGlibcTrace(std::string_view start) {
  return start.size() >= 16 && start[4] == '\xFF' && start.substr(8, 3) == "\x34\x12\0"sv;
}

}  // namespace

std::string_view ForeignName(std::string_view start) {
  for (const Mark& mark : kBeginnings) {
    if (start.starts_with(mark.bytes)) return mark.name;
  }
  if (IsGlibcTrace(start)) return "a malloc trace of glibc";
  if (start.size() > 262 && start.substr(257, 5) == "ustar") return "a tar archive";
  if (start.find("stacks with outstanding allocations:") != start.npos && start.find("alloc exited, size") == start.npos) {
    return "a report of bcc's memleak, which has no frees: `memleak -t` prints every call";
  }
  return {};
}

}  // namespace alloclab

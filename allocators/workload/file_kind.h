// What kind of file it is, by what it begins with.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_FILE_KIND_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_FILE_KIND_H_

#include <string_view>

namespace alloclab {

enum class FileKind {
  kAllocTrace,
  kCmuRep,
  kMallocBench,
  kForeign,  // something else that is known by name
  kUnknown,
};

struct RecognizedFile {
  FileKind kind = FileKind::kUnknown;
  std::string_view name;  // of a foreign one, with its article: "an mtrace log of glibc", "data compressed by zstd"
};

// `start` is the file's first kilobyte or so, after gzip if it is compressed. A stray byte that is no text does not make a text
// another kind of file: its reader will say where it is.
RecognizedFile Recognize(std::string_view start);

// A byte that belongs in a text file.
constexpr bool IsText(char c) { return (c >= ' ' && c <= '~') || (c >= '\t' && c <= '\r'); }

inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // what some editors put before UTF-8

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_FILE_KIND_H_

// A line that tells a call, as ltrace, valgrind and Firefox's logalloc write it: name(arguments) = result.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_IMPORT_CALL_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_IMPORT_CALL_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "allocators/workload/import/cursor.h"
#include "allocators/workload/import/importer.h"

namespace alloclab {

enum class CallKind {
  kOther,  // no function of a heap
  kMalloc,
  kCalloc,
  kRealloc,
  kReallocArray,
  kFree,
  kAligned,       // (alignment, size)
  kAlignedNew,    // (size, alignment)
  kPosixAligned,  // (where to, alignment, size), or (alignment, size) where the log has the pointer for a result
};

// Of a function's name, C++'s operators by their mangled names; what stands behind an @ does not matter.
CallKind CallKindOf(std::string_view name);

struct Call {
  CallKind kind = CallKind::kOther;
  std::array<std::uint64_t, 4> arguments{};
  std::size_t count = 0;  // of arguments that are numbers, up to the first that is none
  std::optional<std::uint64_t> result;
  bool unfinished = false;  // the line ends before the call does
};

// Reads name(arguments, up to the bracket that closes or to what stands in its place. False: it is no call.
bool ReadCall(Cursor& line, Call& call);
// The operation of a call with its result; of a posix_memalign whose pointer is not told, and of a call without its result,
// that it is dropped.
void ApplyCall(const Call& call, Importer& importer);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_IMPORT_CALL_H_

#include "allocators/workload/import/call.h"

#include <algorithm>

namespace alloclab {
namespace {

struct Name {
  std::string_view name;
  CallKind kind;
};

constexpr std::array kNames = {
    Name{"malloc", CallKind::kMalloc},
    Name{"calloc", CallKind::kCalloc},
    Name{"free", CallKind::kFree},
    Name{"cfree", CallKind::kFree},
    Name{"realloc", CallKind::kRealloc},
    Name{"reallocarray", CallKind::kReallocArray},
    Name{"memalign", CallKind::kAligned},
    Name{"aligned_alloc", CallKind::kAligned},
    Name{"valloc", CallKind::kMalloc},
    Name{"pvalloc", CallKind::kMalloc},
    Name{"posix_memalign", CallKind::kPosixAligned},
};

}  // namespace

CallKind CallKindOf(std::string_view name) {
  name = name.substr(0, name.find('@'));
  if (name.starts_with("_Zn")) {  // _Znwm, _Znam, with nothrow and with an alignment
    return name.find("St11align_val_t") == name.npos ? CallKind::kMalloc : CallKind::kAlignedNew;
  }
  if (name.starts_with("_ZdlPv") || name.starts_with("_ZdaPv")) return CallKind::kFree;
  for (const Name& known : kNames) {
    if (known.name == name) return known.kind;
  }
  return CallKind::kOther;
}

bool ReadCall(Cursor& line, Call& call) {
  const std::size_t open = line.rest.find('(');
  if (open == line.rest.npos || open == 0) return false;
  call = {};
  call.kind = CallKindOf(line.rest.substr(0, open));
  line.rest.remove_prefix(open + 1);
  if (call.kind == CallKind::kOther) return true;
  while (true) {
    line.SkipSpace();
    if (line.Take(")")) return true;
    if (line.empty() || line.rest.front() == '<') {  // "<unfinished ...>", "<no return ...>"
      call.unfinished = true;
      return true;
    }
    if (line.Take(",")) continue;
    if (line.Take("al ") || line.Take("size ")) continue;
    const std::optional<std::uint64_t> number = line.Number();
    if (!number) return false;
    if (call.count < call.arguments.size()) call.arguments[call.count++] = *number;
  }
}

void ApplyCall(const Call& call, Importer& importer) {
  const auto& [first, second, third, fourth] = call.arguments;
  if (call.kind == CallKind::kFree) return call.count >= 1 ? importer.Free(first) : importer.Incomplete();
  if (!call.result || call.count == 0 || (call.count < 2 && call.kind != CallKind::kMalloc)) return importer.Incomplete();
  const std::uint64_t result = *call.result;
  switch (call.kind) {
    case CallKind::kMalloc:
      return importer.Malloc(result, first);
    case CallKind::kCalloc:
      return importer.Calloc(result, first, second);
    case CallKind::kRealloc:
      return importer.Realloc(first, result, second);
    case CallKind::kReallocArray: {
      std::uint64_t bytes = 0;
      if (__builtin_mul_overflow(second, third, &bytes)) bytes = ~0ull;
      return importer.Realloc(first, result, bytes);
    }
    case CallKind::kAligned:
      importer.Aligned();
      return importer.Malloc(result, second);
    case CallKind::kAlignedNew:
      importer.Aligned();
      return importer.Malloc(result, first);
    case CallKind::kPosixAligned:
      if (call.count >= 3) return importer.Incomplete();
      importer.Aligned();
      return importer.Malloc(result, second);
    default:
      return importer.Skip();
  }
}

}  // namespace alloclab

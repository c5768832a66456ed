#include "allocators/workload/operation.h"

#include <array>

namespace alloclab {

std::string_view OpKindName(OpKind kind) {
  static constexpr std::array<std::string_view, kOpKinds> kNames = {"malloc",         "calloc",     "realloc",        "free",
                                                                    "allocate_pages", "free_pages", "free_pages_part"};
  const auto index = static_cast<std::uint32_t>(kind);
  return index < kOpKinds ? kNames[index] : "unknown";
}

}  // namespace alloclab

// What to say about a name that does not exist.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_SUGGESTION_H_
#define ALLOCLAB_ALLOCATORS_COMMON_SUGGESTION_H_

#include <span>
#include <string>
#include <string_view>

namespace alloclab {

// The name nearest to `word` by edit distance, or an empty view when none is near enough to be a typo of it.
std::string_view NearestName(std::string_view word, std::span<const std::string_view> names);

// `unknown parameter "heap.engin"; did you mean "heap.engine"?` or, with nothing near,
// `unknown parameter "x"; expected one of heap.engine, heap.limit_bytes`.
std::string UnknownName(std::string_view kind, std::string_view word, std::span<const std::string_view> names);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_SUGGESTION_H_

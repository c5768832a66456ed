// "did you mean 'phases'?"
#ifndef ALLOCLAB_CLIENTS_COMMON_SUGGEST_H_
#define ALLOCLAB_CLIENTS_COMMON_SUGGEST_H_

#include <string>
#include <string_view>
#include <vector>

namespace alloclab::client {

// The name nearest to `word` by edits (a swap of neighbours is one), or "" if none is near enough to be what was meant.
std::string Nearest(std::string_view word, const std::vector<std::string>& names);

// "; did you mean 'NAME'?" or "".
std::string DidYouMean(std::string_view word, const std::vector<std::string>& names);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_SUGGEST_H_

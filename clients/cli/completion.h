// Completion in the shell. The scripts that `completion SHELL` prints are thin: they ask `alloclab __complete WORDS...`, which
// reads the very command line definition that parsing uses, so the two cannot differ.
#ifndef ALLOCLAB_CLIENTS_CLI_COMPLETION_H_
#define ALLOCLAB_CLIENTS_CLI_COMPLETION_H_

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace alloclab::client {

inline constexpr std::string_view kCompleteCommand = "__complete";

// What may stand where the last of `words` is being typed: either words known from the definition, or the type name of a value
// that only the server knows (INSTANCE, RUN, WORKLOAD, PAGE_ALLOCATOR, HEAP_ALLOCATOR, ALLOCATOR, NAME=VALUE of a parameter).
struct Completion {
  std::vector<std::string> candidates;
  std::string value_type;
};
Completion Complete(const CLI::App& app, const std::vector<std::string>& words);

// Prints the candidates that begin with the last word, each once, one a line; what the server knows if it answers within
// 300 ms. Parameters are those of the allocators that the words choose, or of the default ones. Returns the exit code.
int PrintCompletions(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_COMPLETION_H_

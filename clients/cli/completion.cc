#include "clients/cli/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_split.h"
#include "alloclab/v1/lab.grpc.pb.h"
#include "alloclab/v1/run.grpc.pb.h"
#include "alloclab/v1/workload.grpc.pb.h"
#include "clients/cli/commands.h"
#include "clients/cli/run_list.h"

namespace alloclab::client {
namespace {

constexpr std::chrono::milliseconds kPatience{300};

// Bash takes `=` and `:` for borders of words, our options do not: words are cut at spaces, and of what is offered bash gets
// the part behind the last border.
constexpr const char kBash[] = R"(# alloclab: put `source <(alloclab completion bash)` into ~/.bashrc
_alloclab() {
  local line=${COMP_LINE:0:COMP_POINT} words IFS=$' \t\n'
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  local typed=${words[-1]} IFS=$'\n'
  local done=${typed%"${typed##*[=:]}"}
  COMPREPLY=($(alloclab __complete "${words[@]:1}" 2>/dev/null))
  COMPREPLY=("${COMPREPLY[@]#"$done"}")
  [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -o default -F _alloclab alloclab
)";

constexpr const char kZsh[] = R"(#compdef alloclab
# alloclab: put `source <(alloclab completion zsh)` into ~/.zshrc, after compinit
_alloclab() {
  local -a found
  found=("${(@f)$(alloclab __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -z "${found[1]}" ]]; then _files; return; fi
  compadd -S '' -- ${(M)found:#*=}
  compadd -- ${found:#*=}
}
compdef _alloclab alloclab
)";

constexpr const char kFish[] = R"(# alloclab: alloclab completion fish > ~/.config/fish/completions/alloclab.fish
complete -c alloclab -a '(alloclab __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
)";

// Types of values that only the server knows.
constexpr std::array<std::string_view, 7> kAsked = {"INSTANCE",       "RUN",       "WORKLOAD",  "PAGE_ALLOCATOR",
                                                    "HEAP_ALLOCATOR", "ALLOCATOR", "NAME=VALUE"};

const CLI::Option* FindOption(const CLI::App* app, const std::string& name) {
  for (; app != nullptr; app = app->get_parent()) {
    if (const CLI::Option* option = app->get_option_no_throw(name); option != nullptr) return option;
  }
  return nullptr;
}

const CLI::App* FindCommand(const CLI::App& app, const std::string& name) {
  const auto commands = app.get_subcommands([&name](const CLI::App* sub) { return sub->get_name() == name; });
  return commands.empty() ? nullptr : commands.front();
}

Completion ValueOf(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  if (type.find('|') == std::string::npos) return {.candidates = {}, .value_type = type};
  return {.candidates = absl::StrSplit(type, '|'), .value_type = ""};
}

std::vector<std::string> OptionNames(const CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Completion PositionalOrCommand(const CLI::App& app, std::size_t position) {
  Completion completion;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    completion.candidates.push_back(sub->get_name());
  if (!completion.candidates.empty()) return completion;
  const auto positionals = app.get_options([](const CLI::Option* option) { return option->get_positional(); });
  if (positionals.empty()) return completion;
  const bool more = positionals.back()->get_expected_max() > 1;
  if (position >= positionals.size() && !more) return completion;
  return ValueOf(*positionals[std::min(position, positionals.size() - 1)]);
}

std::vector<std::string> InstanceNames(const Connection& connection) {
  std::vector<std::string> names;
  const auto list = connection.Call(&v1::Lab::Stub::ListInstances, v1::ListInstancesRequest());
  if (!list.ok()) return names;
  for (const v1::Instance& instance : list->instances()) names.push_back(instance.name());
  return names;
}

std::vector<std::string> RunNumbersOf(const Connection& connection) {
  const auto list = connection.Call(&v1::Runs::Stub::ListRuns, v1::ListRunsRequest());
  if (!list.ok()) return {};
  return absl::StrSplit(RunNumbers(*list), '\n', absl::SkipEmpty());
}

std::vector<std::string> WorkloadNames(const Connection& connection) {
  std::vector<std::string> names;
  const auto list = connection.Call(&v1::Workloads::Stub::ListBuiltins, v1::ListBuiltinsRequest());
  if (!list.ok()) return names;
  for (const v1::Builtin& builtin : list->builtins()) names.push_back(builtin.name());
  return names;
}

// The value of an option among the words, "" without one.
std::string ValueIn(const std::vector<std::string>& words, const std::string& option) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == option && i + 1 < words.size()) return words[i + 1];
    if (words[i].starts_with(option + "=")) return words[i].substr(option.size() + 1);
  }
  return "";
}

// "heap.engine=" while a name is typed; behind the `=` what it may be: its words, or else its default.
void AddParameters(const v1::AllocatorInfo& allocator, const std::string& typed, std::vector<std::string>& candidates) {
  for (const v1::ParameterInfo& parameter : allocator.parameters()) {
    const std::string start = parameter.name() + "=";
    if (!typed.starts_with(start)) {
      candidates.push_back(start);
      continue;
    }
    for (const std::string& word : parameter.words()) candidates.push_back(start + word);
    if (parameter.words().empty()) candidates.push_back(start + parameter.default_value());
  }
}

std::vector<std::string> FromCatalog(const Connection& connection, const std::string& type,
                                     const std::vector<std::string>& words) {
  std::vector<std::string> found;
  const v1::Catalog catalog = connection.Call(&v1::Lab::Stub::GetCatalog, v1::GetCatalogRequest()).value_or(v1::Catalog());
  const auto add = [&](const auto& allocators, const std::string& own_type, const std::string& chosen) {
    for (const v1::AllocatorInfo& allocator : allocators) {
      if (type == own_type || type == "ALLOCATOR") found.push_back(allocator.name());
      const bool fits = allocator.name() == (chosen.empty() ? allocators.begin()->name() : chosen);
      if (type == "NAME=VALUE" && fits) AddParameters(allocator, words.back(), found);
    }
  };
  add(catalog.page_allocators(), "PAGE_ALLOCATOR", ValueIn(words, "--page-allocator"));
  add(catalog.heap_allocators(), "HEAP_ALLOCATOR", ValueIn(words, "--heap-allocator"));
  for (const v1::NativeAllocatorInfo& native : catalog.native_allocators()) {
    if (type == "HEAP_ALLOCATOR" || type == "ALLOCATOR") found.push_back(native.name());
  }
  return found;
}

// What the server knows of a type; nothing if it does not answer.
std::vector<std::string> Ask(const Connection& connection, const std::string& type, const std::vector<std::string>& words) {
  if (type == "INSTANCE") return InstanceNames(connection);
  if (type == "RUN") return RunNumbersOf(connection);
  if (type == "WORKLOAD") return WorkloadNames(connection);
  return FromCatalog(connection, type, words);
}

// The server that the words name, or that the environment or the default does.
std::string ServerOf(const std::vector<std::string>& words) {
  if (const std::string named = ValueIn(words, "--server"); !named.empty()) return named;
  const char* variable = std::getenv("ALLOCLAB_SERVER");
  return variable != nullptr && *variable != '\0' ? variable : kDefaultServer;
}

}  // namespace

Completion Complete(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* command = &app;
  const CLI::Option* awaits_value = nullptr;
  std::size_t position = 0;
  bool help = false;  // words behind `help` are commands
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (std::exchange(awaits_value, nullptr) != nullptr) continue;
    if (words[i].starts_with('-')) {
      const CLI::Option* option = FindOption(command, words[i]);
      if (option != nullptr && option->get_items_expected_max() > 0) awaits_value = option;
    } else if (const CLI::App* sub = FindCommand(*command, words[i]); sub != nullptr) {
      help = help || sub->get_name() == "help";
      command = sub->get_name() == "help" ? &app : sub;
    } else {
      ++position;
    }
  }
  if (awaits_value != nullptr) return ValueOf(*awaits_value);
  if (!words.empty() && words.back().starts_with('-')) return {.candidates = OptionNames(command), .value_type = ""};
  Completion completion = PositionalOrCommand(*command, position);
  if (help) completion.value_type.clear();
  return completion;
}

int PrintCompletions(const CLI::App& app, const std::vector<std::string>& words) {
  Completion completion = Complete(app, words);
  if (std::find(kAsked.begin(), kAsked.end(), completion.value_type) != kAsked.end()) {
    const Connection connection({.server = ServerOf(words), .timeout = kPatience});
    completion.candidates = Ask(connection, completion.value_type, words);
  }
  const std::string typed = words.empty() ? "" : words.back();
  std::set<std::string> offered;
  for (const std::string& candidate : completion.candidates) {
    if (candidate.starts_with(typed) && offered.insert(candidate).second) fmt::print("{}\n", candidate);
  }
  return static_cast<int>(ExitCode::kOk);
}

void RegisterCompletion(CLI::App& app, Command& chosen) {
  const auto script = std::make_shared<const char*>(nullptr);
  CLI::App* command = AddCommand(app, "completion", "A completion script for the shell", "source <(alloclab completion bash)",
                                 chosen, [script](Session& session) { return Done(session.Print(*script)); });
  AddChoice<const char*>(*command, "SHELL", *script, {{"bash", kBash}, {"zsh", kZsh}, {"fish", kFish}}, "bash, zsh or fish")
      ->required();
}

}  // namespace alloclab::client

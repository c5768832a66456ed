#include "clients/cli/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_split.h"
#include "alloclab/v1/lab.grpc.pb.h"
#include "alloclab/v1/run.grpc.pb.h"
#include "alloclab/v1/workload.grpc.pb.h"
#include "clients/cli/commands.h"

namespace alloclab::client {
namespace {

constexpr std::chrono::milliseconds kPatience{300};

constexpr const char kBash[] = R"(# alloclab: put `source <(alloclab completion bash)` into ~/.bashrc
_alloclab() {
  local IFS=$'\n'
  COMPREPLY=($(alloclab __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _alloclab alloclab
)";

constexpr const char kZsh[] = R"(#compdef alloclab
# alloclab: put `source <(alloclab completion zsh)` into ~/.zshrc, after compinit
_alloclab() {
  local -a found
  found=("${(@f)$(alloclab __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _alloclab alloclab
)";

constexpr const char kFish[] = R"(# alloclab: alloclab completion fish > ~/.config/fish/completions/alloclab.fish
complete -c alloclab -a '(alloclab __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
)";

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

// Names that the server knows.
std::vector<std::string> Ask(const Connection& connection, const std::string& type) {
  std::vector<std::string> names;
  if (type == "INSTANCE") {
    const auto list = connection.Call(&v1::Lab::Stub::ListInstances, v1::ListInstancesRequest());
    if (!list.ok()) return names;
    for (const v1::Instance& instance : list->instances()) names.push_back(instance.name());
  } else if (type == "RUN") {
    const auto list = connection.Call(&v1::Runs::Stub::ListRuns, v1::ListRunsRequest());
    if (!list.ok()) return names;
    for (const v1::Run& run : list->runs()) names.push_back(std::to_string(run.id()));
  } else if (type == "WORKLOAD") {
    const auto list = connection.Call(&v1::Workloads::Stub::ListBuiltins, v1::ListBuiltinsRequest());
    if (!list.ok()) return names;
    for (const v1::Builtin& builtin : list->builtins()) names.push_back(builtin.name());
  } else {
    const v1::Catalog catalog = connection.Call(&v1::Lab::Stub::GetCatalog, v1::GetCatalogRequest()).value_or(v1::Catalog());
    for (const v1::AllocatorInfo& allocator :
         type == "PAGE_ALLOCATOR" ? catalog.page_allocators() : catalog.heap_allocators()) {
      names.push_back(allocator.name());
    }
  }
  return names;
}

bool ServerKnows(const std::string& type) {
  constexpr std::array kTypes = {"INSTANCE", "RUN", "WORKLOAD", "PAGE_ALLOCATOR", "HEAP_ALLOCATOR"};
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

// The server that the words name, or that the environment or the default does.
std::string ServerOf(const std::vector<std::string>& words) {
  constexpr std::string_view kOption = "--server";
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == kOption && i + 1 < words.size()) return words[i + 1];
    if (words[i].starts_with("--server=")) return words[i].substr(kOption.size() + 1);
  }
  const char* variable = std::getenv("ALLOCLAB_SERVER");
  return variable != nullptr && *variable != '\0' ? variable : kDefaultServer;
}

}  // namespace

Completion Complete(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* command = &app;
  const CLI::Option* awaits_value = nullptr;
  std::size_t position = 0;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (std::exchange(awaits_value, nullptr) != nullptr) continue;
    if (words[i].starts_with('-')) {
      const CLI::Option* option = FindOption(command, words[i]);
      if (option != nullptr && option->get_items_expected_max() > 0) awaits_value = option;
    } else if (const CLI::App* sub = FindCommand(*command, words[i]); sub != nullptr) {
      command = sub;
    } else {
      ++position;
    }
  }
  if (awaits_value != nullptr) return ValueOf(*awaits_value);
  if (!words.empty() && words.back().starts_with('-')) return {.candidates = OptionNames(command), .value_type = ""};
  return PositionalOrCommand(*command, position);
}

int PrintCompletions(const CLI::App& app, const std::vector<std::string>& words) {
  Completion completion = Complete(app, words);
  if (ServerKnows(completion.value_type)) {
    const Connection connection({.server = ServerOf(words), .timeout = kPatience});
    completion.candidates = Ask(connection, completion.value_type);
  }
  const std::string typed = words.empty() ? "" : words.back();
  for (const std::string& candidate : completion.candidates) {
    if (candidate.starts_with(typed)) fmt::print("{}\n", candidate);
  }
  return static_cast<int>(ExitCode::kOk);
}

void RegisterCompletion(CLI::App& app, Command& chosen) {
  const auto shell = std::make_shared<std::string>();
  CLI::App* command =
      AddCommand(app, "completion", "A completion script for the shell", "source <(alloclab completion bash)", chosen,
                 [shell](Session& session) {
                   const std::map<std::string, const char*> scripts = {{"bash", kBash}, {"zsh", kZsh}, {"fish", kFish}};
                   return Done(session.Print(scripts.at(*shell)));
                 });
  command->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""))
      ->type_name("bash|zsh|fish");
}

}  // namespace alloclab::client

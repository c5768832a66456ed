// alloclabd: the server of the lab.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "allocators/common/suggestion.h"
#include "server/http/bind_address.h"
#include "server/log.h"
#include "server/server/config_file.h"
#include "server/server/health_check.h"
#include "server/server/help.h"
#include "server/server/host.h"
#include "server/server/lab_server.h"
#include "server/server/library_logs.h"
#include "server/server/memory_return.h"
#include "server/server/options.h"
#include "server/server/service_manager.h"
#include "server/server/store_command.h"
#include "server/server/tls_options.h"
#include "server/server/token_command.h"
#include "server/version.h"

namespace alloclab::server {
namespace {

// Documented in --help.
enum ExitCode { kExitOk = 0, kExitFailed = 1, kExitUsage = 2, kExitUnreachable = 3, kExitDamaged = 4, kExitSignal = 130 };

int Fail(ExitCode code, const absl::Status& status) {
  FlushLog();
  fmt::print(stderr, "alloclabd: {} (exit code {})\n", std::string(status.message()), static_cast<int>(code));
  return code;
}

struct CommandLine {
  OptionValues flags;
  std::string config_file;
  bool dump_config = false;
};

void AddOptions(CLI::App& app, CommandLine& line) {
  for (const OptionInfo& option : ServerOptionList()) {
    const std::string flag = fmt::format("--{}", option.name);
    const auto set = [&line, flag, name = std::string(option.name)](const std::string& text) {
      line.flags[name] = {text, flag};
    };
    const std::string preset = option.get({});
    const std::string description =
        fmt::format("{} [{}{}{}]", option.description, preset, preset.empty() ? "" : "; ", VariableName(option.name));
    CLI::Option* const added = app.add_option_function<std::string>(flag, set, description)->type_name("");
    if (option.is_switch) added->expected(0, 1)->default_str("on");
  }
  app.add_option("--config", line.config_file, "YAML file of \"name: value\", with the names of the flags [ALLOCLAB_CONFIG]")
      ->type_name("FILE");
  app.add_flag("--dump-config", line.dump_config, "print the options in effect as a configuration file, and exit");
}

absl::StatusOr<ServerOptions> Resolve(const CommandLine& line) {
  const auto get_variable = [](const std::string& name) -> const char* { return std::getenv(name.c_str()); };
  const char* const variable = get_variable("ALLOCLAB_CONFIG");
  const std::string path = line.config_file.empty() && variable != nullptr ? variable : line.config_file;
  OptionValues file;
  if (!path.empty()) {
    absl::StatusOr<OptionValues> read = ReadConfigFile(path);
    if (!read.ok()) return read.status();
    file = *std::move(read);
  }
  const std::vector<OptionValues> sources{file, ReadVariables(get_variable), line.flags};
  return MakeOptions(sources);
}

absl::Status WriteAddresses(const std::string& path, const LabServer& server) {
  if (path.empty()) return absl::OkStatus();
  const std::string temporary = path + ".new";
  std::ofstream file(temporary);
  file << fmt::format("grpc {}\nweb {}\nmetrics {}\n", server.grpc_address(), server.web_address(), server.metrics_address());
  file.close();
  if (!file || std::rename(temporary.c_str(), path.c_str()) != 0) {
    return absl::FailedPreconditionError(fmt::format("--address-file {}: cannot be written", path));
  }
  return absl::OkStatus();
}

// Waits for SIGTERM or SIGINT, then stops the server; a second signal ends the process at once.
int ServeUntilSignal(LabServer& server, const sigset_t& signals, absl::Duration drain_time) {
  int signal = 0;
  sigwait(&signals, &signal);
  TellServiceManager("STOPPING=1");
  server.Drain();
  Log(LogLevel::kInfo, "server.draining", {{"signal", strsignal(signal)}, {"at_most", absl::FormatDuration(drain_time)}});
  std::atomic<bool> stopped{false};
  std::thread stopping([&] {
    server.Stop(MonotonicTime::Now() + drain_time);
    stopped = true;
  });
  const timespec pause{.tv_sec = 0, .tv_nsec = 20'000'000};
  while (!stopped) {
    if (sigtimedwait(&signals, nullptr, &pause) <= 0) continue;
    Log(LogLevel::kWarning, "server.aborted", {{"reason", "second signal"}});
    FlushLog();
    _exit(kExitSignal);
  }
  stopping.join();
  Log(LogLevel::kInfo, "server.stopped");
  FlushLog();
  return kExitOk;
}

int Serve(const ServerOptions& options) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread: all inherit it
  signal(SIGPIPE, SIG_IGN);
  BoundArenas();
  const std::uint64_t descriptors = RaiseDescriptorLimit();
  ConfigureLog(options.log_format, options.log_level);
  RouteLibraryLogs();
  const auto server = LabServer::Start(options);
  if (!server.ok()) return Fail(absl::IsInvalidArgument(server.status()) ? kExitUsage : kExitFailed, server.status());
  if (absl::Status status = WriteAddresses(options.address_file, **server); !status.ok()) return Fail(kExitFailed, status);
  for (const Exposure& exposure : (*server)->exposures()) {
    Log(LogLevel::kWarning, "server.insecure",
        {{"flag", exposure.flag}, {"address", exposure.address}, {"reachable_from_other_hosts_without", exposure.lacks}});
  }
  WarnOfCertificateEnd(options);
  Log(LogLevel::kInfo, "server.started",
      {{"version", Version()},
       {"commit", Commit()},
       {"grpc", (*server)->grpc_address()},
       {"web", (*server)->web_address()},
       {"metrics", (*server)->metrics_address()},
       {"data_dir", options.data_dir},
       {"store", options.store.empty() ? "SQLite" : options.store},
       {"descriptors", descriptors},
       {"interrupted_runs", (*server)->interrupted_runs()},
       {"pid", getpid()}});
  TellServiceManager("READY=1");
  return ServeUntilSignal(**server, signals, options.drain_time);
}

int CheckHealthOf(const ServerOptions& options, const std::string& service) {
  const absl::StatusOr<BindAddress> listen = ParseBindAddress("--listen", options.listen, Sockets::kTcpAndUnix);
  if (!listen.ok()) return Fail(kExitUsage, listen.status());
  const absl::Status status = CheckHealth(*listen, service, options);
  if (absl::IsInvalidArgument(status)) return Fail(kExitUsage, status);
  if (!status.ok()) return Fail(absl::IsUnavailable(status) ? kExitUnreachable : kExitFailed, status);
  fmt::print("SERVING\n");
  return kExitOk;
}

// An unknown option with the nearest one that exists; what else is wrong in CLI11's words. --help is an "error" too.
int EndByParser(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app.exit(error);
  if (error.get_exit_code() != static_cast<int>(CLI::ExitCodes::ExtrasError)) {
    std::string what = error.what();
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ArgumentMismatch)) {
      what = what.substr(0, what.find(':')) + ": expected once, with one value";
    }
    return Fail(kExitUsage, absl::InvalidArgumentError(what + "; see alloclabd --help"));
  }
  const std::vector<std::string> words = app.remaining(/*recurse=*/true);
  const auto option = std::find_if(words.begin(), words.end(), [](const std::string& word) { return word.starts_with("--"); });
  if (option == words.end()) {
    return Fail(kExitUsage, absl::InvalidArgumentError(fmt::format("unexpected \"{}\"; see alloclabd --help", words.back())));
  }
  std::vector<std::string_view> names{"config", "dump-config", "help"};
  for (const OptionInfo& info : ServerOptionList()) names.push_back(info.name);
  const std::string_view nearest = NearestName(std::string_view(*option).substr(2), names);
  const std::string hint = nearest.empty() ? "see alloclabd --help" : fmt::format("did you mean \"--{}\"?", nearest);
  return Fail(kExitUsage, absl::InvalidArgumentError(fmt::format("unknown option \"{}\"; {}", *option, hint)));
}

int Main(int argc, char** argv) {
  CLI::App app("alloclabd, the server of the allocator lab.", "alloclabd");
  app.formatter(std::make_shared<HelpFormatter>());
  app.footer(
      "Every option is also a variable and a key of the --config file; flag > variable > file > default.\n"
      "Exit codes: 0 ended as asked, 1 cannot run, 2 wrong usage or configuration, 3 unreachable (healthcheck), 4 damaged "
      "(store), 130 second signal.\n"
      "Example:\n  alloclabd --data-dir /var/lib/alloclab --log-format json");
  CommandLine line;
  AddOptions(app, line);
  std::string service;
  CLI::App* health = app.add_subcommand("healthcheck", "ask the server at --listen whether it is serving");
  health->fallthrough();
  health->footer(
      "It takes the options of the server that it asks, from flags, variables and --config: see alloclabd --help.\n"
      "Exit codes: 0 serving, 1 not serving, 2 wrong usage, 3 unreachable.\n"
      "Example:\n  alloclabd healthcheck --config /etc/alloclab/alloclabd.yaml");
  health->add_option("--service", service, "one service, such as alloclab.v1.Runs; empty: the whole server")->type_name("NAME");
  StoreCommand store;
  const CLI::App* store_app = AddStoreCommand(app, store);
  TokenCommand token;
  const CLI::App* token_app = AddTokenCommand(app, token);
  const CLI::App* version = app.add_subcommand("version", "print the version");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // CLI11 reports by exceptions
    return EndByParser(app, error);
  }
  if (version->parsed()) {
    fmt::print("alloclabd {} ({}, {})\n", Version(), Commit(), Build());
    return kExitOk;
  }
  const absl::StatusOr<ServerOptions> options = Resolve(line);
  if (!options.ok()) return Fail(kExitUsage, options.status());
  if (health->parsed()) return CheckHealthOf(*options, service);
  if (store_app->parsed()) {
    if (!options->store.empty()) {
      return Fail(kExitUsage, absl::InvalidArgumentError("alloclabd store works on SQLite in --data-dir, but --store names a "
                                                         "PostgreSQL database, which has pg_dump and pg_restore"));
    }
    const absl::StatusOr<bool> whole = RunStoreCommand(store, options->data_dir);
    if (!whole.ok()) return Fail(kExitFailed, whole.status());
    return *whole ? kExitOk : kExitDamaged;
  }
  if (token_app->parsed()) {
    const absl::Status status = RunTokenCommand(token, options->data_dir);
    return status.ok() ? kExitOk : Fail(absl::IsInvalidArgument(status) ? kExitUsage : kExitFailed, status);
  }
  if (line.dump_config) {
    fmt::print("{}", DumpConfig(*options));
    return kExitOk;
  }
  return Serve(*options);
}

}  // namespace
}  // namespace alloclab::server

int main(int argc, char** argv) { return alloclab::server::Main(argc, argv); }

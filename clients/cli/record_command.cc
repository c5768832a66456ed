// record
#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "clients/cli/commands.h"
#include "clients/common/units.h"
#include "clients/record/recording.h"
#include "recorder/layout.h"

namespace alloclab::client {
namespace {

constexpr char kLibraryName[] = "liballoclab-record.so";
constexpr std::uint64_t kOperationsMax = 32ull << 20;  // what a server takes
constexpr std::size_t kFilesShown = 20;

// Beside this program, or where an installation has libraries.
std::string FindLibrary() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  for (const fs::path& folder : {program.parent_path(), program.parent_path().parent_path() / "lib"}) {
    if (fs::exists(folder / kLibraryName, error)) return folder / kLibraryName;
  }
  return program.parent_path() / kLibraryName;
}

void Tell(const Session& session, const RecordResult& result) {
  for (std::size_t i = 0; i < result.files.size() && i < kFilesShown; ++i) {
    const RecordedFile& file = result.files[i];
    session.Note(fmt::format("{}: {} operations of {} thread{}, {} ({}, pid {})", file.path, Count(file.operations),
                             file.threads, file.threads == 1 ? "" : "s", Bytes(file.bytes), file.program, file.pid));
    if (file.sites != 0) session.Note(fmt::format("  {} call sites: alloclab trace show {}", Count(file.sites), file.path));
    for (const std::string& note : file.notes) session.Note("  " + note);
  }
  if (result.files.size() > kFilesShown) {
    session.Note(fmt::format("and {} more files, of {} processes in all", result.files.size() - kFilesShown, result.processes));
  }
}

struct Arguments {
  RecordOptions options;
  bool stacks = false;
  std::uint32_t stack_depth = 16;
};

CommandResult Run(const Session& session, const Arguments& given) {
  RecordOptions options = given.options;
  options.stack_depth = given.stacks ? given.stack_depth : 0;
  if (options.library.empty()) options.library = FindLibrary();
  const absl::StatusOr<RecordResult> result = RecordProgram(options);
  if (!result.ok()) return result.status();
  if (result->files.empty()) {
    std::error_code error;
    std::filesystem::remove(options.output, error);
    return absl::FailedPreconditionError(
        fmt::format("{}: nothing was recorded: {}", options.command[0],
                    result->processes == 0
                        ? "it did not load the recorder's library; expected a program that is linked dynamically, is not "
                          "setuid, and keeps LD_PRELOAD"
                        : "it allocated nothing"));
  }
  Tell(session, *result);
  const int status = result->exit_status;
  return static_cast<ExitCode>(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

}  // namespace

void RegisterRecord(CLI::App& app, Command& chosen) {
  const auto given = std::make_shared<Arguments>();
  RecordOptions* const options = &given->options;
  options->output = "app.alloctrace";
  options->operations_max = kOperationsMax;
  CLI::App* record = AddCommand(app, "record", "Run a program and record what it allocates and frees, as a trace",
                                "alloclab record -o sort.alloctrace -- sort /etc/services", chosen,
                                [given](Session& session) { return Run(session, *given); });
  record->add_option("PROGRAM", options->command, "The program and its arguments, behind --; the exit code is its own")
      ->required()
      ->type_name("ARG");
  record
      ->add_option("-o,--out", options->output,
                   "The trace; other processes that the program starts get files of their own: app.2.alloctrace")
      ->type_name("FILE")
      ->capture_default_str();
  record->add_flag(
      "--follow", options->follow,
      "One file for all processes, as on one heap: a child of a fork gets copies of its parent's blocks, and what a "
      "process leaves is freed at its end");
  AddPositiveCount(*record, "--operations-max", options->operations_max, "Let a file end after so many; the program goes on",
                   "expected at least 1 operation")
      ->default_str("32Mi");
  record->add_flag(
      "--stacks", given->stacks,
      "With the call stack of each allocation: `alloclab trace show` then tells which calls hold memory. Costs time");
  record->add_option("--stack-depth", given->stack_depth, "Frames of a call stack, the innermost first")
      ->check(CLI::Range(1u, recorder::kStackMax))
      ->capture_default_str()
      ->type_name("1..32");
  record->add_option("--level", options->level, "How hard zstd compresses; above 3 it may be slower than the program allocates")
      ->check(CLI::Range(1, 19))
      ->capture_default_str()
      ->type_name("1..19");
  record
      ->add_option("--library", options->library,
                   "The recorder's library; by default liballoclab-record.so beside this program")
      ->type_name("FILE");
}

}  // namespace alloclab::client

// guest build|run|profile|sdk: programs on the simulated processor, without a server.
#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "allocators/trial/trial.h"
#include "clients/cli/commands.h"
#include "clients/cli/grading.h"
#include "clients/cli/guest_report.h"
#include "clients/common/text_file.h"

namespace alloclab::client {
namespace {

struct BuildArguments {
  std::vector<std::string> sources, flags;
  std::string output, compiler, interface, optimise = "2";
  bool show_command = false;
};

struct RunArguments {
  std::string program, workload;
  std::uint64_t seed = 0, operations = 0, until = 0, check_every = 1;
  std::uint64_t print = 0, lines = 20;
  std::uint32_t alignment = 8, heap = 0, pool = 0;
  std::uint64_t instructions_max = 0;
  std::string check, html, interface;
  bool poison = false, source = false;
};

constexpr std::uint8_t kPoison = 0xA5;
constexpr std::uint64_t kInstructionsMax = GuestHeapOptions::kStepsMax;

absl::StatusOr<BuiltGuest> BuildWith(const BuildArguments& arguments, const Toolchain& toolchain) {
  const auto scratch = ScratchDirectory::Make();
  if (!scratch.ok()) return scratch.status();
  const std::string sdk = (*scratch)->path() + "/sdk";
  if (absl::Status status = WriteSdk(sdk); !status.ok()) return status;
  return BuildGuest(arguments.sources, &toolchain, sdk, (*scratch)->path() + "/objects",
                    {"-O" + arguments.optimise, arguments.flags});
}

// Of a program that its initialisation is no end of. `wanted`: empty: the first that it has.
absl::StatusOr<std::string> InterfaceOf(const std::shared_ptr<const ElfProgram>& program, const std::string& wanted) {
  TrialOptions options;
  options.interface = wanted;
  const auto trial = Trial::Create(program, options);
  if (!trial.ok()) return trial.status();
  return std::string((*trial)->interface());
}

CommandResult Build(Session& session, const BuildArguments& arguments) {
  const absl::StatusOr<Toolchain> toolchain = FindToolchain(arguments.compiler);
  if (!toolchain.ok()) return toolchain.status();
  if (arguments.show_command) return Done(session.Print(BuildCommandLine(*toolchain)));
  if (arguments.sources.empty()) return absl::InvalidArgumentError("SOURCE is missing; expected C or C++ files");
  const absl::StatusOr<BuiltGuest> built = BuildWith(arguments, *toolchain);
  if (!built.ok()) return built.status();
  if (!built->messages.empty()) session.Note(built->messages);
  const absl::StatusOr<std::string> interface = InterfaceOf(built->program, arguments.interface);
  if (!interface.ok()) {
    return absl::FailedPreconditionError(
        fmt::format("it is built, and of no use: {}", std::string(interface.status().message())));
  }
  const std::string output =
      arguments.output.empty() ? std::filesystem::path(arguments.sources.front()).stem().string() + ".elf" : arguments.output;
  std::ofstream file(output, std::ios::binary);
  file << built->bytes;
  file.close();
  if (!file) return absl::InternalError(fmt::format("{}: it cannot be written", output));
  session.Note(fmt::format("{}: interface {}, {} bytes, {}", output, *interface, built->bytes.size(), toolchain->version));
  return Done(session.options().quiet ? session.Print(output + "\n") : absl::OkStatus());
}

// A source is built first, as `guest build` would.
absl::StatusOr<BuiltGuest> LoadProgram(const std::string& path) {
  if (IsElfFile(path)) return BuildGuest({path}, nullptr, "", "", {});
  const absl::StatusOr<Toolchain> toolchain = FindToolchain("");
  if (!toolchain.ok()) return toolchain.status();
  BuildArguments arguments;
  arguments.sources = {path};
  return BuildWith(arguments, *toolchain);
}

absl::StatusOr<TrialOptions> OptionsOf(const RunArguments& arguments) {
  if (arguments.instructions_max > kInstructionsMax) {
    return absl::InvalidArgumentError(
        fmt::format("--instructions-max: {}; expected at most {}", arguments.instructions_max, kInstructionsMax));
  }
  TrialOptions options;
  options.heap.alignment = arguments.alignment;
  options.interface = arguments.interface;
  if (arguments.heap != 0) {
    options.heap.limit_bytes = arguments.heap;
    options.pages.arena_pages = std::max(arguments.heap / kPageBytes, 1u);
  }
  if (arguments.pool != 0) options.heap.pool_bytes = arguments.pool;
  if (arguments.instructions_max != 0) {
    options.heap.steps_max = options.pages.steps_max = static_cast<std::uint32_t>(arguments.instructions_max);
  }
  options.fresh_byte = arguments.poison ? kPoison : 0;
  options.check = arguments.check;
  options.check_every = arguments.check_every;
  return options;
}

absl::StatusOr<LocalWorkload> WorkloadOf(const RunArguments& arguments) {
  absl::StatusOr<LocalWorkload> workload = LoadLocalWorkload(arguments.workload, arguments.seed, arguments.operations);
  if (workload.ok() && arguments.until != 0 && arguments.until < workload->trace.operations.size()) {
    workload->trace.operations.resize(arguments.until);
  }
  return workload;
}

CommandResult Run(Session& session, const RunArguments& arguments) {
  const absl::StatusOr<BuiltGuest> built = LoadProgram(arguments.program);
  if (!built.ok()) return built.status();
  const absl::StatusOr<LocalWorkload> workload = WorkloadOf(arguments);
  if (!workload.ok()) return workload.status();
  const absl::StatusOr<TrialOptions> checked = OptionsOf(arguments);
  if (!checked.ok()) return checked.status();
  const TrialOptions& options = *checked;
  const absl::StatusOr<TrialResult> result = RunTrial(built->program, workload->trace, options);
  if (!result.ok()) return result.status();
  google::protobuf::Struct message;
  const Document document = TrialDocument(arguments.program, *workload, *result, *built, message);
  if (absl::Status status = session.Show(message, document, result->violation ? "wrong\n" : "right\n"); !status.ok())
    return status;
  if (arguments.print != 0 && !workload->trace.operations.empty()) {
    const auto text = LastInstructions(*built, workload->trace, options, *result, arguments.print);
    if (!text.ok()) return text.status();
    if (absl::Status status = session.Print(*text); !status.ok()) return status;
  }
  return result->violation ? ExitCode::kViolation : ExitCode::kOk;
}

CommandResult ProfileIt(Session& session, const RunArguments& arguments) {
  const absl::StatusOr<BuiltGuest> built = LoadProgram(arguments.program);
  if (!built.ok()) return built.status();
  const absl::StatusOr<LocalWorkload> workload = WorkloadOf(arguments);
  if (!workload.ok()) return workload.status();
  const absl::StatusOr<TrialOptions> options = OptionsOf(arguments);
  if (!options.ok()) return options.status();
  const absl::StatusOr<Profile> profile = MakeProfile(built->program, workload->trace, *options);
  if (!profile.ok()) return profile.status();
  const ProfileView view(*built, *workload, *profile);
  google::protobuf::Struct message;
  const Document document = view.ToDocument(arguments.lines, message);
  if (absl::Status status = session.Show(message, document, ""); !status.ok()) return status;
  if (arguments.source) {
    if (absl::Status status = session.Print(view.AnnotatedSource()); !status.ok()) return status;
  }
  if (!arguments.html.empty()) {
    if (absl::Status status = WriteTextFile(arguments.html, view.ToHtml(arguments.program)); !status.ok()) return status;
  }
  return profile->result.violation ? ExitCode::kViolation : ExitCode::kOk;
}

void AddRunOptions(CLI::App& command, RunArguments& arguments) {
  command.add_option("PROGRAM", arguments.program, "An ELF file of `alloclab guest build`, or a source to be built first")
      ->required()
      ->type_name("FILE");
  command.add_option("WORKLOAD", arguments.workload, "A built-in, a trace file, or a specification")
      ->required()
      ->type_name("WORKLOAD");
  AddCount(command, "--seed", arguments.seed, "Of a built-in; its own if not said");
  AddCount(command, "--operations", arguments.operations, "Of a built-in; its own if not said");
  AddCount(command, "--until", arguments.until, "Only so many operations");
  AddChoice<std::uint32_t>(command, "--alignment", arguments.alignment, {{"4", 4}, {"8", 8}, {"16", 16}},
                           "That every block of a heap must have; 8 if not said");
  AddBytes32(command, "--heap-max", arguments.heap,
             "How far the break may go, 64Mi if not said; of a page allocator its arena, 32Mi");
  AddBytes32(command, "--pool", arguments.pool, "The pool of a program that manages one; 16Mi if not said");
  AddCount(command, "--instructions-max", arguments.instructions_max, "Of one operation; 20M if not said");
  command
      .add_option("--interface", arguments.interface,
                  "cmu, malloc, freertos, kmalloc, tlsf, o1heap or zephyr; of pages kalloc, palloc or free_pages")
      ->type_name("INTERFACE");
  command.add_option("--check", arguments.check, "A function of the program to be called: mm_checkheap")->type_name("FUNCTION");
  AddPositiveCount(command, "--check-every", arguments.check_every, "Call it after so many operations",
                   "expected at least 1 operation");
  command.add_flag("--poison", arguments.poison, "Fresh memory is full of 0xA5, not of zeros");
}

}  // namespace

void RegisterGuest(CLI::App& app, Command& chosen) {
  CLI::App* guest = AddGroup(app, "guest", "Allocators of your own: built, checked and profiled on the simulated i386",
                             "alloclab guest run mm.c sqlite");
  const auto build = std::make_shared<BuildArguments>();
  CLI::App* command =
      AddCommand(*guest, "build", "Compile C or C++ sources into a program for the simulated i386",
                 "alloclab guest build mm.c -o mm.elf", chosen, [build](Session& session) { return Build(session, *build); });
  command->add_option("SOURCE", build->sources, "C or C++ files")->type_name("FILE");
  command->add_option("-o,--out", build->output, "The ELF file; the first source's name with .elf if not said")
      ->type_name("FILE");
  command->add_option("-O,--optimise", build->optimise, "As the compiler has it: 0 to 3, s; 2 if not said")->type_name("LEVEL");
  command->add_option("--compiler", build->compiler, "gcc, clang or the path of one")->type_name("COMPILER");
  command->add_option("--flag", build->flags, "For the compiler: --flag=-DDRIVER; several times")->type_name("FLAG");
  command
      ->add_option(
          "--interface", build->interface,
          "Which functions to expect; the first that are there if not said. Of page allocators: kalloc, palloc, free_pages")
      ->type_name("INTERFACE");
  command->add_flag("--show-command", build->show_command, "Only print the commands that build one C file");

  const auto run = std::make_shared<RunArguments>();
  command = AddCommand(*guest, "run", "Run an allocator, of a heap or of pages, under a workload and check every block",
                       "alloclab guest run mm.elf sqlite", chosen, [run](Session& session) { return Run(session, *run); });
  AddRunOptions(*command, *run);
  AddCount(*command, "--print-instructions", run->print, "The last instructions of the last operation, with registers");

  const auto profile = std::make_shared<RunArguments>();
  command = AddCommand(*guest, "profile", "Exact costs of an allocator by function and source line",
                       "alloclab guest profile mm.elf sqlite", chosen,
                       [profile](Session& session) { return ProfileIt(session, *profile); });
  AddRunOptions(*command, *profile);
  AddCount(*command, "--lines", profile->lines, "How many source lines to show; 20 if not said");
  command->add_flag("--source", profile->source, "The sources with their costs");
  command->add_option("--html", profile->html, "Write the sources with their costs there, as a page")->type_name("FILE");

  const auto directory = std::make_shared<std::string>();
  command = AddCommand(*guest, "sdk", "Write headers, runtime, examples and the lab's assignment into a directory",
                       "alloclab guest sdk alloclab-sdk", chosen, [directory](Session& session) -> CommandResult {
                         if (absl::Status status = WriteSdk(*directory); !status.ok()) return status;
                         session.Note(fmt::format("{}: headers, rt.c, lab.mk, assignment.yaml, examples", *directory));
                         return ExitCode::kOk;
                       });
  command->add_option("DIRECTORY", *directory, "Is made")->required()->type_name("DIRECTORY");
}

}  // namespace alloclab::client

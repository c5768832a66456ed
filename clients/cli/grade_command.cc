// grade: marks for allocators, without a server.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "clients/cli/commands.h"
#include "clients/cli/grade_outputs.h"
#include "clients/cli/grading.h"
#include "clients/common/text_file.h"

namespace alloclab::client {
namespace {

struct Arguments {
  std::vector<std::string> programs, traces, flags;
  std::string assignment, compiler, junit, gradescope;
  bool autolab = false, digests = false;
  std::uint64_t jobs = 0;
};

constexpr const char kDescription[] = R"(Build allocators, run the traces of an assignment, and give marks

A PROGRAM is a C or C++ source, or an ELF file of `alloclab guest build`. Of several each is a submission of its own: one line
for each, built and run in parallel; what one does harms no other. Marks follow from program and assignment alone: they are the
same on every computer, under any load. docs/grading.md has what an assignment may say; without one it is the lab's own.

Exit codes: 0 all traces of all programs are right, 4 the assignment is malformed, 5 a trace is wrong or a program does not
compile.)";

constexpr std::uint64_t kJobsMax = 64;

v1::Grade GradeOne(const GradingPlan& plan, const std::string& source, const absl::StatusOr<Toolchain>& toolchain,
                   const std::string& scratch, std::size_t number, const std::vector<std::string>& flags) {
  GuestBuildOptions options;
  options.flags.assign(plan.assignment.flags().begin(), plan.assignment.flags().end());
  options.flags.insert(options.flags.end(), flags.begin(), flags.end());
  if (!toolchain.ok() && !IsElfFile(source)) return GradeNothing(plan, source, std::string(toolchain.status().message()));
  const absl::StatusOr<BuiltGuest> built = BuildGuest({source}, toolchain.ok() ? &*toolchain : nullptr, scratch + "/sdk",
                                                      fmt::format("{}/{}", scratch, number), options);
  return built.ok() ? GradeProgram(plan, source, *built) : GradeNothing(plan, source, std::string(built.status().message()));
}

absl::Status PrintDigests(Session& session, const GradingPlan& plan) {
  std::string lines;
  for (const GradingTrace& trace : plan.traces) {
    lines += fmt::format("{}  {}\n", trace.present ? TraceDigest(trace.workload.trace.operations) : trace.rules.sha256(),
                         trace.label);
  }
  return session.Print(lines);
}

absl::Status WriteOthers(Session& session, const Arguments& arguments, const v1::GradeReport& report) {
  if (!arguments.junit.empty()) {
    if (absl::Status status = WriteTextFile(arguments.junit, ToJunit(report)); !status.ok()) return status;
  }
  if (!arguments.gradescope.empty()) {
    if (absl::Status status = WriteTextFile(arguments.gradescope, ToGradescope(report.grades(0))); !status.ok()) return status;
  }
  return arguments.autolab ? session.Print(ToAutolab(report.grades(0))) : absl::OkStatus();
}

CommandResult GradeAll(Session& session, const Arguments& arguments) {
  if (arguments.programs.size() != 1 && (arguments.autolab || !arguments.gradescope.empty()) && !arguments.digests) {
    return absl::InvalidArgumentError("--autolab and --gradescope are for one PROGRAM");
  }
  const absl::StatusOr<GradingPlan> plan = LoadAssignment(arguments.assignment, arguments.traces);
  if (!plan.ok()) return plan.status();
  if (arguments.digests) return Done(PrintDigests(session, *plan));
  if (arguments.programs.empty()) return absl::InvalidArgumentError("PROGRAM is missing; expected a C source or an ELF file");
  const absl::StatusOr<Toolchain> toolchain = FindToolchain(arguments.compiler);
  if (!toolchain.ok() && !arguments.compiler.empty()) return toolchain.status();
  const auto scratch = ScratchDirectory::Make();
  if (!scratch.ok()) return scratch.status();
  if (absl::Status status = WriteSdk((*scratch)->path() + "/sdk"); !status.ok()) return status;

  v1::GradeReport report;
  report.set_assignment(plan->assignment.name());
  report.set_reference(plan->assignment.reference());
  if (toolchain.ok()) report.set_compiler(toolchain->version);
  for (std::size_t i = 0; i < arguments.programs.size(); ++i) report.add_grades();
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < arguments.programs.size(); i = next++) {
      *report.mutable_grades(static_cast<int>(i)) =
          GradeOne(*plan, arguments.programs[i], toolchain, (*scratch)->path(), i, arguments.flags);
    }
  };
  const std::uint64_t wanted = arguments.jobs != 0 ? arguments.jobs : std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> workers;
  for (std::uint64_t i = 1; i < std::min<std::uint64_t>({wanted, kJobsMax, arguments.programs.size()}); ++i)
    workers.emplace_back(work);
  work();
  for (std::thread& worker : workers) worker.join();

  bool well = true;
  for (const v1::Grade& grade : report.grades()) {
    if (!grade.messages().empty()) session.Note(grade.messages());
    well = well && grade.error().empty();
    for (const v1::TraceGrade& trace : grade.traces()) well = well && (trace.valid() || !trace.run());
  }
  std::string brief;
  for (const v1::Grade& grade : report.grades()) brief += fmt::format("{:.3f}\n", grade.total());
  if (absl::Status status = session.Show(report, GradeDocument(report), brief); !status.ok()) return status;
  return Done(WriteOthers(session, arguments, report), well ? ExitCode::kOk : ExitCode::kViolation);
}

}  // namespace

void RegisterGrade(CLI::App& app, Command& chosen) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* grade = AddCommand(app, "grade", kDescription, "alloclab grade mm.c", chosen,
                               [arguments](Session& session) { return GradeAll(session, *arguments); });
  grade->add_option("PROGRAM", arguments->programs, "C or C++ sources, or ELF files")->type_name("FILE");
  grade->add_option("--assignment", arguments->assignment, "A YAML file; the lab's own if none is said")->type_name("FILE");
  grade->add_option("--traces", arguments->traces, "Directories with the hidden traces")->type_name("DIRECTORY");
  grade->add_option("--compiler", arguments->compiler, "gcc, clang or the path of one")->type_name("COMPILER");
  grade->add_option("--flag", arguments->flags, "For the compiler: --flag=-DDRIVER; several times")->type_name("FLAG");
  AddCount(*grade, "--jobs", arguments->jobs, "Programs at a time; as many as there are processors if not said");
  grade->add_option("--junit", arguments->junit, "Write JUnit XML there")->type_name("FILE");
  grade->add_option("--gradescope", arguments->gradescope, "Write Gradescope's results.json there")->type_name("FILE");
  grade->add_flag("--autolab", arguments->autolab, "Print Autolab's line of scores at the end");
  grade->add_flag("--digests", arguments->digests, "Only print the digests of the assignment's traces");
}

}  // namespace alloclab::client

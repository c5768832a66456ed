// submit: a workload on a fresh instance in the server, watched to its end.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "alloclab/v1/run.grpc.pb.h"
#include "clients/cli/commands.h"
#include "clients/cli/instance_config.h"
#include "clients/cli/run_figures.h"
#include "clients/cli/run_view.h"
#include "clients/cli/run_watch.h"
#include "clients/cli/workload_request.h"
#include "clients/common/guest_argument.h"
#include "clients/common/interrupt.h"
#include "clients/common/threshold_options.h"

namespace alloclab::client {
namespace {

struct Arguments {
  std::string workload;
  v1::SubmitRunRequest request;
  WorkloadOptions options;
  bool detach = false;
  std::vector<Threshold> thresholds;
};

constexpr const char kDescription[] =
    R"(Replay a workload on a fresh simulated machine and show what was found

WORKLOAD is one of
  a built-in           alloclab workload list
  a trace file         .alloctrace, CMU .rep, malloc-bench, or a log of a tool (docs/traces.md)
  sha256:DIGEST        a trace that the server has from before
  a specification      a YAML or JSON file, or - for standard input

A specification has the fields of the message WorkloadSpec in proto/alloclab/v1/workload.proto. Whole numbers may carry
k, M, G (decimal) or Ki, Mi, Gi. `alloclab workload show NAME` prints any built-in in this form:

  name: burst
  seed: 7
  phases:
    - name: fill
      operations: 100k
      live_blocks: 20k        # at the end of the phase; the target moves on a line
      size: {uniform: {min: 16, max: 512}}
      mix: {malloc: 8, calloc: 1, realloc: 1}
      touch: {percent: 30}    # of each block is written, from its start on; nothing (default)
    - name: drain
      operations: 50k
      live_blocks: 0
      size: {fixed: 64}       # or exponential: {mean: 64, max: 4Ki}, or weighted: {choices: [{size: 16, weight: 3}, ...]}
      free_order: every_other # random (default), lifo, fifo, every_other
      pages: false            # true: blocks of pages instead of the heap, sizes in pages

A file of `alloclab runs show N --workload` gives the workload of run N again.

Ctrl-C cancels the run and shows what was found until then (exit code 130); a second one leaves at once.
Exit codes: 4 the workload is missing or malformed, 5 an invariant of the allocator is broken, 99 a
--threshold is not kept.)";

CommandResult Detached(Session& session, const v1::Run& run) {
  if (session.output() != OutputFormat::kTable) return Done(session.Show(run, RunDocument(run, session.width(), {})));
  session.Note(fmt::format("Watch it with: alloclab runs watch {}", run.id()));
  return Done(session.Print(fmt::format("{}\n", run.id())));
}

// The argument if it gives the workload again; "" leaves it to what the server knows: after a pipe, or a file that names
// another.
std::string ArgumentAgain(const std::string& given, const WorkloadArgument& argument) {
  const auto* builtin = std::get_if<BuiltinName>(&argument);
  const bool elsewhere = (builtin != nullptr && builtin->name != given) ||
                         (std::holds_alternative<StoredTrace>(argument) && !given.starts_with("sha256:"));
  return elsewhere || !CanBeReadAgain(argument) ? "" : given;
}

CommandResult Submit(Session& session, const Arguments& given) {
  const absl::StatusOr<WorkloadArgument> argument = ReadWorkloadArgument(given.workload);
  if (!argument.ok()) return argument.status();
  Interruption interruption;
  const InterruptGuard guard([&interruption] { interruption.Interrupt(); });
  Progress progress(stderr, session.options().quiet);
  const Connection& connection = session.connection();
  v1::SubmitRunRequest request = given.request;
  if (absl::Status resolved = ResolveGuests(connection, *request.mutable_config()); !resolved.ok()) {
    return resolved;
  }
  std::vector<std::string> notes;
  absl::Status status =
      ResolveWorkload(*argument, given.options, connection, interruption, progress, *request.mutable_workload(), notes);
  if (!status.ok()) return status;
  if (given.detach) {  // otherwise the result says them
    for (const std::string& note : notes) session.Note(Printable(note));
  }
  if (request.label().empty()) request.set_label(DefaultLabel(given.workload, *argument));
  absl::StatusOr<v1::Run> run = connection.Call(&v1::Runs::Stub::SubmitRun, request);
  if (!run.ok()) return ExplainRefusal(run.status(), *argument, connection);
  if (given.detach) return Detached(session, *run);
  if (!HasEnded(*run)) run = WatchToEnd(connection, run->id(), OnInterrupt::kCancelRun, interruption, progress);
  progress.Finish();
  if (!run.ok()) return run.status();
  const bool as_it_is = GivenPolicies(given.options.log).empty();
  const CommandResult shown =
      ShowRun(session, *run, as_it_is ? ArgumentAgain(given.workload, *argument) : "", given.thresholds);
  if (shown.ok() && interruption.interrupted() && run->state() == v1::Run::CANCELLED) return ExitCode::kInterrupted;
  return shown;
}

}  // namespace

void RegisterSubmit(CLI::App& app, Command& chosen) {
  const auto given = std::make_shared<Arguments>();
  CLI::App* submit = AddCommand(app, "submit", kDescription, "alloclab submit steady-state --ram 64Mi --digest-at 1/4,1/2",
                                chosen, [given](Session& session) { return Submit(session, *given); });
  submit->add_option("WORKLOAD", given->workload, "Built-in name, specification, trace file, or sha256:DIGEST")
      ->required()
      ->type_name("WORKLOAD");
  AddInstanceConfig(*submit, *given->request.mutable_config());
  submit
      ->add_option("--digest-at", *given->request.mutable_digest_at(),
                   "Digests of the metadata after these operations, e.g. 1/4,1/2,5000")
      ->type_name("LIST");
  AddPositiveCount(*submit, "--seed", given->options.seed, "Seed of a synthetic workload (default its own)",
                   "seeds begin at 1; without the option a workload has its own");
  AddPositiveCount(*submit, "--operations", given->options.operations, "Length of a built-in workload (default its own)",
                   "nothing would be replayed; without the option a workload has its own length");
  submit
      ->add_option("--label", *given->request.mutable_label(),
                   "Free text kept with the run, up to 128 characters (default a file's name)")
      ->type_name("TEXT");
  submit->add_flag(
      "--share-result", [given](std::int64_t) { given->request.set_share_result(true); },
      "The result of an earlier run of the same will do: nothing is replayed if there is one");
  CLI::Option* detach = submit->add_flag("--detach", given->detach, "Do not wait: print the run's number");
  AddLogOptions(*submit, given->options.log);
  AddThresholds(*submit, RunFigures(), given->thresholds);
  for (const char* option : {"--threshold", "--threshold-file"}) submit->get_option(option)->excludes(detach);
}

}  // namespace alloclab::client

// runs list|show|watch|cancel|delete|pin|unpin|label|compare|diff|open|seek
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alloclab/v1/run.grpc.pb.h"
#include "clients/cli/commands.h"
#include "clients/cli/opened_runs.h"
#include "clients/cli/run_argument.h"
#include "clients/cli/run_compare.h"
#include "clients/cli/run_diff.h"
#include "clients/cli/run_list.h"
#include "clients/cli/run_moment.h"
#include "clients/cli/run_view.h"
#include "clients/cli/run_watch.h"
#include "clients/common/interrupt.h"
#include "clients/common/units.h"
#include "clients/common/yaml_message.h"

namespace alloclab::client {
namespace {

constexpr std::uint64_t kListed = 50;
constexpr std::uint64_t kPageMax = 500;

absl::Status ShowList(Session& session, const google::protobuf::Message& message, const v1::ListRunsResponse& list,
                      const v1::ListRunsRequest& request = {}) {
  const bool for_people = session.output() == OutputFormat::kTable || session.output() == OutputFormat::kMarkdown;
  return session.Show(message, for_people ? RunListForPeople(request, list) : RunListForPrograms(list), RunNumbers(list));
}

CommandResult List(Session& session, v1::ListRunsRequest request, std::uint64_t limit) {
  if (limit == 0) limit = std::numeric_limits<std::uint64_t>::max();
  v1::ListRunsResponse all;
  std::uint64_t left = limit;
  do {
    request.set_page_size(static_cast<std::uint32_t>(std::min(left, kPageMax)));
    absl::StatusOr<v1::ListRunsResponse> page = session.connection().Call(&v1::Runs::Stub::ListRuns, request);
    if (!page.ok()) return page.status();
    left -= std::min<std::uint64_t>(left, static_cast<std::uint64_t>(page->runs_size()));
    request.set_page_token(page->next_page_token());
    all.mutable_runs()->MergeFrom(page->runs());
    all.mutable_damaged()->MergeFrom(page->damaged());
  } while (left > 0 && !request.page_token().empty());
  if (!request.page_token().empty()) session.Note("Older runs are left out; --limit 0 lists all.");
  for (const std::uint64_t id : all.damaged()) {
    session.Note(fmt::format("Run {} is damaged on the server's disk and not shown; see alloclabd store --help.", id));
  }
  return Done(ShowList(session, all, all, request));
}

absl::StatusOr<v1::Run> GetRun(const Connection& connection, std::uint64_t id) {
  v1::GetRunRequest request;
  request.set_id(id);
  return connection.Call(&v1::Runs::Stub::GetRun, request);
}

CommandResult ShowOne(Session& session, std::uint64_t id, bool workload_only) {
  const absl::StatusOr<v1::Run> run = GetRun(session.connection(), id);
  if (!run.ok()) return run.status();
  if (!workload_only) {
    const CommandResult shown = ShowRun(session, *run, "");
    // Looking at a run that failed is not a failure.
    return shown.ok() && *shown == ExitCode::kRuntimeError ? CommandResult(ExitCode::kOk) : shown;
  }
  if (session.output() == OutputFormat::kJson) return Done(session.Show(run->workload(), {}));
  // A file of either form is a workload for submit.
  return Done(session.Print(run->workload().has_spec() ? ToYaml(run->workload().spec()) : ToYaml(run->workload())));
}

CommandResult Watch(Session& session, std::uint64_t id) {
  Interruption interruption;
  const InterruptGuard guard([&interruption] { interruption.Interrupt(); });
  Progress progress(stderr, session.options().quiet);
  const absl::StatusOr<v1::Run> run = WatchToEnd(session.connection(), id, OnInterrupt::kStopWatching, interruption, progress);
  progress.Finish();
  if (!run.ok()) return run.status();
  return ShowRun(session, *run, "");
}

// What a list says of a run with a result.
void Summarize(v1::Run& run) {
  if (!run.has_result()) return;
  const v1::Exact& exact = run.result().exact();
  v1::RunSummary& summary = *run.mutable_summary();
  for (const v1::OutcomeCount& outcome : exact.counters().outcomes()) {
    const bool failed = outcome.outcome() != "ok" && outcome.outcome() != "zero_size";
    if (failed) summary.set_failed_operations(summary.failed_operations() + outcome.count());
  }
  summary.set_heap_peak_bytes(exact.counters().heap_size_peak_bytes());
  summary.set_live_peak_bytes(exact.counters().live_requested_peak_bytes());
  summary.set_page_peak_bytes(exact.counters().page_live_peak_bytes());
  summary.set_cycles_386(exact.cycles_386());
  summary.set_replay_ns(run.result().measured().replay_ns());
  summary.set_violations(exact.violations());
  run.clear_result();
}

CommandResult Cancel(Session& session, std::uint64_t id) {
  absl::StatusOr<v1::Run> run = CancelRun(session.connection(), id);
  if (run.ok() && HasEnded(*run)) run = GetRun(session.connection(), id);
  if (!run.ok()) return run.status();
  if (HasEnded(*run) && run->state() != v1::Run::CANCELLED) session.Note(fmt::format("Run {} had ended already.", id));
  Summarize(*run);
  v1::ListRunsResponse one;
  *one.add_runs() = *run;
  return Done(ShowList(session, *run, one));
}

CommandResult Delete(Session& session, const std::vector<std::uint64_t>& ids) {
  for (const std::uint64_t id : ids) {
    v1::DeleteRunRequest request;
    request.set_id(id);
    const absl::StatusOr<v1::DeleteRunResponse> deleted = session.connection().Call(&v1::Runs::Stub::DeleteRun, request);
    if (!deleted.ok()) return deleted.status();
    session.Note(fmt::format("deleted run {}", id));
  }
  return ExitCode::kOk;
}

// Says what became of each; `request` without an id.
CommandResult Update(Session& session, const std::vector<std::uint64_t>& ids, v1::UpdateRunRequest request) {
  v1::ListRunsResponse all;
  for (const std::uint64_t id : ids) {
    request.set_id(id);
    absl::StatusOr<v1::Run> run = session.connection().Call(&v1::Runs::Stub::UpdateRun, request);
    if (!run.ok()) return run.status();
    if (request.has_pinned()) session.Note(fmt::format("{} run {}", request.pinned() ? "pinned" : "unpinned", id));
    if (request.has_label()) {
      session.Note(request.label().empty() ? fmt::format("run {} has no label now", id)
                                           : fmt::format("run {} is labelled {}", id, request.label()));
    }
    Summarize(*run);
    *all.add_runs() = *std::move(run);
  }
  return session.output() == OutputFormat::kTable ? ExitCode::kOk : Done(ShowList(session, all, all));
}

// A command with one run as its argument.
CLI::App* AddRunCommand(CLI::App& group, const char* name, const char* description, const char* example, Command& chosen,
                        CommandResult (*run)(Session&, std::uint64_t)) {
  const auto id = std::make_shared<std::uint64_t>(0);
  CLI::App* command =
      AddCommand(group, name, description, example, chosen, [id, run](Session& session) { return run(session, *id); });
  AddRunNumber(*command, "RUN", *id)->required();
  return command;
}

void RegisterShow(CLI::App& group, Command& chosen) {
  struct Given {
    std::uint64_t id = 0;
    bool workload = false;
    std::optional<RunPlace> at;
  };
  const auto given = std::make_shared<Given>();
  CLI::App* show = AddCommand(group, "show", "A run and its result, or its machine after one of its operations",
                              "alloclab runs show 7", chosen, [given](Session& session) {
                                if (!given->at) return ShowOne(session, given->id, given->workload);
                                const absl::StatusOr<v1::Run> run = GetRun(session.connection(), given->id);
                                return run.ok() ? ShowRunAt(session, *run, *given->at) : run.status();
                              });
  AddRunNumber(*show, "RUN", given->id)->required();
  CLI::Option* workload = show->add_flag("--workload", given->workload, "Only its workload, as YAML that submit reads");
  AddRunPlace(*show, "--at", given->at)->excludes(workload);
}

void RegisterList(CLI::App& group, Command& chosen) {
  struct Given {
    v1::ListRunsRequest request;
    v1::Run::State state = v1::Run::STATE_UNSPECIFIED;
    std::uint64_t limit = kListed;
  };
  const auto given = std::make_shared<Given>();
  CLI::App* list = AddCommand(group, "list", "The newest runs, and what tells them apart",
                              "alloclab runs list --workload sqlite --state succeeded", chosen, [given](Session& session) {
                                if (given->state != v1::Run::STATE_UNSPECIFIED) given->request.add_states(given->state);
                                return List(session, given->request, given->limit);
                              });
  list->add_option("--workload", *given->request.mutable_workload(),
                   "Only of this built-in, specification, or trace (first digits of its sha256)")
      ->type_name("WORKLOAD");
  std::vector<std::pair<std::string, v1::Run::State>> states;
  for (const v1::Run::State state :
       {v1::Run::QUEUED, v1::Run::RUNNING, v1::Run::SUCCEEDED, v1::Run::FAILED, v1::Run::CANCELLED, v1::Run::INTERRUPTED}) {
    states.emplace_back(StateName(state), state);
  }
  AddChoice(*list, "--state", given->state, states, "Only in this state");
  list->add_option("--label", *given->request.mutable_label(), "Only with this in the label")->type_name("TEXT");
  list->add_option("--allocator", *given->request.mutable_allocator(), "Only with this allocator of the heap or of the pages")
      ->type_name("ALLOCATOR");
  list->add_option("--owner", *given->request.mutable_owner(), "Only of whoever has the token of this name")->type_name("NAME");
  AddCount(*list, "--limit", given->limit, "How many (default 50, 0 is all)");
}

void RegisterUpdates(CLI::App& group, Command& chosen) {
  const auto pin = [&](const char* name, bool pinned, const char* description, const char* example) {
    const auto ids = std::make_shared<std::vector<std::uint64_t>>();
    CLI::App* command = AddCommand(group, name, description, example, chosen, [ids, pinned](Session& session) {
      v1::UpdateRunRequest request;
      request.set_pinned(pinned);
      return Update(session, *ids, std::move(request));
    });
    AddRunNumbers(*command, "RUN", *ids)->required();
  };
  pin("pin", true, "Keep runs that ended, whatever the server's --runs-age and --runs-retire say", "alloclab runs pin 7");
  pin("unpin", false, "Let the server delete runs when it would", "alloclab runs unpin 7");
  const auto id = std::make_shared<std::uint64_t>(0);
  const auto text = std::make_shared<std::string>();
  CLI::App* label = AddCommand(group, "label", "Name a run that ended anew", "alloclab runs label 7 'with a larger pool'",
                               chosen, [id, text](Session& session) {
                                 v1::UpdateRunRequest request;
                                 request.set_label(*text);
                                 return Update(session, {*id}, std::move(request));
                               });
  AddRunNumber(*label, "RUN", *id)->required();
  label->add_option("TEXT", *text, "The label; '' takes it away")->type_name("TEXT")->required();
}

}  // namespace

void RegisterRuns(CLI::App& app, Command& chosen) {
  CLI::App* group = AddGroup(app, "runs", "Runs and their results", "alloclab runs list");
  RegisterList(*group, chosen);
  RegisterShow(*group, chosen);
  AddRunCommand(*group, "watch", "Wait for a run, then show it; Ctrl-C leaves it running", "alloclab runs watch 7", chosen,
                Watch);
  AddRunCommand(*group, "cancel", "Stop a run; it keeps what it found until then", "alloclab runs cancel 7", chosen, Cancel);

  const auto ids = std::make_shared<std::vector<std::uint64_t>>();
  CLI::App* remove = AddCommand(*group, "delete", "Delete runs and their results", "alloclab runs delete 7", chosen,
                                [ids](Session& session) { return Delete(session, *ids); });
  AddRunNumbers(*remove, "RUN", *ids)->required();

  RegisterUpdates(*group, chosen);

  RegisterRunCompare(*group, chosen);
  RegisterRunDiff(*group, chosen);
  RegisterOpenedRuns(*group, chosen);
}

}  // namespace alloclab::client

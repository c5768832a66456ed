// runs list|show|watch|cancel|delete|diff
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "alloclab/v1/run.grpc.pb.h"
#include "clients/cli/commands.h"
#include "clients/cli/run_view.h"
#include "clients/cli/run_watch.h"
#include "clients/common/interrupt.h"
#include "clients/common/units.h"
#include "clients/common/yaml_message.h"

namespace alloclab::client {
namespace {

constexpr std::uint64_t kListed = 50;
constexpr std::uint64_t kPageMax = 500;

CommandResult List(Session& session, std::uint64_t limit) {
  if (limit == 0) limit = std::numeric_limits<std::uint64_t>::max();
  v1::ListRunsResponse all;
  v1::ListRunsRequest request;
  std::uint64_t left = limit;
  do {
    request.set_page_size(static_cast<std::uint32_t>(std::min(left, kPageMax)));
    absl::StatusOr<v1::ListRunsResponse> page = session.connection().Call(&v1::Runs::Stub::ListRuns, request);
    if (!page.ok()) return page.status();
    left -= std::min<std::uint64_t>(left, static_cast<std::uint64_t>(page->runs_size()));
    request.set_page_token(page->next_page_token());
    all.mutable_runs()->MergeFrom(page->runs());
  } while (left > 0 && !request.page_token().empty());
  if (!request.page_token().empty()) session.Note("Older runs are left out; --limit 0 lists all.");
  return Done(session.Show(all, RunListDocument(all)));
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
  if (run->workload().has_spec()) return Done(session.Print(ToYaml(run->workload().spec())));
  return Done(session.Print(ToYaml(run->workload())));
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

CommandResult Cancel(Session& session, std::uint64_t id) {
  const absl::StatusOr<v1::Run> run = CancelRun(session.connection(), id);
  if (!run.ok()) return run.status();
  v1::ListRunsResponse one;
  *one.add_runs() = *run;
  return Done(session.Show(*run, RunListDocument(one)));
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

std::string DiffRemark(const v1::DiffRunsReply& reply) {
  if (reply.identical()) {
    return reply.differences().empty() ? "They agree in everything exact."
                                       : "They found the same; only their configurations differ.";
  }
  if (!reply.same_trace()) return "They replayed different traces.";
  if (reply.first_operation() == 0) return "Every operation of the trace gave the same.";
  return fmt::format("They part ways at operation {}: {}", Count(reply.first_operation()), Printable(reply.first_difference()));
}

CommandResult Diff(Session& session, const v1::DiffRunsRequest& request) {
  const absl::StatusOr<v1::DiffRunsReply> reply = session.connection().Call(&v1::Runs::Stub::DiffRuns, request);
  if (!reply.ok()) return reply.status();
  Document document;
  document.heading = reply->identical() ? "identical" : fmt::format("runs {} and {} differ", request.a(), request.b());
  if (!reply->differences().empty()) {
    Section table;
    table.columns = {{"field"}, {fmt::format("run {}", request.a())}, {fmt::format("run {}", request.b())}};
    for (const v1::FieldDifference& difference : reply->differences()) {
      table.rows.push_back({TextCell(difference.field()), TextCell(difference.a()), TextCell(difference.b())});
    }
    document.sections.push_back(std::move(table));
  }
  document.footer.push_back(DiffRemark(*reply));
  return Done(session.Show(*reply, document), reply->identical() ? ExitCode::kOk : ExitCode::kDifference);
}

// A command with one run as its argument.
CLI::App* AddRunCommand(CLI::App& group, const char* name, const char* description, const char* example, Command& chosen,
                        CommandResult (*run)(Session&, std::uint64_t)) {
  const auto id = std::make_shared<std::uint64_t>(0);
  CLI::App* command =
      AddCommand(group, name, description, example, chosen, [id, run](Session& session) { return run(session, *id); });
  command->add_option("RUN", *id, "Number of the run")->required()->type_name("RUN");
  return command;
}

void RegisterShow(CLI::App& group, Command& chosen) {
  struct Given {
    std::uint64_t id = 0;
    bool workload = false;
  };
  const auto given = std::make_shared<Given>();
  CLI::App* show = AddCommand(group, "show", "A run and its result", "alloclab runs show 7", chosen,
                              [given](Session& session) { return ShowOne(session, given->id, given->workload); });
  show->add_option("RUN", given->id, "Number of the run")->required()->type_name("RUN");
  show->add_flag("--workload", given->workload, "Only its workload, as YAML that submit reads");
}

}  // namespace

void RegisterRuns(CLI::App& app, Command& chosen) {
  CLI::App* group = AddGroup(app, "runs", "Runs and their results", "alloclab runs list");
  const auto limit = std::make_shared<std::uint64_t>(kListed);
  CLI::App* list = AddCommand(*group, "list", "The newest runs", "alloclab runs list", chosen,
                              [limit](Session& session) { return List(session, *limit); });
  AddCount(*list, "--limit", *limit, "How many (default 50, 0 is all)");
  RegisterShow(*group, chosen);
  AddRunCommand(*group, "watch", "Wait for a run, then show it; Ctrl-C leaves it running", "alloclab runs watch 7", chosen,
                Watch);
  AddRunCommand(*group, "cancel", "Stop a run; it keeps what it found until then", "alloclab runs cancel 7", chosen, Cancel);

  const auto ids = std::make_shared<std::vector<std::uint64_t>>();
  CLI::App* remove = AddCommand(*group, "delete", "Delete runs and their results", "alloclab runs delete 7", chosen,
                                [ids](Session& session) { return Delete(session, *ids); });
  remove->add_option("RUN", *ids, "Numbers of runs")->required()->type_name("RUN");

  const auto pair = std::make_shared<std::pair<std::uint64_t, std::uint64_t>>();
  CLI::App* diff = AddCommand(*group, "diff", "Whether two runs agree in everything exact (exit code 6 if not)",
                              "alloclab runs diff 7 8", chosen, [pair](Session& session) {
                                v1::DiffRunsRequest request;
                                request.set_a(pair->first);
                                request.set_b(pair->second);
                                return Diff(session, request);
                              });
  diff->add_option("A", pair->first, "Number of a run")->required()->type_name("RUN");
  diff->add_option("B", pair->second, "Number of a run")->required()->type_name("RUN");
}

}  // namespace alloclab::client

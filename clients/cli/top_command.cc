// top
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "alloclab/v1/lab.grpc.pb.h"
#include "alloclab/v1/run.grpc.pb.h"
#include "clients/cli/commands.h"
#include "clients/cli/redraw.h"
#include "clients/cli/top_view.h"
#include "clients/common/terminal.h"

namespace alloclab::client {
namespace {

struct TopOptions {
  std::chrono::milliseconds interval{2000};
  bool once = false;
  std::uint64_t rows = 12;
  TopOrder order = TopOrder::kRate;
};

absl::StatusOr<TopLook> Look(const Connection& connection) {
  TopLook look;
  absl::StatusOr<v1::Server> server = connection.Call(&v1::Lab::Stub::GetServer, v1::GetServerRequest());
  if (!server.ok()) return server.status();
  look.server = *std::move(server);
  v1::ListInstancesRequest request;
  request.set_page_size(1000);
  do {
    absl::StatusOr<v1::ListInstancesResponse> page = connection.Call(&v1::Lab::Stub::ListInstances, request);
    if (!page.ok()) return page.status();
    request.set_page_token(page->next_page_token());
    for (v1::Instance& instance : *page->mutable_instances()) look.instances.push_back(std::move(instance));
  } while (!request.page_token().empty());
  v1::ListRunsRequest runs;
  runs.set_page_size(500);
  runs.add_states(v1::Run::RUNNING);
  runs.add_states(v1::Run::QUEUED);
  absl::StatusOr<v1::ListRunsResponse> under_way = connection.Call(&v1::Runs::Stub::ListRuns, runs);
  if (!under_way.ok()) return under_way.status();
  look.under_way = *std::move(under_way);
  look.at = absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  return look;
}

// Two looks, an interval apart: without the first there are no rates.
CommandResult ShowOnce(Session& session, const TopOptions& options) {
  TopView view(options.order);
  for (int i = 0; i < 2; ++i) {
    if (i > 0) absl::SleepFor(absl::FromChrono(options.interval));
    absl::StatusOr<TopLook> look = Look(session.connection());
    if (!look.ok()) return look.status();
    view.Add(*std::move(look));
  }
  const bool people = session.output() == OutputFormat::kTable;
  return Done(session.Show(view.ToMessage(), view.ToDocument(people ? options.rows : SIZE_MAX)));
}

CommandResult ShowLive(Session& session, const TopOptions& options) {
  TopView view(options.order);
  return DrawUntilInterrupted(session, options.interval, [&]() -> CommandResult {
    absl::StatusOr<TopLook> look = Look(session.connection());
    if (!look.ok()) return look.status();
    view.Add(*std::move(look));
    const std::string text = RenderTable(view.ToDocument(options.rows), session.style(), session.width());
    return Done(session.Print(text + "\nCtrl-C ends this.\n"));
  });
}

}  // namespace

void RegisterTop(CLI::App& app, Command& chosen) {
  const auto options = std::make_shared<TopOptions>();
  CLI::App* top = AddCommand(app, "top", "What the lab does now: instances with their rates, and the runs under way",
                             "alloclab top --sort operations", chosen, [options](Session& session) {
                               const bool live =
                                   !options->once && session.output() == OutputFormat::kTable && IsTerminal(stdout);
                               return live ? ShowLive(session, *options) : ShowOnce(session, *options);
                             });
  AddPositiveDuration(*top, "--interval", options->interval, "Between two looks, over which rates are taken (default 2s)",
                      "expected some time between two looks");
  top->add_flag("--once", options->once, "Show it once, as into a pipe or in another format than a table");
  AddPositiveCount(*top, "--rows", options->rows, "At most so many instances and so many runs in the table (default 12)",
                   "expected at least 1 row");
  AddChoice<TopOrder>(
      *top, "--sort", options->order,
      {{"rate", TopOrder::kRate}, {"operations", TopOrder::kOperations}, {"ram", TopOrder::kRam}, {"name", TopOrder::kName}},
      "What the instances are sorted by (default rate)");
}

}  // namespace alloclab::client

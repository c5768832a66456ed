#include "clients/cli/opened_runs.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>

#include "alloclab/v1/time_travel.grpc.pb.h"
#include "clients/cli/commands.h"
#include "clients/cli/explanation_view.h"
#include "clients/cli/instance_config.h"
#include "clients/cli/run_argument.h"
#include "clients/cli/run_explanation.h"
#include "clients/cli/run_travel.h"
#include "clients/cli/step_view.h"
#include "clients/cli/tenants_view.h"

namespace alloclab::client {
namespace {

CommandResult ShowMoment(Session& session, const v1::Moment& moment) {
  Section facts = Facts("");
  AddFact(facts, "instance", TextCell(moment.instance()));
  AddFact(facts, "run", CountCell(moment.run()));
  AddFact(facts, "after operation", CountCell(moment.operation()));
  AddFact(facts, "of", CountCell(moment.operations()));
  Document document;
  document.sections.push_back(std::move(facts));
  document.footer = {"Look at it as at any instance; it closes when it is not used for half an hour."};
  document.command = fmt::format("alloclab inspect heap {}", moment.instance());
  return Done(session.Show(moment, document, moment.instance() + "\n"));
}

CommandResult OpenAt(Session& session, std::uint64_t run, std::uint64_t operation) {
  absl::StatusOr<v1::Moment> moment = OpenRun(session, run);
  if (!moment.ok()) return moment.status();
  const std::string instance = moment->instance();
  moment = GoTo(session, *std::move(moment), operation);
  if (!moment.ok()) {
    CloseRun(session, instance);
    return moment.status();
  }
  return ShowMoment(session, *moment);
}

CommandResult SeekTo(Session& session, const std::string& instance, std::uint64_t operation) {
  v1::DescribeRequest request;
  request.set_instance(instance);
  absl::StatusOr<v1::Moment> moment = session.connection().Call(&v1::TimeTravel::Stub::Describe, request);
  if (!moment.ok()) return WithInstanceNames(moment.status(), instance, session.connection());
  moment = GoTo(session, *std::move(moment), operation);
  if (!moment.ok()) return moment.status();
  return ShowMoment(session, *moment);
}

CommandResult Explain(Session& session, std::uint64_t run, std::uint64_t operation) {
  const absl::StatusOr<v1::Explanation> explanation =
      WithOpenedRun<v1::Explanation>(session, run, [&](const v1::Moment& moment) -> absl::StatusOr<v1::Explanation> {
        if (operation == 0 || operation > moment.operations()) {
          return absl::InvalidArgumentError(
              fmt::format("OPERATION: {} is not one of the run's {} operations", operation, moment.operations()));
        }
        if (const auto reached = GoTo(session, moment, operation - 1); !reached.ok()) return reached.status();
        v1::ExplainRequest request;
        request.set_instance(moment.instance());
        request.set_operation(operation);
        return session.connection().Call(&v1::TimeTravel::Stub::Explain, request);
      });
  if (!explanation.ok()) return explanation.status();
  return Done(session.Show(*explanation, ExplanationDocument(*explanation)));
}

}  // namespace

void RegisterOpenedRuns(CLI::App& group, Command& chosen) {
  struct Given {
    std::uint64_t run = 0, operation = 0;
    std::string instance;
  };
  const auto given = std::make_shared<Given>();
  CLI::App* open = AddCommand(group, "open", "Look at a run after any of its operations: makes an instance that shows it",
                              "alloclab runs open 7 --at 1000", chosen,
                              [given](Session& session) { return OpenAt(session, given->run, given->operation); });
  AddRunNumber(*open, "RUN", given->run)->required();
  AddCount(*open, "--at", given->operation, "After so many operations (default 0)")->type_name("OPERATION");
  CLI::App* seek =
      AddCommand(group, "seek", "Go to another operation of an opened run, forth or back", "alloclab runs seek run-7 2000",
                 chosen, [given](Session& session) { return SeekTo(session, given->instance, given->operation); });
  seek->add_option("INSTANCE", given->instance, "What `runs open` named")->required()->type_name("INSTANCE");
  AddCount(*seek, "OPERATION", given->operation, "After so many operations")->required()->type_name("OPERATION");
}

void RegisterExplain(CLI::App& app, Command& chosen) {
  struct Given {
    std::uint64_t run = 0, operation = 0;
    std::uint64_t with = 0;  // another run; 0: none
    std::uint32_t address = 0;
    bool pages = false;
    const CLI::Option *option = nullptr, *address_option = nullptr;  // of the operation, of the address
  };
  const auto given = std::make_shared<Given>();
  CLI::App* explain = AddCommand(
      app, "explain",
      "Why an operation of a run got its address or was refused; without one, which blocks fragmented the run; who lived at an "
      "address; two runs in step",
      "alloclab explain 7 1000", chosen, [given](Session& session) {
        const bool whole = given->option->empty();
        if (!given->address_option->empty()) return FindTenants(session, given->run, given->address, given->pages);
        if (given->with != 0) {
          return ExplainTwo(session, given->run, given->with, whole ? std::nullopt : std::optional(given->operation));
        }
        return whole ? ExplainRun(session, given->run) : Explain(session, given->run, given->operation);
      });
  AddRunNumber(*explain, "RUN", given->run)->required();
  given->option =
      AddCount(*explain, "OPERATION", given->operation, "Counted from 1 (default: the whole run)")->type_name("OPERATION");
  CLI::Option* with =
      AddRunNumber(*explain, "--with", given->with)
          ->description("Another run of the same operations, beside it (default OPERATION: where they part ways)");
  CLI::Option* address = AddAddress(*explain, "--address", given->address, "All blocks of the run that held this address")
                             ->excludes(with)
                             ->excludes(explain->get_option("OPERATION"));
  explain->add_flag("--pages", given->pages, "A physical address: blocks of pages, not of the heap")->needs(address);
  given->address_option = address;
}

}  // namespace alloclab::client

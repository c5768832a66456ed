#include "clients/cli/opened_runs.h"

#include <fmt/format.h>

#include <memory>
#include <string>

#include "absl/strings/ascii.h"
#include "alloclab/v1/time_travel.grpc.pb.h"
#include "clients/cli/commands.h"
#include "clients/cli/instance_config.h"
#include "clients/cli/operation_view.h"
#include "clients/cli/run_argument.h"
#include "clients/cli/run_explanation.h"
#include "clients/cli/run_travel.h"

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

Section FoundSection(const v1::Explanation& explanation) {
  const v1::Explanation::Found& found = explanation.found();
  Section facts = Facts("free before it");
  AddFact(facts, "bytes", BytesCell(found.free_bytes()));
  AddFact(facts, "blocks", CountCell(found.free_blocks()));
  AddFact(facts, "largest", BytesCell(found.largest_free_bytes()));
  AddFact(facts, "blocks large enough", CountCell(found.large_enough()));
  if (found.large_enough() > 0) AddFact(facts, "tightest of those", BytesCell(found.smallest_enough_bytes()));
  return facts;
}

Section GapSection(const v1::Explanation::Gap& gap) {
  Section table;
  table.title = "live blocks in the way";
  table.columns = {{"address"}, {"bytes", true}, {"allocated by operation", true}};
  for (const auto& block : gap.between()) {
    table.rows.push_back({AddressCell(block.address()), BytesCell(block.bytes()),
                          block.allocated_by() == 0 ? TextCell("-") : CountCell(block.allocated_by())});
  }
  return table;
}

}  // namespace

Document ExplanationDocument(const v1::Explanation& explanation) {
  const bool good = explanation.outcome() == v1::OK || explanation.outcome() == v1::ZERO_SIZE;
  Document document;
  document.heading = fmt::format("run {}", explanation.run());
  Section facts = Facts("");
  AddFact(facts, "outcome",
          TextCell(absl::AsciiStrToLower(v1::Outcome_Name(explanation.outcome())), good ? Tone::kGood : Tone::kBad));
  if (explanation.address() != 0) AddFact(facts, "address", AddressCell(explanation.address()));
  if (explanation.needed_bytes() > 0) AddFact(facts, "block needed", BytesCell(explanation.needed_bytes()));
  if (explanation.has_taken_bytes()) AddFact(facts, "out of a free block of", BytesCell(explanation.taken_bytes()));
  if (explanation.grown_bytes() > 0) AddFact(facts, "the heap grew by", BytesCell(explanation.grown_bytes()));
  if (explanation.allocated_by() > 0) AddFact(facts, "allocated by operation", CountCell(explanation.allocated_by()));
  AddFact(facts, "search steps", CountCell(explanation.search_steps()));
  AddFact(facts, "page faults", CountCell(explanation.page_faults()));
  AddFact(facts, "cycles (386DX-33)", CountCell(explanation.cycles_386()));
  document.sections.push_back(std::move(facts));
  if (explanation.has_refusal()) document.sections.push_back(RefusalSection(explanation.refusal()));
  if (explanation.has_found()) document.sections.push_back(FoundSection(explanation));
  if (explanation.has_gap()) document.sections.push_back(GapSection(explanation.gap()));
  document.footer.assign(explanation.sentences().begin(), explanation.sentences().end());
  return document;
}

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
    const CLI::Option* option = nullptr;  // of the operation
  };
  const auto given = std::make_shared<Given>();
  CLI::App* explain = AddCommand(
      app, "explain", "Why an operation of a run got its address or was refused; without one, which blocks fragmented the run",
      "alloclab explain 7 1000", chosen, [given](Session& session) {
        return given->option->empty() ? ExplainRun(session, given->run) : Explain(session, given->run, given->operation);
      });
  AddRunNumber(*explain, "RUN", given->run)->required();
  given->option =
      AddCount(*explain, "OPERATION", given->operation, "Counted from 1 (default: the whole run)")->type_name("OPERATION");
}

}  // namespace alloclab::client

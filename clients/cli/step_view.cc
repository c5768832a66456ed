#include "clients/cli/step_view.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "alloclab/v1/inspect.grpc.pb.h"
#include "alloclab/v1/run.grpc.pb.h"
#include "alloclab/v1/time_travel.grpc.pb.h"
#include "clients/cli/declarations.h"
#include "clients/cli/run_travel.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

using Numbers = std::map<std::string, std::uint64_t>;

// The fields of a message that are numbers.
void AddFields(const std::string& part, const google::protobuf::Message& message, Numbers& numbers) {
  using Field = google::protobuf::FieldDescriptor;
  const google::protobuf::Reflection& values = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const Field& field = *message.GetDescriptor()->field(i);
    if (field.is_repeated() || (field.has_presence() && !values.HasField(message, &field))) continue;
    if (field.cpp_type() == Field::CPPTYPE_UINT64) numbers[part + field.name()] = values.GetUInt64(message, &field);
    if (field.cpp_type() == Field::CPPTYPE_UINT32) numbers[part + field.name()] = values.GetUInt32(message, &field);
  }
}

template <class List>
void AddCounters(const std::string& part, const List& counters, Numbers& numbers) {
  for (const v1::Counter& counter : counters) {
    std::string name = part + counter.name();
    for (const auto& label : counter.labels()) name += fmt::format(" {} {}", label.name(), label.value());
    numbers[name] = counter.value();
  }
}

Numbers NumbersOf(const v1::Statistics& statistics) {
  const v1::Counters& counters = statistics.counters();
  Numbers numbers;
  AddFields("", counters, numbers);
  for (const v1::OutcomeCount& outcome : counters.outcomes()) {
    numbers[fmt::format("outcome {} {}", outcome.operation(), outcome.outcome())] = outcome.count();
  }
  AddCounters("heap ", counters.heap(), numbers);
  AddCounters("pages ", counters.pages(), numbers);
  AddCounters("machine ", counters.machine(), numbers);
  if (statistics.has_heap()) AddFields("heap ", statistics.heap(), numbers);
  if (statistics.has_pages()) AddFields("pages ", statistics.pages(), numbers);
  return numbers;
}

absl::StatusOr<v1::DiffRunsReply> Parting(Session& session, std::uint64_t a, std::uint64_t b) {
  v1::DiffRunsRequest request;
  request.set_a(a);
  request.set_b(b);
  absl::StatusOr<v1::DiffRunsReply> reply = session.connection().Call(&v1::Runs::Stub::DiffRuns, request);
  if (reply.ok() && !reply->same_trace()) {
    return absl::FailedPreconditionError(
        fmt::format("runs {} and {} replayed different operations; expected two runs of one workload", a, b));
  }
  return reply;
}

// The run after the operation, and why that ended as it did.
absl::Status LookAt(Session& session, std::uint64_t run, std::uint64_t operation, v1::RunMoment& moment,
                    v1::Explanation& explanation) {
  const auto look = [&](const v1::Moment& opened) -> absl::StatusOr<v1::Statistics> {
    absl::StatusOr<v1::Moment> there = GoTo(session, opened, operation);
    if (!there.ok()) return there.status();
    *moment.mutable_moment() = *std::move(there);
    if (operation > 0) {
      v1::ExplainRequest request;
      request.set_instance(opened.instance());
      request.set_operation(operation);
      absl::StatusOr<v1::Explanation> said = session.connection().Call(&v1::TimeTravel::Stub::Explain, request);
      if (!said.ok()) return said.status();
      explanation = *std::move(said);
    }
    v1::GetStatisticsRequest request;
    request.set_instance(opened.instance());
    return session.connection().Call(&v1::Inspect::Stub::GetStatistics, request);
  };
  absl::StatusOr<v1::Statistics> statistics = WithOpenedRun<v1::Statistics>(session, run, look);
  if (!statistics.ok()) return statistics.status();
  *moment.mutable_statistics() = *std::move(statistics);
  return absl::OkStatus();
}

Cell NumberCell(const std::string& name, std::uint64_t value) {
  if (name.ends_with(" brk") || name.ends_with(" start") || name.ends_with(" limit") || name.ends_with("arena_first")) {
    return AddressCell(static_cast<std::uint32_t>(value));
  }
  return name.ends_with("_bytes") ? BytesCell(value) : CountCell(value);
}

std::string OutcomeOf(const v1::Explanation& explanation) {
  return absl::AsciiStrToLower(v1::Outcome_Name(explanation.outcome()));
}

void AddRow(Section& table, const std::string& name, Cell a, Cell b) {
  table.rows.push_back({TextCell(name), std::move(a), std::move(b)});
}

}  // namespace

void AddDifferences(const v1::Statistics& a, const v1::Statistics& b, v1::RunsInStep& step) {
  const Numbers in_a = NumbersOf(a), in_b = NumbersOf(b);
  for (const auto& [name, value] : in_a) {
    const auto other = in_b.find(name);
    if (other == in_b.end() || other->second == value) continue;
    v1::RunsInStep::Figure& figure = *step.add_figures();
    figure.set_name(name);
    figure.set_a(value);
    figure.set_b(other->second);
  }
}

Document StepDocument(const v1::RunsInStep& step) {
  const std::uint64_t a = step.a().moment().run(), b = step.b().moment().run();
  Document document;
  document.heading = fmt::format("runs {} and {} after operation {} of {}", a, b, Count(step.a().moment().operation()),
                                 Count(step.a().moment().operations()));
  Section table;
  table.columns = {{"what"}, {fmt::format("run {}", a), true}, {fmt::format("run {}", b), true}};
  if (step.has_explained_a()) {
    const v1::Explanation &in_a = step.explained_a(), &in_b = step.explained_b();
    AddRow(table, "outcome", TextCell(OutcomeOf(in_a)), TextCell(OutcomeOf(in_b)));
    AddRow(table, "address", AddressCell(in_a.address()), AddressCell(in_b.address()));
    AddRow(table, "search steps of it", CountCell(in_a.search_steps()), CountCell(in_b.search_steps()));
    AddRow(table, "cycles of it", CountCell(in_a.cycles_386()), CountCell(in_b.cycles_386()));
  }
  for (const auto& figure : step.figures()) {
    AddRow(table, PlainName(figure.name()), NumberCell(figure.name(), figure.a()), NumberCell(figure.name(), figure.b()));
  }
  document.sections.push_back(std::move(table));
  document.footer.push_back(step.first_operation() == 0 ? "Every operation gave the same in both."
                                                        : "They part ways at " + step.first_difference() + ".");
  return document;
}

CommandResult ExplainTwo(Session& session, std::uint64_t a, std::uint64_t b, std::optional<std::uint64_t> operation) {
  const absl::StatusOr<v1::DiffRunsReply> parting = Parting(session, a, b);
  if (!parting.ok()) return parting.status();
  v1::RunsInStep step;
  step.set_first_operation(parting->first_operation());
  step.set_first_difference(parting->first_difference());
  if (!operation && parting->first_operation() > 0) operation = parting->first_operation();
  if (!operation) {
    const absl::StatusOr<v1::Moment> end =
        WithOpenedRun<v1::Moment>(session, a, [](const v1::Moment& moment) -> absl::StatusOr<v1::Moment> { return moment; });
    if (!end.ok()) return end.status();
    operation = end->operations();
  }
  absl::Status status = LookAt(session, a, *operation, *step.mutable_a(), *step.mutable_explained_a());
  if (status.ok()) status = LookAt(session, b, *operation, *step.mutable_b(), *step.mutable_explained_b());
  if (!status.ok()) return status;
  if (*operation == 0) {
    step.clear_explained_a();
    step.clear_explained_b();
  }
  AddDifferences(step.a().statistics(), step.b().statistics(), step);
  return Done(session.Show(step, StepDocument(step)));
}

}  // namespace alloclab::client

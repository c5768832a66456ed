// workload list|show|preview
#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "allocators/common/suggestion.h"
#include "allocators/workload/builtins.h"
#include "alloclab/v1/workload.grpc.pb.h"
#include "clients/cli/commands.h"
#include "clients/cli/local_workload.h"
#include "clients/cli/trace_view.h"
#include "clients/common/units.h"
#include "clients/common/workload_argument.h"
#include "clients/common/yaml_message.h"

namespace alloclab::client {
namespace {

absl::StatusOr<v1::ListBuiltinsResponse> Builtins(const Connection& connection) {
  return connection.Call(&v1::Workloads::Stub::ListBuiltins, v1::ListBuiltinsRequest());
}

CommandResult ListWorkloads(Session& session) {
  const absl::StatusOr<v1::ListBuiltinsResponse> list = Builtins(session.connection());
  if (!list.ok()) return list.status();
  Section table;
  table.columns = {{"name"}, {"operations", true}, {"kind"}, {"what it does"}};
  for (const v1::Builtin& builtin : list->builtins()) {
    table.rows.push_back({TextCell(builtin.name()), CountCell(builtin.operations()),
                          TextCell(builtin.description().starts_with("recorded") ? "recorded" : "synthetic"),
                          TextCell(builtin.description())});
  }
  Document document;
  document.sections.push_back(std::move(table));
  std::string names;
  for (const v1::Builtin& builtin : list->builtins()) names += builtin.name() + "\n";
  return Done(session.Show(*list, document, names));
}

// YAML is what this command shows, whatever it is piped into; JSON is the other form that submit reads.
CommandResult ShowWorkload(Session& session, const std::string& name) {
  const absl::StatusOr<v1::ListBuiltinsResponse> list = Builtins(session.connection());
  if (!list.ok()) return list.status();
  std::vector<std::string_view> names;
  for (const v1::Builtin& builtin : list->builtins()) {
    names.push_back(builtin.name());
    if (builtin.name() != name) continue;
    if (session.output() == OutputFormat::kJson) return Done(session.Show(builtin, {}));
    const std::string summary = fmt::format("# {}: {}\n", builtin.name(), builtin.description());
    if (builtin.has_spec()) return Done(session.Print(summary + ToYaml(builtin.spec())));
    return Done(session.Print(
        fmt::format("{}# A trace of {} operations: it has no specification.\n", summary, Count(builtin.operations()))));
  }
  return absl::NotFoundError(UnknownName("workload", name, names));
}

struct PreviewArguments {
  std::string workload;
  std::uint64_t seed = 0, operations = 0;
};

// Of a built-in; "" of all else.
std::string About(const std::string& name) {
  for (const BuiltinWorkload& builtin : BuiltinWorkloads()) {
    if (builtin.name == name) return builtin.about.empty() ? builtin.description : builtin.about;
  }
  return "";
}

CommandResult Preview(Session& session, const PreviewArguments& given) {
  absl::StatusOr<LocalWorkload> workload = LoadLocalWorkload(given.workload, given.seed, given.operations);
  if (!workload.ok()) return workload.status();
  TraceSummarizer summarizer;
  summarizer.Add(workload->trace.operations, {});
  const NamedSummary summary{
      .name = workload->name, .format = workload->trace.format, .notes = workload->trace.notes, .summary = summarizer.Finish()};
  Document document = SummaryDocument(summary, session.width(), 0);
  google::protobuf::Struct json = SummaryStruct(summary);
  if (const std::string about = About(workload->name); !about.empty()) {
    document.footer.insert(document.footer.begin(), about);
    (*json.mutable_fields())["about"].set_string_value(about);
  }
  return Done(session.Show(json, document));
}

}  // namespace

void RegisterWorkload(CLI::App& app, Command& chosen) {
  CLI::App* workload = AddGroup(app, "workload", "Built-in workloads", "alloclab workload list");
  AddCommand(*workload, "list", "Names, lengths and what each does", "alloclab workload list", chosen, ListWorkloads);
  const auto name = std::make_shared<std::string>();
  CLI::App* show = AddCommand(*workload, "show", "A built-in as YAML, to change and submit",
                              "alloclab workload show checkerboard > mine.yaml", chosen,
                              [name](Session& session) { return ShowWorkload(session, *name); });
  show->add_option("NAME", *name, "From `alloclab workload list`")->required()->type_name("WORKLOAD");

  const auto given = std::make_shared<PreviewArguments>();
  CLI::App* preview = AddCommand(
      *workload, "preview", "What a workload will do: live bytes over its operations, sizes, lifetimes; needs no server",
      "alloclab workload preview mine.yaml", chosen, [given](Session& session) { return Preview(session, *given); });
  preview->add_option("WORKLOAD", given->workload, "Built-in name, specification, or trace file")
      ->required()
      ->type_name("WORKLOAD");
  AddPositiveCount(*preview, "--seed", given->seed, "Seed of a built-in (default its own)",
                   "seeds begin at 1; without the option a workload has its own");
  AddPositiveCount(*preview, "--operations", given->operations, "Length of a built-in (default its own)",
                   "nothing would be shown; without the option a workload has its own length");
}

}  // namespace alloclab::client

// workload list|show, server, version
#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>

#include <memory>
#include <string>
#include <vector>

#include "allocators/common/suggestion.h"
#include "alloclab/v1/lab.grpc.pb.h"
#include "alloclab/v1/workload.grpc.pb.h"
#include "clients/cli/commands.h"
#include "clients/common/units.h"
#include "clients/common/version.h"
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
                          TextCell(builtin.has_spec() ? "synthetic" : "recorded"), TextCell(builtin.description())});
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
    return Done(session.Print(fmt::format("{}# A recorded trace of {} operations: it has no specification.\n", summary,
                                          Count(builtin.operations()))));
  }
  return absl::NotFoundError(UnknownName("workload", name, names));
}

CommandResult ShowServer(Session& session) {
  const absl::StatusOr<v1::Server> server = session.connection().Call(&v1::Lab::Stub::GetServer, v1::GetServerRequest());
  if (!server.ok()) return server.status();
  Section facts = Facts("");
  AddFact(facts, "address", TextCell(session.options().connection.server));
  AddFact(facts, "version", TextCell(server->version()));
  AddFact(facts, "commit", TextCell(server->commit()));
  AddFact(facts, "build", TextCell(server->build()));
  AddFact(facts, "cost model", TextCell(server->cost_model()));
  AddFact(facts, "started", TimeCell(server->start_time()));
  AddFact(facts, "instances", CountCell(server->instances()));
  AddFact(facts, "instances at most", CountCell(server->instances_max()));
  AddFact(facts, "store", TextCell(server->store_trouble().empty() ? "well" : server->store_trouble()));
  AddFact(facts, "web page", TextCell(server->web_url()));
  AddFact(facts, "metrics", TextCell(server->metrics_url()));
  Document document;
  document.sections.push_back(std::move(facts));
  return Done(session.Show(*server, document, session.options().connection.server + "\n"));
}

// Of the client alone: works without a server.
CommandResult ShowVersion(Session& session) {
  google::protobuf::Struct message;
  (*message.mutable_fields())["version"].set_string_value(Version());
  (*message.mutable_fields())["build"].set_string_value(Build());
  Section facts = Facts("");
  AddFact(facts, "alloclab", TextCell(Version()));
  AddFact(facts, "build", TextCell(Build()));
  Document document;
  document.sections.push_back(std::move(facts));
  return Done(session.Show(message, document, fmt::format("{}\n", Version())));
}

}  // namespace

void RegisterLab(CLI::App& app, Command& chosen) {
  CLI::App* workload = AddGroup(app, "workload", "Built-in workloads", "alloclab workload list");
  AddCommand(*workload, "list", "Names, lengths and what each does", "alloclab workload list", chosen, ListWorkloads);
  const auto name = std::make_shared<std::string>();
  CLI::App* show = AddCommand(*workload, "show", "A built-in as YAML, to change and submit",
                              "alloclab workload show checkerboard > mine.yaml", chosen,
                              [name](Session& session) { return ShowWorkload(session, *name); });
  show->add_option("NAME", *name, "From `alloclab workload list`")->required()->type_name("WORKLOAD");

  AddCommand(app, "server", "What the server is and where its pages are", "alloclab server", chosen, ShowServer);
  AddCommand(app, "version", "The version of this program", "alloclab version", chosen, ShowVersion);
}

}  // namespace alloclab::client

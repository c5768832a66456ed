// server, version
#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>

#include <string>

#include "alloclab/v1/lab.grpc.pb.h"
#include "clients/cli/commands.h"
#include "clients/common/units.h"
#include "clients/common/version.h"

namespace alloclab::client {
namespace {

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
  AddCommand(app, "server", "What the server is and where its pages are", "alloclab server", chosen, ShowServer);
  AddCommand(app, "version", "The version of this program", "alloclab version", chosen, ShowVersion);
}

}  // namespace alloclab::client

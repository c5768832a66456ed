// instance create|list|show|delete
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "alloclab/v1/lab.grpc.pb.h"
#include "clients/cli/commands.h"
#include "clients/cli/instance_config.h"
#include "clients/common/guest_argument.h"

namespace alloclab::client {
namespace {

Document InstanceDocument(const v1::Instance& instance) {
  Section facts = Facts("");
  AddFact(facts, "name", TextCell(instance.name(), Tone::kBold));
  AddFact(facts, "id", TextCell(std::to_string(instance.id())));
  AddConfigFacts(facts, instance.config());
  AddFact(facts, "operations", CountCell(instance.operations()));
  AddFact(facts, "created", TimeCell(instance.create_time()));
  if (!instance.owner().empty()) AddFact(facts, "owner", TextCell(instance.owner()));
  Document document;
  document.sections.push_back(std::move(facts));
  return document;
}

// Those in other servers of the lab.
Section OthersSection(const v1::ListInstancesResponse& list) {
  Section table;
  table.title = "on other servers";
  table.columns = {{"name"}, {"id", true}, {"owner"}, {"address"}, {"server"}};
  for (const v1::OtherInstance& other : list.others()) {
    table.rows.push_back({TextCell(other.name()), TextCell(std::to_string(other.id())), TextCell(other.owner()),
                          TextCell(other.place().address()), TextCell(other.place().server())});
  }
  return table;
}

Document ListDocument(const v1::ListInstancesResponse& list) {
  Section table;
  table.columns = {{"name"},           {"id", true}, {"RAM", true, "bytes"}, {"page allocator"},
                   {"heap allocator"}, {"guarded"},  {"operations", true}};
  const bool owned = std::any_of(list.instances().begin(), list.instances().end(),
                                 [](const v1::Instance& instance) { return !instance.owner().empty(); });
  if (owned) table.columns.push_back({"owner"});
  for (const v1::Instance& instance : list.instances()) {
    const v1::InstanceConfig& config = instance.config();
    table.rows.push_back({TextCell(instance.name()), TextCell(std::to_string(instance.id())), BytesCell(config.ram_bytes()),
                          TextCell(config.page_allocator()), TextCell(config.heap_allocator()),
                          TextCell(config.unguarded() ? "no" : "yes"), CountCell(instance.operations())});
    if (owned) table.rows.back().push_back(TextCell(instance.owner()));
  }
  Document document;
  if (list.instances().empty() && list.others().empty()) {
    document.footer.push_back("No instances. Make one: alloclab instance create demo --ram 64Mi");
  }
  document.sections.push_back(std::move(table));
  if (!list.others().empty()) document.sections.push_back(OthersSection(list));
  return document;
}

CommandResult Create(Session& session, v1::CreateInstanceRequest request) {
  if (absl::Status resolved = ResolveGuests(session.connection(), *request.mutable_config()); !resolved.ok()) return resolved;
  const absl::StatusOr<v1::Instance> instance = session.connection().Call(&v1::Lab::Stub::CreateInstance, request);
  if (!instance.ok()) return instance.status();
  return Done(session.Show(*instance, InstanceDocument(*instance), instance->name() + "\n"));
}

CommandResult List(Session& session) {
  v1::ListInstancesResponse all;
  v1::ListInstancesRequest request;
  request.set_page_size(1000);
  do {
    absl::StatusOr<v1::ListInstancesResponse> page = session.connection().Call(&v1::Lab::Stub::ListInstances, request);
    if (!page.ok()) return page.status();
    request.set_page_token(page->next_page_token());
    all.MergeFrom(*page);
    all.set_next_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  std::string names;
  for (const v1::Instance& instance : all.instances()) names += instance.name() + "\n";
  for (const v1::OtherInstance& other : all.others()) names += other.name() + "\n";
  if (!all.others_trouble().empty()) {
    session.Note(fmt::format("Instances on other servers are left out: {}.", all.others_trouble()));
  }
  return Done(session.Show(all, ListDocument(all), names));
}

CommandResult ShowOne(Session& session, const std::string& name) {
  v1::GetInstanceRequest request;
  request.set_instance(name);
  const absl::StatusOr<v1::Instance> instance = session.connection().Call(&v1::Lab::Stub::GetInstance, request);
  if (!instance.ok()) return WithInstanceNames(instance.status(), name, session.connection());
  return Done(session.Show(*instance, InstanceDocument(*instance), instance->name() + "\n"));
}

CommandResult Delete(Session& session, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    v1::DeleteInstanceRequest request;
    request.set_instance(name);
    const absl::StatusOr<v1::DeleteInstanceResponse> deleted =
        session.connection().Call(&v1::Lab::Stub::DeleteInstance, request);
    if (!deleted.ok()) return WithInstanceNames(deleted.status(), name, session.connection());
    session.Note(fmt::format("deleted instance {}", name));
  }
  return ExitCode::kOk;
}

void RegisterCreate(CLI::App& group, Command& chosen) {
  auto request = std::make_shared<v1::CreateInstanceRequest>();
  CLI::App* create = AddCommand(group, "create", "Make a simulated machine", "alloclab instance create demo --ram 64Mi", chosen,
                                [request](Session& session) { return Create(session, *request); });
  create->add_option("NAME", *request->mutable_name(),
                     "Lower-case letters, digits and dashes; without one the server picks it");
  AddInstanceConfig(*create, *request->mutable_config());
}

}  // namespace

void RegisterInstance(CLI::App& app, Command& chosen) {
  CLI::App* group =
      AddGroup(app, "instance", "Simulated machines that live in the server", "alloclab instance create demo --ram 64Mi");
  RegisterCreate(*group, chosen);
  AddCommand(*group, "list", "All instances", "alloclab instance list", chosen, List);

  auto name = std::make_shared<std::string>();
  CLI::App* show = AddCommand(*group, "show", "One instance, its allocators and parameters", "alloclab instance show demo",
                              chosen, [name](Session& session) { return ShowOne(session, *name); });
  show->add_option("INSTANCE", *name, "Name or id")->required()->type_name("INSTANCE");

  auto names = std::make_shared<std::vector<std::string>>();
  CLI::App* remove = AddCommand(*group, "delete", "Delete instances and everything in them", "alloclab instance delete demo",
                                chosen, [names](Session& session) { return Delete(session, *names); });
  remove->add_option("INSTANCE", *names, "Names or ids")->required()->type_name("INSTANCE");
}

}  // namespace alloclab::client

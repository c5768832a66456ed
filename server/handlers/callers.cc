#include "server/handlers/callers.h"

#include <fmt/format.h>

#include <utility>

#include "server/access/owner.h"

namespace alloclab::server {
namespace {

absl::Status TokenGone() { return absl::UnauthenticatedError("the token of this call is in force no more"); }

}  // namespace

absl::StatusOr<Bearer> Callers::Who(const grpc::ServerContextBase& call) const {
  if (!access_.in_force()) return Bearer();
  const auto shown = call.client_metadata().find("authorization");
  if (shown == call.client_metadata().end()) return TokenGone();
  Bearer who = access_.Identify({shown->second.data(), shown->second.size()});
  if (who.name.empty() || who.expires <= access_.now()) return TokenGone();
  return who;
}

absl::StatusOr<std::string> Callers::Enter(const grpc::ServerContextBase& call) const {
  absl::StatusOr<Bearer> who = Who(call);
  if (!who.ok()) return who.status();
  absl::Status status = who->name.empty() ? absl::OkStatus() : connections_.Call(call.peer(), who->name);
  if (!status.ok()) return status;
  return std::move(who->name);
}

absl::StatusOr<CallQueue::Client> Callers::Begin(const grpc::ServerContextBase& call) const {
  absl::StatusOr<std::string> name = Enter(call);
  if (!name.ok()) return name.status();
  CallQueue::Client client{.name = *std::move(name)};
  client.asks_much = !client.name.empty() && shares_.Count(client.name);
  return client;
}

absl::StatusOr<std::shared_ptr<LiveInstance>> Callers::FindOwn(const grpc::ServerContextBase& call,
                                                               const InstanceRegistry& instances, std::string_view name) const {
  auto found = instances.Find(name);
  if (!found.ok() || !access_.in_force()) return found;
  const absl::StatusOr<Bearer> who = Who(call);
  if (!who.ok()) return who.status();
  const absl::Status may = CheckOwner(*who, (*found)->owner(), fmt::format("instance \"{}\"", (*found)->name()));
  if (!may.ok()) return may;
  return found;
}

absl::Status Callers::CheckOwn(const grpc::ServerContextBase& call, const RunExecutor& runs, std::uint64_t id) const {
  if (!access_.in_force()) return absl::OkStatus();
  const absl::StatusOr<Bearer> who = Who(call);
  if (!who.ok()) return who.status();
  const absl::StatusOr<Run> run = runs.Get(id);
  return run.ok() ? CheckOwner(*who, run->request.owner, fmt::format("run {}", id)) : run.status();
}

}  // namespace alloclab::server

#include "server/handlers/guests_service.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "server/access/owner.h"
#include "server/converters/time_converter.h"
#include "server/entities/memory_lease.h"
#include "server/errors.h"
#include "server/handlers/grpc_status.h"
#include "server/handlers/upload.h"
#include "server/limits.h"
#include "server/log.h"

namespace alloclab::server {
namespace {

v1::Guest Describe(const StoredTrace& stored) {
  v1::Guest proto;
  proto.set_name(GuestLibrary::NameOf(stored).ToString());
  proto.set_sha256(stored.sha256);
  proto.set_file(stored.name);
  proto.set_bytes(stored.bytes);
  *proto.mutable_upload_time() = ToProto(stored.upload_time);
  proto.set_owner(stored.owner);
  return proto;
}

// A queued or running run of the program, which holds nothing of it while it is queued; one of its owner if there is one, else
// the oldest.
absl::StatusOr<std::optional<Run>> FindUser(const RunExecutor& runs, const StoredTrace& program) {
  const RunExecutor::Census census = runs.Count();
  const std::size_t live = std::size_t{census.queued} + census.running;
  if (live == 0) return std::nullopt;
  const RunFilter unfinished{.workload = {}, .states = {RunState::kQueued, RunState::kRunning}, .label = {}, .allocator = {}};
  absl::StatusOr<RunList> list = runs.List(0, live, unfinished);
  if (!list.ok()) return list.status();
  const auto names_it = [&program](const std::string& allocator) {
    const absl::StatusOr<GuestName> name = GuestName::Parse(allocator);
    return name.ok() && program.sha256.starts_with(name->digits);
  };
  std::optional<Run> user;
  for (Run& run : list->runs) {  // newest first
    const InstanceConfig& config = run.request.config;
    if (!names_it(config.heap_allocator) && !names_it(config.page_allocator)) continue;
    user = std::move(run);
    if (user->request.owner == program.owner) break;
  }
  return user;
}

}  // namespace

GuestsService::GuestsService(GuestLibrary& guests, RunExecutor& runs, const Callers& callers, OpenCalls& uploads,
                             CallQueue& calls)
    : QueuedService(callers), guests_(guests), runs_(runs), uploads_(uploads) {
  Queue(calls, "ListGuests", &GuestsService::DoListGuests);
  Queue(calls, "GetGuest", &GuestsService::DoGetGuest);
  Queue(calls, "DeleteGuest", &GuestsService::DoDeleteGuest);
}

grpc::Status GuestsService::UploadGuest(grpc::ServerContext* context, grpc::ServerReader<v1::UploadGuestRequest>* reader,
                                        v1::Guest* reply) {
  const absl::StatusOr<std::string> owner = callers_.Enter(*context);
  if (!owner.ok()) return ToGrpcStatus(owner.status());
  if (absl::Status status = AdmitUpload(uploads_, *context, *owner); !status.ok()) return ToGrpcStatus(status);
  const absl::Cleanup leave = [&] { uploads_.Leave(context); };
  MemoryLease lease(guests_.budget()), reading(guests_.budget());
  absl::StatusOr<UploadedFile> file =
      ReadUpload(*context, *reader, uploads_, lease, ElfProgram::kFileBytesMax,
                 absl::ResourceExhaustedError(fmt::format("guest: a file of more than {} bytes; a program may have so many",
                                                          ElfProgram::kFileBytesMax)));
  if (!file.ok()) return ToGrpcStatus(file.status());
  if (absl::Status status = reading.Take(file->bytes.size()); !status.ok()) return ToGrpcStatus(status);
  if (file->name.empty()) file->name = "program";
  const absl::StatusOr<Bearer> who = callers_.Who(*context);
  if (!who.ok()) return ToGrpcStatus(who.status());
  const absl::StatusOr<StoredTrace> stored = guests_.Add(std::move(file->bytes), file->name, who->name);
  if (!stored.ok()) return ToGrpcStatus(stored.status());
  *reply = Describe(*stored);
  Log(LogLevel::kInfo, "guest.uploaded", {{"name", reply->name()}, {"sha256", reply->sha256()}, {"bytes", reply->bytes()}});
  return grpc::Status::OK;
}

grpc::Status GuestsService::DoListGuests(const Caller&, const v1::ListGuestsRequest&, v1::ListGuestsResponse& reply) {
  const absl::StatusOr<std::vector<StoredTrace>> programs = guests_.List();
  if (!programs.ok()) return ToGrpcStatus(programs.status());
  for (const StoredTrace& program : *programs) *reply.add_guests() = Describe(program);
  return grpc::Status::OK;
}

grpc::Status GuestsService::DoGetGuest(const Caller&, const v1::GetGuestRequest& request, v1::Guest& reply) {
  const absl::StatusOr<StoredTrace> program = guests_.Find(request.name());
  if (program.ok()) reply = Describe(*program);
  return ToGrpcStatus(program.status());
}

grpc::Status GuestsService::DoDeleteGuest(const Caller& caller, const v1::DeleteGuestRequest& request,
                                          v1::DeleteGuestResponse&) {
  const absl::StatusOr<StoredTrace> program = guests_.Find(request.name());
  if (!program.ok()) return ToGrpcStatus(program.status());
  const absl::StatusOr<Bearer> who = callers_.Who(caller);
  if (!who.ok()) return ToGrpcStatus(who.status());
  const absl::Status may = CheckOwner(*who, program->owner, GuestLibrary::NameOf(*program).ToString());
  if (!may.ok()) return ToGrpcStatus(may);
  const absl::StatusOr<std::optional<Run>> user = FindUser(runs_, *program);
  if (!user.ok()) return ToGrpcStatus(user.status());
  if (user->has_value() && (*user)->request.owner == program->owner) {
    return ToGrpcStatus(absl::FailedPreconditionError(fmt::format("{} is in use: run {} is {}; cancel it, or wait for its end",
                                                                  GuestLibrary::NameOf(*program).ToString(), (*user)->id,
                                                                  RunStateName((*user)->state))));
  }
  if (user->has_value()) {
    const std::string& to = (*user)->request.owner;
    Log(LogLevel::kInfo, "guest.passed_on", {{"sha256", program->sha256}, {"to", to}, {"run", (*user)->id}});
    return ToGrpcStatus(guests_.Give(*program, to));
  }
  absl::Status status = guests_.Delete(GuestName{"", program->sha256}.ToString());  // not what has its digits by now
  if (status.ok()) Log(LogLevel::kInfo, "guest.deleted", {{"sha256", program->sha256}});
  return ToGrpcStatus(status);
}

}  // namespace alloclab::server

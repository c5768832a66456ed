// Who makes a call, by the token that he shows, what of others he may change (owner.h), and whether he asks more than they.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_HANDLERS_CALLERS_H_
#define ALLOCLAB_SERVER_HANDLERS_CALLERS_H_

#include <grpcpp/server_context.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/access/access_control.h"
#include "server/collections/instance_registry.h"
#include "server/collections/run_executor.h"
#include "server/handlers/fair_share.h"
#include "server/handlers/owner_connections.h"
#include "server/http/call_queue.h"

namespace alloclab::server {

class Callers {
 public:
  // Both outlive it.
  Callers(const AccessControl& access, OwnerConnections& connections) : access_(access), connections_(connections) {}

  // Without tokens nobody in particular. UNAUTHENTICATED: his token was revoked, or has expired, since the call began.
  absl::StatusOr<Bearer> Who(const grpc::ServerContextBase& call) const;

  // A call begins: the name of whose it is, for a count of what is his; empty: nobody in particular. Errors of Who;
  // RESOURCE_EXHAUSTED, CANCELLED: he has too many connections (owner_connections.h).
  absl::StatusOr<std::string> Enter(const grpc::ServerContextBase& call) const;

  // Likewise, of a unary call: the client whose it is for the queue (call_queue.h).
  absl::StatusOr<CallQueue::Client> Begin(const grpc::ServerContextBase& call) const;

  // The instance or run of that name or id, if the caller may change it: the errors of Find and Get, of Who, and
  // PERMISSION_DENIED.
  absl::StatusOr<std::shared_ptr<LiveInstance>> FindOwn(const grpc::ServerContextBase& call, const InstanceRegistry& instances,
                                                        std::string_view name) const;
  absl::Status CheckOwn(const grpc::ServerContextBase& call, const RunExecutor& runs, std::uint64_t id) const;

 private:
  const AccessControl& access_;
  OwnerConnections& connections_;
  mutable FairShare shares_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_CALLERS_H_

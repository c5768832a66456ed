// The gRPC side: all services, health, reflection, keepalive and transport limits.
//
// Thread safety: Start and Stop from one thread.
#ifndef ALLOCLAB_SERVER_SERVER_GRPC_SERVER_H_
#define ALLOCLAB_SERVER_SERVER_GRPC_SERVER_H_

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "allocators/common/monotonic_time.h"
#include "server/access/access_control.h"
#include "server/collections/guest_library.h"
#include "server/collections/instance_registry.h"
#include "server/collections/opened_runs.h"
#include "server/collections/run_executor.h"
#include "server/collections/trace_library.h"
#include "server/handlers/guests_service.h"
#include "server/handlers/heap_service.h"
#include "server/handlers/inspect_service.h"
#include "server/handlers/lab_service.h"
#include "server/handlers/open_calls.h"
#include "server/handlers/runs_service.h"
#include "server/handlers/time_travel_service.h"
#include "server/handlers/workloads_service.h"
#include "server/handlers/write_watch.h"
#include "server/http/bind_address.h"
#include "server/http/call_queue.h"
#include "server/metrics/metrics_endpoint.h"
#include "server/metrics/rpc_metrics.h"
#include "server/server/front_door.h"

namespace alloclab::server {

class GrpcServer {
 public:
  // What the services serve; all outlive the server.
  struct Domain {
    InstanceRegistry& instances;
    RunExecutor& runs;
    TraceLibrary& traces;
    OpenedRuns& opened_runs;
    GuestLibrary& guests;
    RpcMetrics& metrics;
    const AccessControl& access;
    std::function<v1::Server()> describe;
  };
  struct Bounds {
    std::size_t streams = 0;
    std::size_t connections_of_one = 0;  // owner of a token
  };
  GrpcServer(const Domain& domain, const Bounds& bounds);
  ~GrpcServer();

  // With the reflection service or without, for so many connections, which `credentials` protect, and so many
  // handshakes with one address in a second, 0: any. FAILED_PRECONDITION: the address cannot be bound.
  absl::Status Start(const BindAddress& listen, bool reflection, std::size_t connections_max,
                     const std::shared_ptr<grpc::ServerCredentials>& credentials, std::uint32_t handshakes_max);
  // NOT_SERVING from here on; streams end after the batch under way.
  void Drain();
  // Lets calls end until `deadline`, then cancels them.
  void Stop(MonotonicTime deadline);

  const std::string& address() const { return address_; }
  const OpenCalls& streams() const { return streams_; }
  const OpenCalls& watchers() const { return watchers_; }
  // None before the start.
  ConnectionFigures connections() const;

 private:
  void HangUpOn(const std::string& client, absl::Duration after);
  // Hangs up on clients that call in vain more often than they may.
  void CountVain(const std::string& client);

  RpcMetrics& metrics_;
  const AccessControl& access_;
  OwnerConnections owners_;
  const Callers callers_{access_, owners_};
  ClientBudget cancels_;
  WriteWatch writes_;
  OpenCalls streams_, uploads_, watchers_, diffs_, walks_;
  CallQueue operations_, calls_, pieces_;
  LabService lab_;
  HeapService heap_;
  InspectService inspect_;
  TimeTravelService time_travel_;
  WorkloadsService workloads_;
  GuestsService guests_;
  RunsService runs_;
  std::string address_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<FrontDoor> door_;
  std::atomic<FrontDoor*> open_door_{nullptr};  // for other threads, from its opening on
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_GRPC_SERVER_H_

// Service alloclab.v1.Inspect. A walk takes the instance for one message at a time: operations may come between two messages,
// and the walk then goes on from the address it had reached.
#ifndef ALLOCLAB_SERVER_HANDLERS_INSPECT_SERVICE_H_
#define ALLOCLAB_SERVER_HANDLERS_INSPECT_SERVICE_H_

#include "absl/status/statusor.h"
#include "alloclab/v1/inspect.grpc.pb.h"
#include "server/collections/instance_registry.h"
#include "server/handlers/callers.h"
#include "server/handlers/page_stream.h"
#include "server/handlers/queued_service.h"

namespace alloclab::server {

class InspectService final
    : public QueuedService<v1::Inspect, v1::Inspect::WithCallbackMethod_WalkBlocks<v1::Inspect::Service>> {
 public:
  // All outlive the service.
  InspectService(InstanceRegistry& instances, const Callers& callers, const StreamHosts& walks, CallQueue& calls);

  grpc::ServerWriteReactor<v1::BlockList>* WalkBlocks(grpc::CallbackServerContext* context,
                                                      const v1::WalkBlocksRequest* request) override;

 private:
  absl::StatusOr<NextPage<v1::BlockList>> BeginWalk(const v1::WalkBlocksRequest& request) const;
  grpc::Status DoGetStatistics(const Caller& caller, const v1::GetStatisticsRequest& request, v1::Statistics& reply);
  grpc::Status DoReadMemory(const Caller& caller, const v1::ReadMemoryRequest& request, v1::ReadMemoryReply& reply);
  grpc::Status DoTranslate(const Caller& caller, const v1::TranslateRequest& request, v1::Translation& reply);
  grpc::Status DoCheckInvariants(const Caller& caller, const v1::CheckInvariantsRequest& request,
                                 v1::CheckInvariantsReply& reply);

  InstanceRegistry& instances_;
  const StreamHosts walks_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_INSPECT_SERVICE_H_

// Service alloclab.v1.TimeTravel.
#ifndef ALLOCLAB_SERVER_HANDLERS_TIME_TRAVEL_SERVICE_H_
#define ALLOCLAB_SERVER_HANDLERS_TIME_TRAVEL_SERVICE_H_

#include "alloclab/v1/time_travel.grpc.pb.h"
#include "server/collections/opened_runs.h"
#include "server/handlers/callers.h"
#include "server/handlers/queued_service.h"

namespace alloclab::server {

class TimeTravelService final : public QueuedService<v1::TimeTravel> {
 public:
  // All outlive the service.
  TimeTravelService(OpenedRuns& runs, const InstanceRegistry& instances, const Callers& callers, CallQueue& calls);

 private:
  grpc::Status DoOpen(const Caller& caller, const v1::OpenRunRequest& request, v1::Moment& reply);
  grpc::Status DoSeek(const Caller& caller, const v1::SeekRequest& request, v1::Moment& reply);
  grpc::Status DoExplain(const Caller& caller, const v1::ExplainRequest& request, v1::Explanation& reply);
  grpc::Status DoExplainRun(const Caller& caller, const v1::ExplainRunRequest& request, v1::RunExplanation& reply);
  grpc::Status DoFindTenants(const Caller& caller, const v1::FindTenantsRequest& request, v1::TenantList& reply);
  grpc::Status DoDescribe(const Caller& caller, const v1::DescribeRequest& request, v1::Moment& reply);
  grpc::Status DoClose(const Caller& caller, const v1::CloseRunRequest& request, v1::CloseRunReply& reply);
  // One that the caller opened, as whatever moves it is for him and admins: errors of Callers::FindOwn and OpenedRuns::Find.
  absl::StatusOr<std::shared_ptr<LiveInstance>> FindOwn(const Caller& caller, const std::string& name);

  OpenedRuns& runs_;
  const InstanceRegistry& instances_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_TIME_TRAVEL_SERVICE_H_

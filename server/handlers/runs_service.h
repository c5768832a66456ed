// Service alloclab.v1.Runs.
#ifndef ALLOCLAB_SERVER_HANDLERS_RUNS_SERVICE_H_
#define ALLOCLAB_SERVER_HANDLERS_RUNS_SERVICE_H_

#include "alloclab/v1/run.grpc.pb.h"
#include "server/collections/run_executor.h"
#include "server/collections/trace_library.h"
#include "server/handlers/callers.h"
#include "server/handlers/open_calls.h"
#include "server/handlers/queued_service.h"
#include "server/handlers/run_watch.h"

namespace alloclab::server {

class RunsService final : public QueuedService<v1::Runs, v1::Runs::WithCallbackMethod_WatchRun<v1::Runs::Service>> {
 public:
  // All outlive the service.
  RunsService(const RunWatch::Hosts& hosts, const Callers& callers, TraceLibrary& traces, OpenCalls& diffs, CallQueue& calls);

  grpc::ServerWriteReactor<v1::Run>* WatchRun(grpc::CallbackServerContext*, const v1::WatchRunRequest* request) override;

 private:
  grpc::Status DoSubmitRun(const Caller& caller, const v1::SubmitRunRequest& request, v1::Run& reply);
  grpc::Status DoGetRun(const Caller& caller, const v1::GetRunRequest& request, v1::Run& reply);
  grpc::Status DoListRuns(const Caller& caller, const v1::ListRunsRequest& request, v1::ListRunsResponse& reply);
  grpc::Status DoCancelRun(const Caller& caller, const v1::CancelRunRequest& request, v1::Run& reply);
  grpc::Status DoDeleteRun(const Caller& caller, const v1::DeleteRunRequest& request, v1::DeleteRunResponse& reply);
  grpc::Status DoUpdateRun(const Caller& caller, const v1::UpdateRunRequest& request, v1::Run& reply);
  grpc::Status DoDiffRuns(const Caller& caller, const v1::DiffRunsRequest& request, v1::DiffRunsReply& reply);

  RunExecutor& runs_;
  TraceLibrary& traces_;
  const RunWatch::Hosts watchers_;
  OpenCalls& diffs_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_RUNS_SERVICE_H_

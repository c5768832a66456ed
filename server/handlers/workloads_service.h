// Service alloclab.v1.Workloads.
#ifndef ALLOCLAB_SERVER_HANDLERS_WORKLOADS_SERVICE_H_
#define ALLOCLAB_SERVER_HANDLERS_WORKLOADS_SERVICE_H_

#include "alloclab/v1/workload.grpc.pb.h"
#include "server/collections/run_executor.h"
#include "server/collections/trace_library.h"
#include "server/handlers/callers.h"
#include "server/handlers/open_calls.h"
#include "server/handlers/queued_service.h"

namespace alloclab::server {

class WorkloadsService final : public QueuedService<v1::Workloads> {
 public:
  // All outlive the service.
  WorkloadsService(TraceLibrary& traces, RunExecutor& runs, const Callers& callers, OpenCalls& uploads, CallQueue& calls);

  grpc::Status UploadTrace(grpc::ServerContext*, grpc::ServerReader<v1::UploadTraceRequest>* reader,
                           v1::TraceInfo* reply) override;

 private:
  grpc::Status DoListBuiltins(const Caller& caller, const v1::ListBuiltinsRequest& request, v1::ListBuiltinsResponse& reply);
  grpc::Status DoListTraces(const Caller& caller, const v1::ListTracesRequest& request, v1::ListTracesResponse& reply);
  grpc::Status DoDeleteTrace(const Caller& caller, const v1::DeleteTraceRequest& request, v1::DeleteTraceResponse& reply);

  TraceLibrary& traces_;
  RunExecutor& runs_;
  OpenCalls& uploads_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_WORKLOADS_SERVICE_H_

// Service alloclab.v1.Workloads.
#ifndef ALLOCLAB_SERVER_HANDLERS_WORKLOADS_SERVICE_H_
#define ALLOCLAB_SERVER_HANDLERS_WORKLOADS_SERVICE_H_

#include "alloclab/v1/workload.grpc.pb.h"
#include "server/collections/run_executor.h"
#include "server/collections/trace_library.h"
#include "server/handlers/open_calls.h"

namespace alloclab::server {

class WorkloadsService final : public v1::Workloads::Service {
 public:
  // All outlive the service.
  WorkloadsService(TraceLibrary& traces, RunExecutor& runs, OpenCalls& uploads)
      : traces_(traces), runs_(runs), uploads_(uploads) {}

  grpc::Status ListBuiltins(grpc::ServerContext*, const v1::ListBuiltinsRequest*, v1::ListBuiltinsResponse* reply) override;
  grpc::Status UploadTrace(grpc::ServerContext*, grpc::ServerReader<v1::UploadTraceRequest>* reader,
                           v1::TraceInfo* reply) override;
  grpc::Status ListTraces(grpc::ServerContext*, const v1::ListTracesRequest* request, v1::ListTracesResponse* reply) override;
  grpc::Status DeleteTrace(grpc::ServerContext*, const v1::DeleteTraceRequest* request, v1::DeleteTraceResponse*) override;

 private:
  TraceLibrary& traces_;
  RunExecutor& runs_;
  OpenCalls& uploads_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_WORKLOADS_SERVICE_H_

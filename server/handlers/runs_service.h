// Service alloclab.v1.Runs.
#ifndef ALLOCLAB_SERVER_HANDLERS_RUNS_SERVICE_H_
#define ALLOCLAB_SERVER_HANDLERS_RUNS_SERVICE_H_

#include "alloclab/v1/run.grpc.pb.h"
#include "server/collections/run_executor.h"
#include "server/collections/trace_library.h"
#include "server/handlers/open_calls.h"
#include "server/handlers/write_watch.h"

namespace alloclab::server {

class RunsService final : public v1::Runs::WithCallbackMethod_WatchRun<v1::Runs::Service> {
 public:
  // All outlive the service.
  RunsService(RunExecutor& runs, TraceLibrary& traces, OpenCalls& watchers, OpenCalls& diffs, WriteWatch& writes)
      : runs_(runs), traces_(traces), watchers_(watchers), diffs_(diffs), writes_(writes) {}

  grpc::Status SubmitRun(grpc::ServerContext*, const v1::SubmitRunRequest* request, v1::Run* reply) override;
  grpc::Status GetRun(grpc::ServerContext*, const v1::GetRunRequest* request, v1::Run* reply) override;
  grpc::Status ListRuns(grpc::ServerContext*, const v1::ListRunsRequest* request, v1::ListRunsResponse* reply) override;
  grpc::ServerWriteReactor<v1::Run>* WatchRun(grpc::CallbackServerContext*, const v1::WatchRunRequest* request) override;
  grpc::Status CancelRun(grpc::ServerContext*, const v1::CancelRunRequest* request, v1::Run* reply) override;
  grpc::Status DeleteRun(grpc::ServerContext*, const v1::DeleteRunRequest* request, v1::DeleteRunResponse*) override;
  grpc::Status DiffRuns(grpc::ServerContext*, const v1::DiffRunsRequest* request, v1::DiffRunsReply* reply) override;

 private:
  RunExecutor& runs_;
  TraceLibrary& traces_;
  OpenCalls& watchers_;
  OpenCalls& diffs_;
  WriteWatch& writes_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_RUNS_SERVICE_H_

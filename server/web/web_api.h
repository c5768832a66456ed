// The data of the web page: which JSON answers which address (the table is in proto/alloclab/v1/web.proto).
//
// Thread safety: Answer may be called from any thread.
#ifndef ALLOCLAB_SERVER_WEB_WEB_API_H_
#define ALLOCLAB_SERVER_WEB_WEB_API_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "alloclab/v1/lab.pb.h"
#include "alloclab/v1/run.pb.h"
#include "server/access/access_control.h"
#include "server/collections/instance_registry.h"
#include "server/collections/opened_runs.h"
#include "server/collections/run_executor.h"
#include "server/http/answer_cache.h"
#include "server/http/http_request.h"
#include "server/web/machine_view.h"

namespace alloclab::server {

// What the web page is about; all outlive it.
struct WebSubjects {
  InstanceRegistry& instances;
  RunExecutor& runs;
  OpenedRuns& opened_runs;
  std::function<v1::Server()> describe_server;
  std::string prometheus_url, grafana_url;  // empty: none
  AccessControl* access = nullptr;          // null: everybody may do everything
};

class WebApi {
 public:
  explicit WebApi(WebSubjects subjects) : subjects_(std::move(subjects)) {}

  // The JSON for a path below "/api". NOT_FOUND: no such address, instance or run; INVALID_ARGUMENT: a parameter; and what the
  // executor says of a run that is submitted or cancelled.
  absl::StatusOr<std::string> Answer(const HttpRequest& request);

 private:
  using Handler = absl::StatusOr<std::string> (WebApi::*)(const HttpRequest&);
  static Handler Route(const std::vector<std::string>& path);
  static Handler RouteOfChange(const std::vector<std::string>& path);

  absl::StatusOr<std::string> Server(const HttpRequest& request);
  absl::StatusOr<std::string> Catalog(const HttpRequest& request);
  absl::StatusOr<std::string> Instances(const HttpRequest& request);
  absl::StatusOr<std::string> Instance(const HttpRequest& request);
  absl::StatusOr<std::string> Runs(const HttpRequest& request);
  absl::StatusOr<std::string> Run(const HttpRequest& request);
  absl::StatusOr<std::string> Map(const HttpRequest& request);
  absl::StatusOr<std::string> Workloads(const HttpRequest& request);
  // Of a POST.
  absl::StatusOr<std::string> StartRun(const HttpRequest& request);
  absl::StatusOr<std::string> RepeatRun(const HttpRequest& request);
  absl::StatusOr<std::string> CancelRun(const HttpRequest& request);
  absl::StatusOr<std::string> OpenRun(const HttpRequest& request);
  absl::StatusOr<std::string> SeekRun(const HttpRequest& request);
  absl::StatusOr<std::string> ExplainRun(const HttpRequest& request);
  absl::StatusOr<std::string> Holes(const HttpRequest& request);
  absl::StatusOr<std::string> CloseRun(const HttpRequest& request);
  absl::StatusOr<std::string> Submit(const v1::SubmitRunRequest& request);
  static absl::StatusOr<std::uint64_t> RunNumber(const HttpRequest& request);  // "7" of /api/runs/7

  absl::StatusOr<LookAt> MachineOf(const HttpRequest& request) const;

  const WebSubjects subjects_;
  MachineView view_;
  AnswerCache maps_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_WEB_WEB_API_H_

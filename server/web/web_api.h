// The data of the web page: which JSON answers which address (the table is in proto/alloclab/v1/web.proto).
//
// Thread safety: Answer may be called from any thread.
#ifndef ALLOCLAB_SERVER_WEB_WEB_API_H_
#define ALLOCLAB_SERVER_WEB_WEB_API_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "alloclab/v1/lab.pb.h"
#include "alloclab/v1/run.pb.h"
#include "alloclab/v1/web.pb.h"
#include "server/access/access_control.h"
#include "server/collections/instance_registry.h"
#include "server/collections/opened_runs.h"
#include "server/collections/run_executor.h"
#include "server/collections/trace_library.h"
#include "server/handlers/open_calls.h"
#include "server/http/answer_cache.h"
#include "server/http/http_request.h"
#include "server/limits.h"
#include "server/web/live_stream.h"
#include "server/web/machine_view.h"

namespace alloclab::server {

// Where a browser brings the file of a trace: the only POST with a body.
inline const std::vector<std::string> kTracesPath = {"api", "traces"};
inline constexpr absl::Duration kWebDiffTimeMax = absl::Seconds(20);

// What the web page is about; all outlive it.
struct WebSubjects {
  InstanceRegistry& instances;
  RunExecutor& runs;
  OpenedRuns& opened_runs;
  TraceLibrary& traces;
  std::function<v1::Server()> describe_server;
  std::string prometheus_url, grafana_url;  // empty: none
  AccessControl* access = nullptr;          // null: everybody may do everything
};

// Who asks, for a count of what is his: by his name, as others may come by the same address. Nobody in particular: by that.
inline OpenCalls::Client ClientOf(const HttpRequest& request) {
  return {.connection = request.caller.empty() ? request.peer : "", .owner = request.caller};
}

class WebApi {
 public:
  explicit WebApi(WebSubjects subjects) : subjects_(std::move(subjects)) {}

  // The JSON for a path below "/api". NOT_FOUND: no such address, instance or run; INVALID_ARGUMENT: a parameter; and what the
  // executor says of a run that is submitted or cancelled. What is made is `who`'s; PERMISSION_DENIED: what is to be changed is
  // another's (owner.h).
  absl::StatusOr<std::string> Answer(HttpRequest request, const Bearer& who = Bearer());

  // A stream of the instance or run of /api/instances/NAME/live; it ends when `allowed` is an error. Errors as above, and of
  // LiveStreams::Open.
  static bool IsLive(const HttpRequest& request);
  absl::StatusOr<std::shared_ptr<HttpStream>> OpenLive(const HttpRequest& request, std::function<absl::Status()> allowed);

  // For a POST to kTracesPath: what answers when its body has come, whose memory is taken from the budget until then.
  // INVALID_ARGUMENT: the name; RESOURCE_EXHAUSTED: too large, too many at a time, host memory.
  using TakeTrace = std::function<absl::StatusOr<std::string>(std::string body)>;
  absl::StatusOr<TakeTrace> StartUpload(const HttpRequest& request);

  // From now on no answer takes long.
  void Stop() { stopping_ = true; }

 private:
  using Handler = absl::StatusOr<std::string> (WebApi::*)(const HttpRequest&);
  static Handler Route(const std::vector<std::string>& path);
  // What a POST does. `kTheirs`: what it is done to is its owner's alone, and admins'.
  enum class Whose { kAnybodys, kTheirs };
  struct Change {
    Handler handler = nullptr;
    Whose whose = Whose::kTheirs;
  };
  static Change RouteOfChange(const std::vector<std::string>& path);

  // Whether `who` may change the instance or run of /api/instances/NAME/delete. From then on the request says the id of the
  // instance, as its name may be another's when it is changed. Errors of Find and Get, and PERMISSION_DENIED.
  absl::Status CheckOwnerOf(HttpRequest& request, const Bearer& who) const;

  absl::StatusOr<std::string> Server(const HttpRequest& request);
  absl::StatusOr<std::string> Catalog(const HttpRequest& request);
  absl::StatusOr<std::string> Instances(const HttpRequest& request);
  absl::StatusOr<std::string> Instance(const HttpRequest& request);
  absl::StatusOr<std::string> Runs(const HttpRequest& request);
  absl::StatusOr<std::string> Run(const HttpRequest& request);
  absl::StatusOr<std::string> Map(const HttpRequest& request);
  absl::StatusOr<std::string> Workloads(const HttpRequest& request);
  absl::StatusOr<std::string> Traces(const HttpRequest& request);
  absl::StatusOr<std::string> DiffRuns(const HttpRequest& request);
  absl::StatusOr<std::string> Ages(const HttpRequest& request);
  absl::StatusOr<std::string> SteerLive(const HttpRequest& request);
  // Of a POST.
  absl::StatusOr<std::string> StartRun(const HttpRequest& request);
  absl::StatusOr<std::string> RepeatRun(const HttpRequest& request);
  absl::StatusOr<std::string> CancelRun(const HttpRequest& request);
  absl::StatusOr<std::string> UpdateRun(const HttpRequest& request);
  absl::StatusOr<std::string> DeleteRun(const HttpRequest& request);
  absl::StatusOr<std::string> OpenRun(const HttpRequest& request);
  absl::StatusOr<std::string> SeekRun(const HttpRequest& request);
  absl::StatusOr<std::string> ExplainRun(const HttpRequest& request);
  absl::StatusOr<std::string> Holes(const HttpRequest& request);
  absl::StatusOr<std::string> Tenants(const HttpRequest& request);
  absl::StatusOr<std::string> CloseRun(const HttpRequest& request);
  absl::StatusOr<std::string> CreateInstance(const HttpRequest& request);
  absl::StatusOr<std::string> DeleteInstance(const HttpRequest& request);
  absl::StatusOr<std::string> Operate(const HttpRequest& request);  // malloc, free, ...
  absl::StatusOr<std::string> Submit(v1::SubmitRunRequest request, const std::string& owner);
  static absl::StatusOr<std::uint64_t> RunNumber(const HttpRequest& request);  // "7" of /api/runs/7

  absl::StatusOr<LookAt> MachineOf(const HttpRequest& request) const;
  absl::StatusOr<v1::InstanceDetail> DetailOfInstance(const HttpRequest& request) const;
  absl::StatusOr<v1::RunDetail> DetailOfRun(const HttpRequest& request) const;
  absl::StatusOr<SharedMap> MapOf(const HttpRequest& request, const MapRequest& wanted);

  const WebSubjects subjects_;
  std::atomic<bool> stopping_{false};
  MachineView view_;
  AnswerCache<SharedMap> maps_;
  AnswerCache<std::string> map_texts_;
  LiveStreams streams_;
  OpenCalls uploads_{{.max = kConcurrentUploadsMax, .of_one_client = kUploadsPerConnectionMax}};
  OpenCalls diffs_{kConcurrentDiffsMax};
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_WEB_WEB_API_H_

#include "server/web/web_api.h"

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "allocators/common/printable.h"
#include "alloclab/v1/web.pb.h"
#include "server/access/owner.h"
#include "server/collections/run_difference.h"
#include "server/converters/instance_converter.h"
#include "server/converters/list_converter.h"
#include "server/converters/native_converter.h"
#include "server/converters/run_converter.h"
#include "server/converters/statistics_converter.h"
#include "server/converters/time_converter.h"
#include "server/converters/workload_converter.h"
#include "server/errors.h"
#include "server/http/json.h"
#include "server/limits.h"

namespace alloclab::server {
namespace {

std::uint64_t Failed(const v1::Counters& counters) {
  std::uint64_t failed = 0;
  for (const v1::OutcomeCount& item : counters.outcomes()) {
    if (item.outcome() != OutcomeName(Outcome::kOk) && item.outcome() != OutcomeName(Outcome::kZeroSize))
      failed += item.count();
  }
  return failed;
}

v1::InstanceSummary Summarize(LiveInstance& instance) {
  const Snapshot snapshot = instance.Sample();
  const v1::Statistics statistics = ToProto(snapshot);
  v1::InstanceSummary summary;
  *summary.mutable_instance() = ToProto(instance);
  summary.mutable_instance()->set_operations(snapshot.operations);
  *summary.mutable_time() = ToProto(snapshot.time);
  if (statistics.has_heap()) {
    *summary.mutable_heap() = statistics.heap();
    summary.mutable_heap()->clear_free_blocks_by_size();
  }
  *summary.mutable_pages() = statistics.pages();
  summary.set_live_requested_bytes(statistics.counters().live_requested_bytes());
  summary.set_page_live_bytes(statistics.counters().page_live_bytes());
  summary.set_failed(Failed(statistics.counters()));
  summary.set_host_bytes(statistics.host_bytes());
  return summary;
}

struct ListRange {
  std::uint32_t size = 0;
  std::uint64_t token = 0;
};

absl::StatusOr<ListRange> ListRangeOf(const HttpRequest& request, std::uint32_t preset, std::uint32_t max) {
  const auto size = request.Number("page_size", preset, 1, max);
  if (!size.ok()) return size.status();
  const auto token = PageTokenFromProto(request.Text("page_token"));
  if (!token.ok()) return token.status();
  return ListRange{static_cast<std::uint32_t>(*size), *token};
}

// The same filter as ListRuns has, a state by its name.
absl::StatusOr<RunFilter> FilterOf(const HttpRequest& request) {
  v1::ListRunsRequest filter;
  filter.set_workload(request.Text("workload"));
  filter.set_label(request.Text("label"));
  filter.set_allocator(request.Text("allocator"));
  if (const std::string name = request.Text("state"); !name.empty()) {
    v1::Run::State state = v1::Run::STATE_UNSPECIFIED;
    if (!v1::Run::State_Parse(name, &state)) {
      return errors::BadField("state", fmt::format("\"{}\" is not the state of a run", Printable(name)));
    }
    filter.add_states(state);
  }
  return FilterFromProto(filter);
}

}  // namespace

absl::StatusOr<std::uint64_t> WebApi::RunNumber(const HttpRequest& request) {
  std::uint64_t id = 0;
  if (absl::SimpleAtoi(request.path[2], &id)) return id;
  return errors::BadField("run", fmt::format("\"{}\" is not the number of a run", request.path[2]));
}

WebApi::Handler WebApi::Route(const std::vector<std::string>& path) {
  if (path.size() == 2) {
    if (path[1] == "server") return &WebApi::Server;
    if (path[1] == "catalog") return &WebApi::Catalog;
    if (path[1] == "instances") return &WebApi::Instances;
    if (path[1] == "runs") return &WebApi::Runs;
    if (path[1] == "workloads") return &WebApi::Workloads;
    if (path[1] == "traces") return &WebApi::Traces;
  }
  const bool instance = path.size() > 2 && path[1] == "instances", run = path.size() > 2 && path[1] == "runs";
  if (path.size() == 3 && instance) return &WebApi::Instance;
  if (path.size() == 3 && run) return &WebApi::Run;
  if (path.size() == 3 && path[1] == "live") return &WebApi::SteerLive;
  if (path.size() == 4 && (instance || run) && path[3] == "map") return &WebApi::Map;
  if (path.size() == 4 && instance && path[3] == "ages") return &WebApi::Ages;
  if (path.size() == 4 && run && path[3] == "diff") return &WebApi::DiffRuns;
  return nullptr;
}

WebApi::Change WebApi::RouteOfChange(const std::vector<std::string>& path) {
  static const std::map<std::string_view, Change> kOfRun = {{"repeat", {&WebApi::RepeatRun, Whose::kAnybodys}},
                                                            {"open", {&WebApi::OpenRun, Whose::kAnybodys}},
                                                            {"cancel", {&WebApi::CancelRun}},
                                                            {"delete", {&WebApi::DeleteRun}},
                                                            {"update", {&WebApi::UpdateRun}}};
  static const std::map<std::string_view, Change> kOfInstance = {
      {"explain", {&WebApi::ExplainRun}},     {"holes", {&WebApi::Holes}},
      {"tenants", {&WebApi::Tenants}},        {"seek", {&WebApi::SeekRun}},
      {"close", {&WebApi::CloseRun}},         {"delete", {&WebApi::DeleteInstance}},
      {"malloc", {&WebApi::Operate}},         {"calloc", {&WebApi::Operate}},
      {"realloc", {&WebApi::Operate}},        {"free", {&WebApi::Operate}},
      {"allocate-pages", {&WebApi::Operate}}, {"free-pages", {&WebApi::Operate}}};
  const bool runs = path.size() >= 2 && path[1] == "runs", instances = path.size() >= 2 && path[1] == "instances";
  if (path.size() == 2 && runs) return {&WebApi::StartRun, Whose::kAnybodys};
  if (path.size() == 2 && instances) return {&WebApi::CreateInstance, Whose::kAnybodys};
  if (path.size() != 4 || (!runs && !instances)) return {};
  const auto& actions = runs ? kOfRun : kOfInstance;
  const auto found = actions.find(path[3]);
  return found == actions.end() ? Change() : found->second;
}

absl::Status WebApi::CheckOwnerOf(HttpRequest& request, const Bearer& who) const {
  if (who.name.empty()) return absl::OkStatus();
  if (request.path[1] == "instances") {
    const auto instance = subjects_.instances.Find(request.path[2]);
    if (!instance.ok()) return instance.status();
    request.path[2] = std::to_string((*instance)->id());
    return CheckOwner(who, (*instance)->owner(), fmt::format("instance \"{}\"", (*instance)->name()));
  }
  const auto id = RunNumber(request);
  const auto run = id.ok() ? subjects_.runs.Get(*id) : id.status();
  return run.ok() ? CheckOwner(who, run->request.owner, fmt::format("run {}", *id)) : run.status();
}

absl::StatusOr<std::string> WebApi::Answer(HttpRequest request, const Bearer& who) {
  const Change change = request.changes ? RouteOfChange(request.path) : Change{Route(request.path), Whose::kAnybodys};
  const Handler handler = change.handler;
  if (handler == nullptr) {
    return absl::NotFoundError(fmt::format(
        "no address \"/{}\": expected {}", fmt::join(request.path, "/"),
        request.changes ? "/api/runs[/ID/repeat|cancel|update|delete|open], "
                          "/api/instances[/NAME/delete|malloc|calloc|realloc|free|allocate-pages|"
                          "free-pages|seek|explain|holes|tenants|close] or /api/traces"
                        : "/api/server, /api/catalog, /api/workloads, /api/traces, /api/instances[/NAME[/map|live|ages]] or "
                          "/api/runs[/ID[/map|live|diff]]"));
  }
  if (change.whose == Whose::kTheirs) {
    if (absl::Status status = CheckOwnerOf(request, who); !status.ok()) return status;
  }
  request.caller = who.name;
  return (this->*handler)(request);
}

absl::StatusOr<std::string> WebApi::Server(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({}); !status.ok()) return status;
  const RunExecutor::Census census = subjects_.runs.Count();
  v1::WebServerInfo info;
  *info.mutable_server() = subjects_.describe_server();
  *info.mutable_time() = ToProto(absl::Now());
  info.set_prometheus_url(subjects_.prometheus_url);
  info.set_grafana_url(subjects_.grafana_url);
  info.set_runs_queued(census.queued);
  info.set_runs_running(census.running);
  info.set_trace_upload_bytes_max(kTraceUploadBytesMax);
  return ToJson(info);
}

absl::StatusOr<std::string> WebApi::Catalog(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({}); !status.ok()) return status;
  v1::Catalog catalog = CatalogToProto();
  AddNatives(subjects_.runs.natives(), catalog);
  return ToJson(catalog);
}

absl::StatusOr<std::string> WebApi::Workloads(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({}); !status.ok()) return status;
  return ToJson(BuiltinsToProto());
}

absl::StatusOr<std::string> WebApi::Instances(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({"page_size", "page_token"}); !status.ok()) return status;
  const auto range = ListRangeOf(request, kListInstancesDefault, kListInstancesMax);
  if (!range.ok()) return range.status();
  const auto instances = subjects_.instances.List(range->token, range->size + 1);
  v1::InstanceSummaries list;
  PageBounds bounds(range->size);
  for (const auto& instance : instances) {
    v1::InstanceSummary summary = Summarize(*instance);
    if (!bounds.Admit(summary.ByteSizeLong())) {
      list.set_next_page_token(fmt::to_string(list.instances().rbegin()->instance().id()));
      break;
    }
    *list.add_instances() = std::move(summary);
  }
  return ToJson(list);
}

absl::StatusOr<std::string> WebApi::Runs(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({"page_size", "page_token", "workload", "state", "label", "allocator"});
      !status.ok()) {
    return status;
  }
  const auto range = ListRangeOf(request, kListRunsDefault, kListRunsMax);
  if (!range.ok()) return range.status();
  const auto filter = FilterOf(request);
  if (!filter.ok()) return filter.status();
  const auto runs = subjects_.runs.List(range->token, range->size + 1, *filter);
  if (!runs.ok()) return runs.status();
  return ToJson(ToProto(*runs, range->size));
}

absl::StatusOr<std::string> WebApi::Traces(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({"page_size", "page_token"}); !status.ok()) return status;
  const auto range = ListRangeOf(request, kListTracesDefault, kListTracesMax);
  if (!range.ok()) return range.status();
  const auto traces = subjects_.traces.List(range->token, range->size);
  if (!traces.ok()) return traces.status();
  const auto stored = subjects_.traces.StoredBytes();
  if (!stored.ok()) return stored.status();
  v1::ListTracesResponse list = ToProto(*traces, range->size);
  list.set_stored_bytes(*stored);
  list.set_stored_bytes_max(subjects_.traces.bytes_max());
  return ToJson(list);
}

absl::StatusOr<std::string> WebApi::DiffRuns(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({"with"}); !status.ok()) return status;
  const auto id = RunNumber(request), with = request.Number("with", 0, 0, UINT64_MAX);
  if (!id.ok()) return id.status();
  if (!with.ok()) return with.status();
  if (absl::Status status = diffs_.Admit(&request, ClientOf(request), errors::TooManyDiffs(diffs_.max())); !status.ok())
    return status;
  const absl::Cleanup leave = [&] { diffs_.Leave(&request); };
  const MonotonicTime end = MonotonicTime::Now() + kWebDiffTimeMax;
  const auto reply = server::DiffRuns(
      subjects_.runs, subjects_.traces, *id, *with, [this, end] { return stopping_ || MonotonicTime::Now() >= end; },
      request.caller);
  if (absl::IsCancelled(reply.status())) {
    return absl::DeadlineExceededError(
        fmt::format("comparing the two takes longer than {}: expected \"alloclab runs diff {} {}\"",
                    absl::FormatDuration(kWebDiffTimeMax), *id, *with));
  }
  return reply.ok() ? ToJson(*reply) : reply.status();
}

}  // namespace alloclab::server

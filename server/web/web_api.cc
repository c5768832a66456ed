#include "server/web/web_api.h"

#include <fmt/format.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "allocators/common/printable.h"
#include "alloclab/v1/web.pb.h"
#include "server/converters/instance_converter.h"
#include "server/converters/list_converter.h"
#include "server/converters/native_converter.h"
#include "server/converters/run_converter.h"
#include "server/converters/statistics_converter.h"
#include "server/converters/time_converter.h"
#include "server/converters/time_travel_converter.h"
#include "server/converters/workload_converter.h"
#include "server/errors.h"
#include "server/http/json.h"
#include "server/limits.h"

namespace alloclab::server {
namespace {

constexpr std::uint64_t kAddressMax = UINT32_MAX;

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

// A browser that follows a run asks once more after its end: that is no error.
absl::StatusOr<v1::MemoryMap> GoneIfEnded(absl::StatusOr<v1::MemoryMap> map) {
  if (map.ok() || !absl::IsFailedPrecondition(map.status())) return map;
  v1::MemoryMap gone;
  gone.set_gone(true);
  return gone;
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
  }
  const bool instance = path.size() > 2 && path[1] == "instances", run = path.size() > 2 && path[1] == "runs";
  if (path.size() == 3 && instance) return &WebApi::Instance;
  if (path.size() == 3 && run) return &WebApi::Run;
  if (path.size() == 4 && (instance || run) && path[3] == "map") return &WebApi::Map;
  return nullptr;
}

WebApi::Handler WebApi::RouteOfChange(const std::vector<std::string>& path) {
  const bool runs = path.size() >= 2 && path[1] == "runs";
  if (runs && path.size() == 2) return &WebApi::StartRun;
  if (path.size() != 4 || (!runs && path[1] != "instances")) return nullptr;
  if (runs && path[3] == "repeat") return &WebApi::RepeatRun;
  if (runs && path[3] == "cancel") return &WebApi::CancelRun;
  if (runs && path[3] == "open") return &WebApi::OpenRun;
  if (!runs && path[3] == "seek") return &WebApi::SeekRun;
  if (!runs && path[3] == "explain") return &WebApi::ExplainRun;
  if (!runs && path[3] == "holes") return &WebApi::Holes;
  if (!runs && path[3] == "close") return &WebApi::CloseRun;
  return nullptr;
}

absl::StatusOr<std::string> WebApi::Answer(const HttpRequest& request) {
  const Handler handler = request.changes ? RouteOfChange(request.path) : Route(request.path);
  if (handler == nullptr) {
    return absl::NotFoundError(
        fmt::format("no address \"/{}\": expected {}", fmt::join(request.path, "/"),
                    request.changes ? "/api/runs[/ID/repeat|cancel|open] or /api/instances/NAME/seek|explain|holes|close"
                                    : "/api/server, /api/catalog, /api/workloads, "
                                      "/api/instances[/NAME[/map]] or /api/runs[/ID[/map]]"));
  }
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

absl::StatusOr<std::string> WebApi::Instance(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({}); !status.ok()) return status;
  const auto instance = subjects_.instances.Find(request.path[2]);
  if (!instance.ok()) return instance.status();
  const Snapshot snapshot = (*instance)->Sample();
  v1::InstanceDetail detail;
  *detail.mutable_instance() = ToProto(**instance);
  detail.mutable_instance()->set_operations(snapshot.operations);
  *detail.mutable_time() = ToProto(snapshot.time);
  *detail.mutable_statistics() = ToProto(snapshot);
  detail.mutable_statistics()->set_instance((*instance)->name());
  detail.mutable_statistics()->set_id((*instance)->id());
  if ((*instance)->opened_run()) *detail.mutable_moment() = MomentOf(**instance);
  return ToJson(detail);
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

absl::StatusOr<std::string> WebApi::Run(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({}); !status.ok()) return status;
  const auto id = RunNumber(request);
  if (!id.ok()) return id.status();
  const auto live = subjects_.runs.FindLive(*id);
  const auto run = subjects_.runs.Get(*id);
  if (!run.ok()) return run.status();
  v1::RunDetail detail;
  *detail.mutable_run() = ToProto(*run);
  *detail.mutable_time() = ToProto(absl::Now());
  if (const auto snapshot = live ? live->Sample() : std::nullopt) *detail.mutable_live() = ToProto(*snapshot);
  return ToJson(detail);
}

absl::StatusOr<LookAt> WebApi::MachineOf(const HttpRequest& request) const {
  if (request.path[1] == "instances") {
    auto instance = subjects_.instances.Find(request.path[2]);
    if (!instance.ok()) return instance.status();
    return [instance = *std::move(instance)](const Look& look, MonotonicTime deadline) {
      return instance->LookAt(look, deadline);
    };
  }
  const auto id = RunNumber(request);
  if (!id.ok()) return id.status();
  if (auto live = subjects_.runs.FindLive(*id)) {
    return [live](const Look& look, MonotonicTime deadline) { return live->LookAt(look, deadline); };
  }
  const auto run = subjects_.runs.Get(*id);
  return run.ok() ? errors::RunNotRunning(*id, RunStateName(run->state)) : run.status();
}

absl::StatusOr<std::string> WebApi::Map(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({"cells", "from", "to", "at"}); !status.ok()) return status;
  const auto cells = request.Number("cells", kMapCellsDefault, kMapCellsMin, kMapCellsMax);
  const auto from = request.Number("from", 0, 0, kAddressMax), to = request.Number("to", 0, 0, kAddressMax);
  const auto at = request.Number("at", 0, 0, kAddressMax);
  for (const auto* number : {&cells, &from, &to, &at}) {
    if (!number->ok()) return number->status();
  }
  if (*from != 0 ? *to <= *from : *to != 0) return errors::BadField("to", "expected an address above from, and both or none");
  const std::string question = fmt::format("{}/{} {} {} {} {}", request.path[1], request.path[2], *cells, *from, *to, *at);
  if (auto answer = maps_.Find(question)) return *std::move(answer);
  const auto machine = MachineOf(request);
  MapRequest wanted;
  wanted.cells = static_cast<std::uint32_t>(*cells);
  wanted.from = static_cast<std::uint32_t>(*from);
  wanted.to = static_cast<std::uint32_t>(*to);
  wanted.at = static_cast<std::uint32_t>(*at);
  const auto map = GoneIfEnded(machine.ok() ? view_.Map(*machine, wanted) : machine.status());
  if (!map.ok()) return map.status();
  auto answer = ToJson(*map);
  if (answer.ok()) maps_.Put(question, *answer);
  return answer;
}

}  // namespace alloclab::server

// Instances and runs at work: figures, maps, and streams of both.
#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "allocators/workload/block_ages.h"
#include "server/converters/instance_converter.h"
#include "server/converters/run_converter.h"
#include "server/converters/statistics_converter.h"
#include "server/converters/time_converter.h"
#include "server/converters/time_travel_converter.h"
#include "server/entities/memory_lease.h"
#include "server/errors.h"
#include "server/http/json.h"
#include "server/web/web_api.h"

namespace alloclab::server {
namespace {

constexpr std::uint64_t kAddressMax = UINT32_MAX;

// A browser that follows a run asks once more after its end: that is no error.
absl::StatusOr<v1::MemoryMap> GoneIfEnded(absl::StatusOr<v1::MemoryMap> map) {
  if (map.ok() || !absl::IsFailedPrecondition(map.status())) return map;
  v1::MemoryMap gone;
  gone.set_gone(true);
  return gone;
}

// Which part of the memory a request asks for.
absl::StatusOr<MapRequest> MapRequestOf(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({"cells", "from", "to", "at"}); !status.ok()) return status;
  const auto cells = request.Number("cells", kMapCellsDefault, kMapCellsMin, kMapCellsMax);
  const auto from = request.Number("from", 0, 0, kAddressMax), to = request.Number("to", 0, 0, kAddressMax);
  const auto at = request.Number("at", 0, 0, kAddressMax);
  for (const auto* number : {&cells, &from, &to, &at}) {
    if (!number->ok()) return number->status();
  }
  if (*from != 0 ? *to <= *from : *to != 0) return errors::BadField("to", "expected an address above from, and both or none");
  MapRequest wanted;
  wanted.cells = static_cast<std::uint32_t>(*cells);
  wanted.from = static_cast<std::uint32_t>(*from);
  wanted.to = static_cast<std::uint32_t>(*to);
  wanted.at = static_cast<std::uint32_t>(*at);
  return wanted;
}

std::string QuestionOf(const HttpRequest& request, const MapRequest& wanted) {
  return fmt::format("{}/{} {} {} {} {}", request.path[1], request.path[2], wanted.cells, wanted.from, wanted.to, wanted.at);
}

// With the figures of now, which nothing has kept yet, as its last column.
v1::InstanceHistory HistoryToProto(const std::vector<HistoryPoint>& points) {
  v1::InstanceHistory proto;
  for (const HistoryPoint& point : points) {
    proto.add_unix_ms(static_cast<std::uint64_t>(absl::ToUnixMillis(point.time)));
    proto.add_operations(point.operations);
    proto.add_live_bytes(point.live_bytes);
    proto.add_arena_bytes(point.arena_bytes);
    proto.add_free_bytes(point.free_bytes);
    proto.add_largest_free_bytes(point.largest_free_bytes);
  }
  return proto;
}

}  // namespace

absl::StatusOr<v1::InstanceDetail> WebApi::DetailOfInstance(const HttpRequest& request) const {
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
  if ((*instance)->opened_run()) {
    *detail.mutable_moment() = MomentOf(**instance);
  } else {
    *detail.mutable_history() = HistoryToProto((*instance)->History());
  }
  return detail;
}

absl::StatusOr<v1::RunDetail> WebApi::DetailOfRun(const HttpRequest& request) const {
  const auto id = RunNumber(request);
  if (!id.ok()) return id.status();
  const auto live = subjects_.runs.FindLive(*id);
  const auto run = subjects_.runs.Get(*id);
  if (!run.ok()) return run.status();
  v1::RunDetail detail;
  *detail.mutable_run() = ToProto(*run);
  *detail.mutable_time() = ToProto(absl::Now());
  if (const auto snapshot = live ? live->Sample() : std::nullopt) *detail.mutable_live() = ToProto(*snapshot);
  return detail;
}

absl::StatusOr<std::string> WebApi::Instance(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({}); !status.ok()) return status;
  const auto detail = DetailOfInstance(request);
  return detail.ok() ? ToJson(*detail) : detail.status();
}

absl::StatusOr<std::string> WebApi::Run(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({}); !status.ok()) return status;
  const auto detail = DetailOfRun(request);
  return detail.ok() ? ToJson(*detail) : detail.status();
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

absl::StatusOr<SharedMap> WebApi::MapOf(const HttpRequest& request, const MapRequest& wanted) {
  const std::string question = QuestionOf(request, wanted);
  if (auto answer = maps_.Find(question)) return *std::move(answer);
  const auto machine = MachineOf(request);
  auto map = GoneIfEnded(machine.ok() ? view_.Map(*machine, wanted) : machine.status());
  if (!map.ok()) return map.status();
  auto shared = std::make_shared<const v1::MemoryMap>(*std::move(map));
  maps_.Put(question, shared);
  return shared;
}

absl::StatusOr<std::string> WebApi::Map(const HttpRequest& request) {
  const auto wanted = MapRequestOf(request);
  if (!wanted.ok()) return wanted.status();
  const std::string question = QuestionOf(request, *wanted);
  if (auto answer = map_texts_.Find(question)) return *std::move(answer);
  const auto map = MapOf(request, *wanted);
  if (!map.ok()) return map.status();
  auto answer = ToJson(**map);
  if (answer.ok()) map_texts_.Put(question, *answer);
  return answer;
}

absl::StatusOr<std::string> WebApi::Ages(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({}); !status.ok()) return status;
  const auto opened = subjects_.opened_runs.Find(request.path[2]);
  if (!opened.ok()) return opened.status();
  const Trace& trace = *(*opened)->opened_run()->trace;
  MemoryLease lease(subjects_.traces.budget()->Of(request.caller));
  if (absl::Status status = lease.Take(BlockAgesHostNeed(trace)); !status.ok()) return status;
  v1::BlockAges ages;
  const Look look = [&](const Driver& driver) {
    ages.set_operation(driver.operations());
    *ages.mutable_blocks() = ToProto(LiveBlockAges(trace, driver));
  };
  if (absl::Status status = (*opened)->LookAt(look, MonotonicTime::Now() + kViewDeadline); !status.ok()) return status;
  return ToJson(ages);
}

bool WebApi::IsLive(const HttpRequest& request) {
  const auto& path = request.path;
  return !request.changes && path.size() == 4 && path[3] == "live" && (path[1] == "instances" || path[1] == "runs");
}

absl::StatusOr<std::shared_ptr<HttpStream>> WebApi::OpenLive(const HttpRequest& request,
                                                             std::function<absl::Status()> allowed) {
  const auto wanted = MapRequestOf(request);
  if (!wanted.ok()) return wanted.status();
  LiveSource source;
  source.allowed = std::move(allowed);
  source.map = [this, request](const MapRequest& part) { return MapOf(request, part); };
  source.figures = [this, request]() -> absl::StatusOr<v1::LiveFigures> {
    v1::LiveFigures figures;
    if (request.path[1] == "instances") {
      auto detail = DetailOfInstance(request);
      if (!detail.ok()) return detail.status();
      *figures.mutable_instance() = *std::move(detail);
    } else {
      auto detail = DetailOfRun(request);
      if (!detail.ok()) return detail.status();
      *figures.mutable_run() = *std::move(detail);
    }
    return figures;
  };
  if (const auto figures = source.figures(); !figures.ok()) return figures.status();  // as an answer, not as an event
  return streams_.Open(ClientOf(request), std::move(source), *wanted);
}

absl::StatusOr<std::string> WebApi::SteerLive(const HttpRequest& request) {
  const auto wanted = MapRequestOf(request);
  if (!wanted.ok()) return wanted.status();
  if (absl::Status status = streams_.LookAt(request.path[2], *wanted); !status.ok()) return status;
  return ToJson(v1::WebDone());
}

}  // namespace alloclab::server

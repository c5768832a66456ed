#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "allocators/common/printable.h"
#include "server/converters/instance_converter.h"
#include "server/converters/run_converter.h"
#include "server/converters/single_operation.h"
#include "server/converters/time_travel_converter.h"
#include "server/converters/workload_converter.h"
#include "server/entities/memory_lease.h"
#include "server/errors.h"
#include "server/http/json.h"
#include "server/log.h"
#include "server/web/web_api.h"

namespace alloclab::server {
namespace {

constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();  // the submission knows the limits

// "sqlite", or "sha256:" and the digest of a trace that is stored.
absl::StatusOr<v1::Workload> WorkloadOf(const HttpRequest& request) {
  const auto operations = request.Number("operations", 0, 0, kAny), seed = request.Number("seed", 0, 0, kAny);
  if (!operations.ok()) return operations.status();
  if (!seed.ok()) return seed.status();
  const std::string name = request.Text("workload");
  v1::Workload workload;
  if (absl::string_view digest = name; absl::ConsumePrefix(&digest, "sha256:")) {
    if (*operations != 0 || *seed != 0) return errors::BadField("operations", "a stored trace is replayed as it is");
    workload.set_trace_sha256(std::string(digest));
    return workload;
  }
  workload.mutable_builtin()->set_name(name);
  workload.mutable_builtin()->set_operations(*operations);
  workload.mutable_builtin()->set_seed(*seed);
  return workload;
}

absl::StatusOr<v1::InstanceConfig> ConfigOf(const HttpRequest& request) {
  const auto ram = request.Number("ram", 0, 0, kAny), unguarded = request.Number("unguarded", 0, 0, 1);
  if (!ram.ok()) return ram.status();
  if (!unguarded.ok()) return unguarded.status();
  v1::InstanceConfig config;
  config.set_ram_bytes(*ram);
  config.set_heap_allocator(request.Text("heap"));
  config.set_page_allocator(request.Text("pages"));
  config.set_unguarded(*unguarded == 1);
  const std::vector<std::string> parameters = absl::StrSplit(request.Text("parameters"), ',', absl::SkipEmpty());
  for (const std::string& parameter : parameters) {
    const std::vector<std::string> words = absl::StrSplit(parameter, absl::MaxSplits('=', 1));
    if (words.size() != 2 || !config.mutable_parameters()->insert({words[0], words[1]}).second) {
      return errors::BadField("parameters", fmt::format("\"{}\": expected NAME=VALUE, each name once", Printable(parameter)));
    }
  }
  return config;
}

// A page that waits too long gives up: what is far is gone to in several requests.
Interrupt AfterAWhile() {
  return [end = MonotonicTime::Now() + kWebReplayTimeMax] { return MonotonicTime::Now() >= end; };
}

// The operation that an address names: /api/instances/NAME/realloc?address=0xc0400008&bytes=100. Every value must be there.
absl::StatusOr<SingleOperation> SingleOperationOf(const HttpRequest& request) {
  const std::string& name = request.path[3];
  const bool has_address = name.starts_with("free") || name == "realloc", has_bytes = name != "free";
  std::set<absl::string_view> known;
  if (has_address) known.insert("address");
  if (has_bytes) known.insert("bytes");
  if (name == "calloc") known.insert("count");
  if (absl::Status status = request.CheckParameters(known); !status.ok()) return status;
  std::map<absl::string_view, std::uint32_t> values;
  for (const absl::string_view value : known) {
    if (!request.query.contains(value)) return errors::BadField(std::string(value), fmt::format("{} needs it", name));
    const auto number = request.Number(value, 0, 0, std::numeric_limits<std::uint32_t>::max());
    if (!number.ok()) return number.status();
    values[value] = static_cast<std::uint32_t>(*number);
  }
  if (name == "malloc") return MallocOf(values["bytes"]);
  if (name == "calloc") return CallocOf(values["count"], values["bytes"]);
  if (name == "realloc") return ReallocOf(values["address"], values["bytes"]);
  if (name == "free") return FreeOf(values["address"]);
  if (name == "allocate-pages") return AllocatePagesOf(values["bytes"]);
  return FreePagesOf(values["address"], values["bytes"]);
}

// An upload under way: one of a bounded number, with the memory of its file.
struct UploadPlace {
  UploadPlace(OpenCalls& all, std::shared_ptr<HostBudget> budget) : uploads(all), lease(std::move(budget)) {}
  ~UploadPlace() { uploads.Leave(this); }
  UploadPlace(const UploadPlace&) = delete;
  UploadPlace& operator=(const UploadPlace&) = delete;

  OpenCalls& uploads;
  MemoryLease lease;
};

absl::StatusOr<std::uint64_t> OperationOf(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({"operation"}); !status.ok()) return status;
  return request.Number("operation", 0, 0, kWorkloadOperationsMax);
}

}  // namespace

absl::StatusOr<std::string> WebApi::Submit(v1::SubmitRunRequest request, const std::string& owner) {
  request.set_owner(owner);
  absl::StatusOr<RunSubmission> wanted = FromProto(request);
  if (!wanted.ok()) return wanted.status();
  const absl::StatusOr<alloclab::server::Run> run = subjects_.runs.Submit(*std::move(wanted));
  if (!run.ok()) return run.status();
  return ToJson(ToProto(*run));
}

absl::StatusOr<std::string> WebApi::StartRun(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters(
          {"workload", "operations", "seed", "heap", "pages", "ram", "unguarded", "parameters", "label"});
      !status.ok()) {
    return status;
  }
  const auto workload = WorkloadOf(request);
  if (!workload.ok()) return workload.status();
  const auto config = ConfigOf(request);
  if (!config.ok()) return config.status();
  v1::SubmitRunRequest submit;
  *submit.mutable_workload() = *workload;
  *submit.mutable_config() = *config;
  submit.set_label(request.Text("label"));
  return Submit(std::move(submit), request.caller);
}

absl::StatusOr<std::string> WebApi::RepeatRun(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({"label"}); !status.ok()) return status;
  const auto id = RunNumber(request);
  if (!id.ok()) return id.status();
  const auto run = subjects_.runs.Get(*id);
  if (!run.ok()) return run.status();
  const v1::Run model = ToProto(*run);
  v1::SubmitRunRequest submit;
  *submit.mutable_workload() = model.workload();
  *submit.mutable_config() = model.config();
  submit.set_label(request.query.contains("label") ? request.Text("label") : model.label());
  return Submit(std::move(submit), request.caller);
}

absl::StatusOr<std::string> WebApi::CancelRun(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({}); !status.ok()) return status;
  const auto id = RunNumber(request);
  if (!id.ok()) return id.status();
  const auto run = subjects_.runs.Cancel(*id);
  return run.ok() ? ToJson(ToProto(*run)) : run.status();
}

absl::StatusOr<std::string> WebApi::UpdateRun(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({"label", "pinned"}); !status.ok()) return status;
  const auto id = RunNumber(request);
  if (!id.ok()) return id.status();
  const auto pinned = request.Number("pinned", 0, 0, 1);
  if (!pinned.ok()) return pinned.status();
  v1::UpdateRunRequest update;
  if (request.query.contains("label")) update.set_label(request.Text("label"));
  if (request.query.contains("pinned")) update.set_pinned(*pinned == 1);
  const absl::StatusOr<RunChange> change = FromProto(update);
  if (!change.ok()) return change.status();
  const auto run = subjects_.runs.Update(*id, *change);
  return run.ok() ? ToJson(ToProto(*run)) : run.status();
}

absl::StatusOr<std::string> WebApi::DeleteRun(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({}); !status.ok()) return status;
  const auto id = RunNumber(request);
  if (!id.ok()) return id.status();
  if (absl::Status status = subjects_.runs.Delete(*id); !status.ok()) return status;
  return ToJson(v1::WebDone());
}

absl::StatusOr<std::string> WebApi::CreateInstance(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({"name", "heap", "pages", "ram", "unguarded", "parameters"});
      !status.ok()) {
    return status;
  }
  const auto config = ConfigOf(request);
  if (!config.ok()) return config.status();
  v1::CreateInstanceRequest create;
  create.set_name(request.Text("name"));
  *create.mutable_config() = *config;
  auto wanted = FromProto(create);
  if (!wanted.ok()) return wanted.status();
  wanted->owner = request.caller;
  const auto instance = subjects_.instances.Create(*wanted);
  return instance.ok() ? ToJson(ToProto(**instance)) : instance.status();
}

absl::StatusOr<std::string> WebApi::DeleteInstance(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({}); !status.ok()) return status;
  if (absl::Status status = subjects_.instances.Delete(request.path[2]); !status.ok()) return status;
  return ToJson(v1::WebDone());
}

absl::StatusOr<std::string> WebApi::Operate(const HttpRequest& request) {
  const auto operation = SingleOperationOf(request);
  if (!operation.ok()) return operation.status();
  const auto instance = subjects_.instances.Find(request.path[2]);
  if (!instance.ok()) return instance.status();
  const auto reply = ApplyTo(**instance, *operation, [this] { return stopping_.load(); });
  return reply.ok() ? ToJson(*reply) : reply.status();
}

absl::StatusOr<WebApi::TakeTrace> WebApi::StartUpload(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({"name"}); !status.ok()) return status;
  const std::string name = request.query.contains("name") ? request.Text("name") : "trace";
  if (name.empty() || name.size() > kFileNameMax) {
    return errors::BadField("name", fmt::format("expected 1 to {} letters", kFileNameMax));
  }
  if (request.body_bytes > kTraceUploadBytesMax) return errors::TraceUploadTooLarge(kTraceUploadBytesMax);
  const auto place = std::make_shared<UploadPlace>(uploads_, subjects_.traces.budget());
  if (absl::Status status = uploads_.Admit(place.get(), ClientOf(request), errors::TooManyUploads(uploads_.max()));
      !status.ok()) {
    return status;
  }
  if (absl::Status status = place->lease.Take(request.body_bytes); !status.ok()) return status;
  return [this, place, name, owner = request.caller](std::string body) -> absl::StatusOr<std::string> {
    const auto entry = subjects_.runs.AddTrace(
        std::move(body), name, [this] { return stopping_.load(); }, owner);
    if (!entry.ok()) return entry.status();
    const v1::TraceInfo info = ToProto(*entry, name);
    Log(LogLevel::kInfo, "trace.uploaded",
        {{"name", info.name()}, {"sha256", info.sha256()}, {"operations", info.operations()}});
    return ToJson(info);
  };
}

absl::StatusOr<std::string> WebApi::OpenRun(const HttpRequest& request) {
  const auto operation = OperationOf(request);
  if (!operation.ok()) return operation.status();
  const auto id = RunNumber(request);
  if (!id.ok()) return id.status();
  const auto opened = subjects_.opened_runs.Open(*id, 0, {}, request.caller);
  if (!opened.ok()) return opened.status();
  absl::Status status = (*opened)->Seek(*operation, AfterAWhile());
  if (!status.ok() && !absl::IsCancelled(status)) return status;
  return ToJson(MomentOf(**opened));
}

absl::StatusOr<std::string> WebApi::SeekRun(const HttpRequest& request) {
  const auto operation = OperationOf(request);
  if (!operation.ok()) return operation.status();
  const auto opened = subjects_.opened_runs.Find(request.path[2]);
  if (!opened.ok()) return opened.status();
  absl::Status status = (*opened)->Seek(*operation, AfterAWhile());
  if (!status.ok() && !absl::IsCancelled(status)) return status;
  return ToJson(MomentOf(**opened));
}

absl::StatusOr<std::string> WebApi::ExplainRun(const HttpRequest& request) {
  const auto operation = OperationOf(request);
  if (!operation.ok()) return operation.status();
  const auto opened = subjects_.opened_runs.Find(request.path[2]);
  if (!opened.ok()) return opened.status();
  const auto explanation = (*opened)->ExplainOperation(*operation, AfterAWhile());
  if (absl::IsCancelled(explanation.status())) return absl::DeadlineExceededError("not there yet; ask again");
  if (!explanation.ok()) return explanation.status();
  return ToJson(ToProto(*explanation, (*opened)->opened_run()->run));
}

absl::StatusOr<std::string> WebApi::Holes(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({}); !status.ok()) return status;
  const auto opened = subjects_.opened_runs.Find(request.path[2]);
  if (!opened.ok()) return opened.status();
  const OpenedRun& run = *(*opened)->opened_run();
  absl::Status status = (*opened)->SurveyHoles(run.trace->operations.size(), AfterAWhile());
  if (!status.ok() && !absl::IsCancelled(status)) return status;
  const auto report = (*opened)->ReportHoles();
  if (!report.ok()) return report.status();
  return ToJson(ToProto(*report, run.run));
}

absl::StatusOr<std::string> WebApi::Tenants(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({"address", "pages"}); !status.ok()) return status;
  const auto address = request.Number("address", 0, 0, std::numeric_limits<std::uint32_t>::max());
  if (!address.ok()) return address.status();
  const auto pages = request.Number("pages", 0, 0, 1);
  if (!pages.ok()) return pages.status();
  const auto opened = subjects_.opened_runs.Find(request.path[2]);
  if (!opened.ok()) return opened.status();
  const OpenedRun& run = *(*opened)->opened_run();
  v1::FindTenantsRequest asked;
  asked.set_address(static_cast<std::uint32_t>(*address));
  asked.set_pages(*pages == 1);
  const auto report = (*opened)->FindTenants(asked.address(), asked.pages(), run.trace->operations.size(), AfterAWhile());
  if (!report.ok()) return report.status();
  return ToJson(ToProto(*report, run, asked));
}

absl::StatusOr<std::string> WebApi::CloseRun(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({}); !status.ok()) return status;
  if (absl::Status status = subjects_.opened_runs.Close(request.path[2]); !status.ok()) return status;
  return ToJson(v1::CloseRunReply());
}

}  // namespace alloclab::server

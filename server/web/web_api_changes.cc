#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "allocators/common/printable.h"
#include "server/converters/run_converter.h"
#include "server/converters/time_travel_converter.h"
#include "server/errors.h"
#include "server/http/json.h"
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

absl::StatusOr<std::uint64_t> OperationOf(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({"operation"}); !status.ok()) return status;
  return request.Number("operation", 0, 0, kWorkloadOperationsMax);
}

}  // namespace

absl::StatusOr<std::string> WebApi::Submit(const v1::SubmitRunRequest& request) {
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
  return Submit(submit);
}

absl::StatusOr<std::string> WebApi::RepeatRun(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({}); !status.ok()) return status;
  const auto id = RunNumber(request);
  if (!id.ok()) return id.status();
  const auto run = subjects_.runs.Get(*id);
  if (!run.ok()) return run.status();
  const v1::Run model = ToProto(*run);
  v1::SubmitRunRequest submit;
  *submit.mutable_workload() = model.workload();
  *submit.mutable_config() = model.config();
  submit.set_label(model.label());
  return Submit(submit);
}

absl::StatusOr<std::string> WebApi::CancelRun(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({}); !status.ok()) return status;
  const auto id = RunNumber(request);
  if (!id.ok()) return id.status();
  const auto run = subjects_.runs.Cancel(*id);
  return run.ok() ? ToJson(ToProto(*run)) : run.status();
}

absl::StatusOr<std::string> WebApi::OpenRun(const HttpRequest& request) {
  const auto operation = OperationOf(request);
  if (!operation.ok()) return operation.status();
  const auto id = RunNumber(request);
  if (!id.ok()) return id.status();
  const auto opened = subjects_.opened_runs.Open(*id, 0);
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

absl::StatusOr<std::string> WebApi::CloseRun(const HttpRequest& request) {
  if (absl::Status status = request.CheckParameters({}); !status.ok()) return status;
  if (absl::Status status = subjects_.opened_runs.Close(request.path[2]); !status.ok()) return status;
  return ToJson(v1::CloseRunReply());
}

}  // namespace alloclab::server

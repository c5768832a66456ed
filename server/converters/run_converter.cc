#include "server/converters/run_converter.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "allocators/catalog/catalog.h"
#include "allocators/catalog/guests.h"
#include "allocators/common/cost_model.h"
#include "allocators/common/outcome.h"
#include "allocators/common/printable.h"
#include "allocators/common/suggestion.h"
#include "proto/converters/deterministic.h"
#include "server/converters/instance_converter.h"
#include "server/converters/list_converter.h"
#include "server/converters/statistics_converter.h"
#include "server/converters/time_converter.h"
#include "server/converters/workload_converter.h"
#include "server/entities/native_allocator.h"
#include "server/errors.h"
#include "server/limits.h"
#include "server/version.h"

namespace alloclab::server {
namespace {

absl::Status CheckText(std::string_view field, const std::string& text, std::size_t max) {
  if (text.size() > max) return errors::BadField(field, fmt::format("{} characters; at most {} are allowed", text.size(), max));
  if (IsPrintable(text)) return absl::OkStatus();
  return errors::BadField(field, fmt::format("\"{}\" has control characters; text of one line is expected", Printable(text)));
}

// They are shown in lists and tables.
absl::Status CheckNames(const WorkloadSpec& spec) {
  if (absl::Status status = CheckText("workload.spec.name", spec.name, kLabelMax); !status.ok()) return status;
  for (std::size_t i = 0; i < spec.phases.size(); ++i) {
    absl::Status status = CheckText(fmt::format("workload.spec.phases[{}].name", i), spec.phases[i].name, kLabelMax);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

v1::Checkpoint CheckpointToProto(const Checkpoint& checkpoint) {
  v1::Checkpoint proto;
  proto.set_after_operation(checkpoint.after_operation);
  proto.set_brk(checkpoint.heap.brk.raw());
  AddFigures(checkpoint.figures, *proto.mutable_figures());
  proto.set_metadata_sha256(checkpoint.metadata_sha256);
  if (checkpoint.heap.broken) return proto;
  proto.set_blocks(checkpoint.heap.blocks);
  proto.set_free_blocks(checkpoint.heap.free_blocks);
  proto.set_free_bytes(checkpoint.heap.free_bytes);
  proto.set_largest_free_bytes(checkpoint.heap.largest_free_bytes);
  return proto;
}

v1::Curve CurveToProto(const std::vector<CurvePoint>& points) {
  v1::Curve proto;
  for (const CurvePoint& point : points) {
    proto.add_operation(point.operation);
    proto.add_live_bytes(point.live_bytes);
    proto.add_live_blocks(point.live_blocks);
    proto.add_heap_bytes(point.heap_bytes);
    proto.add_free_bytes(point.free_bytes);
    proto.add_free_blocks(point.free_blocks);
    proto.add_largest_free_bytes(point.largest_free_bytes);
    proto.add_page_live_bytes(point.page_live_bytes);
    proto.add_failed_operations(point.failed_operations);
    proto.add_search_steps(point.search_steps);
    proto.add_cycles_386(point.cycles_386);
  }
  return proto;
}

// What was replayed, on what.
v1::Exact TraceToProto(const RunReport& report) {
  const RunResult& result = report.result;
  v1::Exact proto;
  proto.set_trace_sha256(result.trace_sha256);
  proto.set_trace_format(report.trace_format);
  for (const std::string& note : report.trace_notes) proto.add_trace_notes(note);
  proto.set_seed(report.seed);
  *proto.mutable_config() = ToProto(result.config);
  proto.set_operations(result.operations);
  return proto;
}

v1::Exact ExactToProto(const RunReport& report) {
  const RunResult& result = report.result;
  v1::Exact proto = TraceToProto(report);
  proto.set_cost_model(std::string(kCostModelName));
  *proto.mutable_counters() =
      CountersToProto(result.operations, result.counters, result.heap_counts, result.page_counts, result.vm_costs);
  for (const Checkpoint& checkpoint : result.checkpoints) *proto.add_checkpoints() = CheckpointToProto(checkpoint);
  if (!result.checkpoints.empty()) {
    *proto.mutable_heap() = ToProto(result.checkpoints.back().heap, result.checkpoints.back().figures);
  }
  *proto.mutable_pages() = ToProto(result.pages, result.page_figures);
  proto.set_violations(result.violations);
  proto.set_cycles_386(result.simulated_cycles_386);
  proto.set_cycles_486(result.simulated_cycles_486);
  if (!result.checkpoints.empty()) {
    *proto.mutable_cycles_386_per_operation() = DistributionToProto(result.record.cycles_386);
    *proto.mutable_cycles_486_per_operation() = DistributionToProto(result.record.cycles_486);
    *proto.mutable_search_steps_per_operation() = DistributionToProto(result.record.search_steps);
  }
  proto.set_peak_ram_bytes(PeakRamBytes(result));
  *proto.mutable_curve() = CurveToProto(result.curve);
  return proto;
}

v1::Measured MeasuredToProto(const RunReport& report) {
  v1::Measured measured;
  measured.set_replay_ns(report.result.wall_ns);
  measured.set_prepare_ns(report.prepare_ns);
  measured.set_server_version(std::string(Version()));
  measured.set_server_build(std::string(Build()));
  measured.set_host(HostName());
  return measured;
}

}  // namespace

absl::StatusOr<RunSubmission> FromProto(const v1::SubmitRunRequest& proto) {
  if (absl::Status status = CheckRequestId(proto.request_id()); !status.ok()) return status;
  if (absl::Status status = CheckText("label", proto.label(), kLabelMax); !status.ok()) return status;
  if (absl::Status status = CheckText("digest_at", proto.digest_at(), kDigestAtMax); !status.ok()) return status;
  if (absl::Status status = CheckText("owner", proto.owner(), kLabelMax); !status.ok()) return status;
  auto workload = FromProto(proto.workload());
  if (!workload.ok()) return workload.status();
  if (const auto* spec = std::get_if<WorkloadSpec>(&*workload)) {
    if (absl::Status status = CheckNames(*spec); !status.ok()) return status;
  }
  return RunSubmission{RunRequest{*std::move(workload), FromProto(proto.config()), proto.digest_at(), proto.label(),
                                  proto.owner(), proto.share_result()},
                       proto.request_id(), Fingerprint(proto.request_id(), proto)};
}

absl::StatusOr<RunChange> FromProto(const v1::UpdateRunRequest& proto) {
  if (!proto.has_label() && !proto.has_pinned())
    return errors::BadField("label", "neither it nor pinned is given; one is expected");
  if (absl::Status status = CheckText("label", proto.label(), kLabelMax); !status.ok()) return status;
  RunChange change;
  if (proto.has_label()) change.label = proto.label();
  if (proto.has_pinned()) change.pinned = proto.pinned();
  return change;
}

v1::SubmitRunRequest ToProto(const RunRequest& request) {
  v1::SubmitRunRequest proto;
  *proto.mutable_workload() = ToProto(request.workload);
  *proto.mutable_config() = ToProto(request.config);
  proto.mutable_config()->set_heap_allocator(request.config.heap_allocator);  // with all digits of a program's digest
  proto.mutable_config()->set_page_allocator(request.config.page_allocator);
  proto.set_digest_at(request.digest_at);
  proto.set_label(request.label);
  proto.set_owner(request.owner);
  proto.set_share_result(request.share_result);
  return proto;
}

v1::Run ToProto(const Run& run) {
  v1::Run proto;
  proto.set_id(run.id);
  proto.set_state(static_cast<v1::Run::State>(run.state));
  proto.set_label(run.request.label);
  proto.set_owner(run.request.owner);
  proto.set_pinned(run.pinned);
  *proto.mutable_workload() = ToProto(run.request.workload);
  *proto.mutable_config() = ToProto(run.request.config);
  proto.set_digest_at(run.request.digest_at);
  *proto.mutable_submit_time() = ToProto(run.submit_time);
  if (Ended(run.state)) *proto.mutable_end_time() = ToProto(run.end_time);
  proto.set_operations_done(run.operations_done);
  proto.set_operations_total(run.operations_total);
  proto.set_error(run.error);
  proto.set_differs_from(run.differs_from);
  if (run.result) *proto.mutable_result() = *run.result;
  return proto;
}

v1::RunSummary Summarize(const v1::RunResult& result) {
  const v1::Exact& exact = result.exact();
  v1::RunSummary summary;
  for (const v1::OutcomeCount& outcome : exact.counters().outcomes()) {
    const bool good = outcome.outcome() == OutcomeName(Outcome::kOk) || outcome.outcome() == OutcomeName(Outcome::kZeroSize);
    if (!good) summary.set_failed_operations(summary.failed_operations() + outcome.count());
  }
  summary.set_failed_operations(summary.failed_operations() + result.measured().native().refused_operations());
  summary.set_heap_peak_bytes(exact.counters().heap_size_peak_bytes());
  summary.set_live_peak_bytes(exact.counters().live_requested_peak_bytes());
  summary.set_page_peak_bytes(exact.counters().page_live_peak_bytes());
  summary.set_cycles_386(exact.cycles_386());
  summary.set_replay_ns(result.measured().replay_ns());
  summary.set_violations(exact.violations());
  return summary;
}

v1::Run ToListed(const Run& run) {
  v1::Run proto = ToProto(run);
  proto.clear_result();
  if (proto.workload().has_spec()) proto.mutable_workload()->mutable_spec()->clear_phases();
  if (run.result) {
    *proto.mutable_summary() = Summarize(*run.result);
  } else if (run.summary) {
    *proto.mutable_summary() = *run.summary;
  }
  return proto;
}

v1::ListRunsResponse ToProto(const RunList& list, std::size_t size) {
  v1::ListRunsResponse page;
  PageBounds bounds(size);
  for (const Run& run : list.runs) {
    v1::Run listed = ToListed(run);
    if (!bounds.Admit(listed.ByteSizeLong())) {
      page.set_next_page_token(std::to_string(page.runs().rbegin()->id()));
      break;
    }
    *page.add_runs() = std::move(listed);
  }
  const std::uint64_t last = page.next_page_token().empty() ? 0 : page.runs().rbegin()->id();
  for (const std::uint64_t id : list.damaged) {
    if (id > last) page.add_damaged(id);
  }
  return page;
}

absl::StatusOr<RunFilter> FilterFromProto(const v1::ListRunsRequest& proto) {
  RunFilter filter{.workload = proto.workload(),
                   .states = {},
                   .label = proto.label(),
                   .allocator = proto.allocator(),
                   .owner = proto.owner()};
  for (const int state : proto.states()) {
    if (state < v1::Run::QUEUED || state > v1::Run::INTERRUPTED) {
      return errors::BadField("states", fmt::format("{}; expected a state of a run, from {} to {}", state,
                                                    static_cast<int>(v1::Run::QUEUED), static_cast<int>(v1::Run::INTERRUPTED)));
    }
    filter.states.push_back(static_cast<RunState>(state));
  }
  std::vector<std::string_view> names;
  for (const PageAllocatorInfo& allocator : PageAllocators()) names.push_back(allocator.name);
  for (const HeapAllocatorInfo& allocator : HeapAllocators()) names.push_back(allocator.name);
  // The operator may have named other real ones when they ran, and programs may have been deleted since.
  const bool not_listed = filter.allocator.starts_with(kNativePrefix) || IsGuest(filter.allocator);
  if (!filter.allocator.empty() && !not_listed && std::find(names.begin(), names.end(), filter.allocator) == names.end()) {
    return errors::BadField("allocator", UnknownName("allocator", filter.allocator, names));
  }
  return filter;
}

v1::RunResult ToProto(const RunReport& report) {
  v1::RunResult proto;
  *proto.mutable_exact() = ExactToProto(report);
  *proto.mutable_measured() = MeasuredToProto(report);
  return proto;
}

v1::RunResult ToProto(const RunReport& report, v1::NativeResult native) {
  v1::RunResult proto;
  *proto.mutable_exact() = TraceToProto(report);
  *proto.mutable_measured() = MeasuredToProto(report);
  proto.mutable_measured()->set_replay_ns(
      static_cast<std::uint64_t>(native.ns_mean() * static_cast<double>(native.operations())));
  *proto.mutable_measured()->mutable_native() = std::move(native);
  return proto;
}

}  // namespace alloclab::server

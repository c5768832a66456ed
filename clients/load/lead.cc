#include "clients/load/lead.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "allocators/common/printable.h"
#include "allocators/workload/alloctrace_writer.h"
#include "clients/common/token.h"
#include "clients/load/load_progress.h"
#include "clients/load/load_report.h"
#include "clients/load/share.h"

namespace alloclab::load {
namespace {

constexpr Nanos kLookForInterrupt = std::chrono::milliseconds(100);
constexpr int kQuickly = 3;  // zstd's level

Trace TraceOf(const Script& script) {
  return {.operations = script.operations,
          .heap_handles = script.heap_handles,
          .page_handles = script.page_handles,
          .format = "generated",
          .notes = {}};
}

// Where others find what listens at that address: at the name of this host, if it is any address of it.
std::string SeenFromOutside(const std::string& address) {
  if (!address.starts_with("[::]:") && !address.starts_with("0.0.0.0:")) return address;
  const std::string name = GeneratorName();
  return name.substr(0, name.find('/')) + address.substr(address.rfind(':'));
}

v1::LoadGenerator& AddGenerator(const std::string& name, const std::string& server, v1::LoadReport& report) {
  const Share share{.number = static_cast<std::uint32_t>(report.generators_size()), .generators = report.config().generators()};
  v1::LoadGenerator& generator = *report.add_generators();
  generator.set_name(name);
  generator.set_server(server);
  generator.set_connections(ConnectionsOf(report.config(), share));
  return generator;
}

// What went wrong with a joined generator, as a sentence; "" if nothing did.
std::string TroubleOf(const JoinedPart& part) {
  if (!part.lost.empty()) {
    return fmt::format("generator {} was lost ({}); what it did is not in the report, and its instances may stay at {}",
                       part.name, Printable(part.lost), part.server);
  }
  if (part.message.has_error()) return fmt::format("generator {}: {}", part.name, Printable(part.message.error().message()));
  return part.message.interrupted() ? fmt::format("generator {} was interrupted", part.name) : "";
}

void AddPart(const JoinedPart& part, LoadRun::Result& result) {
  v1::LoadReport& report = result.report;
  v1::LoadGenerator& generator = AddGenerator(part.name, part.server, report);
  generator.set_operations(part.measured.Answered());
  generator.set_start_skew_seconds(Seconds(part.skew));
  generator.set_skew_error_seconds(Seconds(part.error));
  generator.set_lost(!part.lost.empty());
  result.measured += part.measured;
  result.elapsed = std::max(result.elapsed, Nanos(static_cast<Nanos::rep>(part.message.elapsed_ns())));
  report.set_passes(report.passes() + part.message.passes());
  report.set_warmup_operations(report.warmup_operations() + part.message.warmup_operations());
  report.mutable_instances()->MergeFrom(part.message.instances());
  const std::string trouble = TroubleOf(part);
  if (trouble.empty()) return;
  const absl::Status error = absl::AbortedError(trouble + ": the load was not what was asked for");
  AddError(error, report);
  if (result.error.ok()) result.error = error;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Leader>> StartLeader(const client::Session& session, const LeaderPort& port,
                                                    const v1::LoadConfig& config, const std::string& run_id, bool keep,
                                                    const Script& script) {
  absl::StatusOr<std::string> trace = WriteAllocTrace(TraceOf(script), {}, kQuickly);
  if (!trace.ok()) return trace.status();
  if (trace->size() > kSharedTraceBytesMax) {
    return absl::ResourceExhaustedError(
        fmt::format("the workload takes {} bytes as a trace; expected at most {} of one that "
                    "generators share",
                    trace->size(), kSharedTraceBytesMax));
  }
  v1::LoadPlan plan;
  *plan.mutable_config() = config;
  plan.set_run_id(run_id);
  plan.set_keep(keep);
  plan.set_workload_name(script.name);
  plan.set_trace_sha256(script.trace_sha256);
  plan.set_trace_bytes(trace->size());
  absl::StatusOr<std::string> token = client::ReadToken(client::TokenOfProcess());
  if (!token.ok()) return token.status();
  LeaderPort guarded = port;
  guarded.token = *std::move(token);
  auto leader =
      Leader::Listen(guarded, std::move(plan), *std::move(trace), [&session](std::string_view line) { session.Note(line); });
  if (leader.ok()) {
    session.Note(fmt::format("Waiting for {} more: alloclab load --join {}", (*leader)->wanted(),
                             SeenFromOutside((*leader)->address())));
  }
  return leader;
}

absl::StatusOr<Nanos> Gather(Leader& leader, Nanos longest, const std::function<bool()>& interrupted) {
  const Nanos deadline = Now() + longest;
  while (true) {
    const std::uint32_t ready = leader.AwaitReady(kLookForInterrupt);
    if (interrupted()) return absl::CancelledError("interrupted before the load began");
    if (ready == leader.wanted()) return leader.Begin();
    if (Now() >= deadline) {
      return absl::DeadlineExceededError(
          fmt::format("{} of {} generators were ready to join within {:.0f} s; expected all (--join-timeout says how long to "
                      "wait for them)",
                      ready, leader.wanted(), Seconds(longest)));
    }
  }
}

void AwaitEnd(const client::Session& session, const std::function<bool()>& interrupted, LoadRun& run, Leader* leader) {
  LoadProgress progress(stderr, session.options().quiet);
  for (bool ended = false, all_ended = false; !all_ended;) {
    ended = ended || run.WaitFor(kLookForInterrupt);
    all_ended = ended && (leader == nullptr || leader->AwaitParts(kLookForInterrupt));
    if (interrupted() || run.failed() || (leader != nullptr && leader->Failed())) {
      run.Drain();
      if (leader != nullptr) leader->Stop();
    }
    LoadSnapshot now = run.Read();
    if (leader != nullptr) now += leader->Read();
    progress.Update(now, run.elapsed());
  }
}

void MergeParts(const std::vector<JoinedPart>& parts, Nanos start, LoadRun::Result& result) {
  v1::LoadReport& report = result.report;
  v1::LoadGenerator& own = AddGenerator(GeneratorName(), report.config().server(), report);
  own.set_operations(result.measured.Answered());
  own.set_start_skew_seconds(Seconds(result.began - start));
  for (const JoinedPart& part : parts) AddPart(part, result);
  report.clear_outcomes();
  report.clear_schedule();
  report.clear_response();
  report.clear_service();
  report.clear_server();
  FillReport(result.measured, result.elapsed, report);
}

}  // namespace alloclab::load

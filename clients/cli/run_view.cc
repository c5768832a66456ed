#include "clients/cli/run_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "clients/cli/counters_view.h"
#include "clients/cli/course_view.h"
#include "clients/cli/instance_config.h"
#include "clients/cli/native_view.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

constexpr double k386Hz = 33e6, k486Hz = 66e6;

Section WorkloadSection(const v1::Run& run) {
  Section section = Facts("workload");
  AddFact(section, "workload", TextCell(WorkloadName(run.workload())));
  if (!run.label().empty()) AddFact(section, "label", TextCell(run.label()));
  AddFact(section, "state", TextCell(StateName(run.state()), ToneOf(run.state())));
  if (!run.error().empty()) AddFact(section, "error", TextCell(run.error(), Tone::kBad));
  Cell done = CountCell(run.operations_done());
  if (run.operations_done() < run.operations_total()) done.text += " of " + Count(run.operations_total());
  AddFact(section, "operations done", std::move(done));
  return section;
}

Section TimeSection(const v1::RunResult& result) {
  const v1::Measured& measured = result.measured();
  const v1::Exact& exact = result.exact();
  const absl::Duration replay = absl::Nanoseconds(measured.replay_ns());
  const auto operations = static_cast<double>(exact.operations());
  Section section = Facts("time");
  AddFact(section, "replay", DurationCell(replay));
  if (exact.operations() > 0 && measured.replay_ns() > 0) {
    const double rate = operations / absl::ToDoubleSeconds(replay);
    AddFact(section, "per operation", DurationCell(replay / operations));
    AddFact(section, "rate", {.text = Rate(rate) + " ops/s", .raw = fmt::format("{:.0f}", rate), .unit = "operations/s"});
  }
  AddFact(section, "preparing the workload", DurationCell(absl::Nanoseconds(measured.prepare_ns())));
  const auto simulated = [&](const char* cpu, std::uint64_t cycles, double hz) {
    const std::string time = Duration(absl::Seconds(static_cast<double>(cycles) / hz));
    AddFact(section, fmt::format("cycles ({})", cpu),
            {.text = fmt::format("{} = {}", Count(cycles), time), .raw = std::to_string(cycles)});
  };
  simulated("386DX-33", exact.cycles_386(), k386Hz);
  simulated("486DX2-66", exact.cycles_486(), k486Hz);
  return section;
}

Section CheckpointSection(const v1::Exact& exact, const FigureUnits& units) {
  Section section;
  section.title = "digests of the heap's metadata";
  section.columns = {{"after", true}, {"break"}, {"blocks", true}, {"free", true}, {"free bytes", true}};
  if (!exact.checkpoints().empty()) {
    for (const v1::Figure& figure : exact.checkpoints(0).figures()) section.columns.push_back({PlainName(figure.name())});
  }
  section.columns.push_back({"sha256"});
  for (const v1::Checkpoint& point : exact.checkpoints()) {
    std::vector<Cell> row = {CountCell(point.after_operation()), AddressCell(point.brk()), CountCell(point.blocks()),
                             CountCell(point.free_blocks()), CountCell(point.free_bytes())};
    for (const v1::Figure& figure : point.figures()) row.push_back(FigureCell(figure.value(), units.Of(figure.name())));
    row.push_back(DigestCell(point.metadata_sha256()));
    section.rows.push_back(std::move(row));
  }
  return section;
}

Section ProvenanceSection(const v1::Run& run) {
  const v1::Exact& exact = run.result().exact();
  const v1::Measured& measured = run.result().measured();
  Section section = Facts("provenance");
  AddFact(section, "run", TextCell(std::to_string(run.id())));
  AddFact(section, "submitted", TimeCell(run.submit_time()));
  if (!run.owner().empty()) AddFact(section, "owner", TextCell(run.owner()));
  if (measured.of_run() != 0) {
    AddFact(section, "result of", TextCell(fmt::format("run {}, the same; nothing was replayed", measured.of_run())));
  }
  if (run.pinned()) AddFact(section, "pinned", TextCell("yes: no retention deletes it"));
  AddFact(section, "trace sha256", DigestCell(exact.trace_sha256()));
  AddFact(section, "trace format", TextCell(exact.trace_format()));
  for (const std::string& note : exact.trace_notes()) AddFact(section, "trace note", TextCell(note));
  if (exact.seed() != 0) AddFact(section, "seed", TextCell(std::to_string(exact.seed())));
  AddConfigFacts(section, exact.config());
  if (!exact.cost_model().empty()) AddFact(section, "cost model", TextCell(exact.cost_model()));
  AddFact(section, "server",
          TextCell(fmt::format("{} ({}) on {}", measured.server_version(), measured.server_build(), measured.host())));
  return section;
}

// Operations that ended in this outcome.
std::uint64_t CountOf(const v1::Exact& exact, std::string_view name) {
  std::uint64_t count = 0;
  for (const v1::OutcomeCount& outcome : exact.counters().outcomes()) {
    if (outcome.outcome() == name) count += outcome.count();
  }
  return count;
}

std::string Heading(const v1::Run& run) {
  std::string heading = fmt::format("run {}: {}, {}", run.id(), WorkloadName(run.workload()), StateName(run.state()));
  const v1::Exact& exact = run.result().exact();
  if (const std::uint64_t unsupported = CountOf(exact, "unsupported"); unsupported > 0) {
    heading += fmt::format(", but {} of {} operations were unsupported", Count(unsupported), Count(exact.operations()));
  }
  return heading;
}

// Closing lines about what deserves attention.
std::vector<std::string> Remarks(const v1::Run& run) {
  std::vector<std::string> remarks;
  const v1::Exact& exact = run.result().exact();
  if (run.state() == v1::Run::CANCELLED) {
    remarks.push_back(fmt::format("Cancelled after {} of {} operations: the figures are of what was done until then.",
                                  Count(run.operations_done()), Count(run.operations_total())));
  }
  if (run.differs_from() != 0) {
    remarks.push_back(fmt::format("Run {} was the same and came to something else, which must not be: alloclab runs diff {} {}",
                                  run.differs_from(), run.differs_from(), run.id()));
  }
  const std::uint64_t out_of_memory = CountOf(exact, "out_of_memory") + CountOf(exact, "heap_limit");
  if (CountOf(exact, "unsupported") > 0) {
    remarks.push_back(fmt::format("Unsupported operations did nothing: this machine has {}.",
                                  exact.config().heap_allocator() == "none" ? "no heap" : "no allocator that knows them"));
  }
  if (out_of_memory > 0) {
    remarks.push_back(
        fmt::format("{} found no memory left in this machine of {}; a larger --ram (or heap.limit_bytes) may hold them.",
                    Count(out_of_memory, "operation"), Bytes(exact.config().ram_bytes())));
  }
  if (exact.violations() > 0) {
    remarks.push_back(
        fmt::format("{} at the end: the metadata in RAM is damaged.", Count(exact.violations(), "broken invariant")));
  }
  return remarks;
}

std::string ShellQuoted(const std::string& text) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=./:,%@";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

Tone ToneOf(v1::Run::State state) {
  switch (state) {
    case v1::Run::SUCCEEDED:
      return Tone::kGood;
    case v1::Run::FAILED:
      return Tone::kBad;
    case v1::Run::CANCELLED:
    case v1::Run::INTERRUPTED:
      return Tone::kWarning;
    default:
      return Tone::kPlain;
  }
}

std::string StateName(v1::Run::State state) { return absl::AsciiStrToLower(v1::Run::State_Name(state)); }

bool HasEnded(const v1::Run& run) { return run.state() != v1::Run::QUEUED && run.state() != v1::Run::RUNNING; }

std::string WorkloadName(const v1::Workload& workload) {
  switch (workload.source_case()) {
    case v1::Workload::kBuiltin:
      return workload.builtin().name();
    case v1::Workload::kSpec:
      return "specification " + workload.spec().name();
    case v1::Workload::kTraceSha256:
      return "trace " + workload.trace_sha256().substr(0, 12);
    case v1::Workload::SOURCE_NOT_SET:
      break;
  }
  return "";
}

Document RunDocument(const v1::Run& run, int width, const FigureUnits& units) {
  Document document;
  document.heading = Heading(run);
  document.sections.push_back(WorkloadSection(run));
  document.footer = Remarks(run);
  if (!run.has_result()) return document;
  const v1::Exact& exact = run.result().exact();
  if (run.result().measured().has_native()) {
    const v1::NativeResult& native = run.result().measured().native();
    for (Section& section : NativeSections(native)) document.sections.push_back(std::move(section));
    for (std::string& remark : NativeRemarks(native)) document.footer.push_back(std::move(remark));
    document.sections.push_back(ProvenanceSection(run));
    return document;
  }
  for (Section& section : CounterSections({.counters = exact.counters(),
                          .heap = exact.has_heap() ? &exact.heap() : nullptr,
                          .pages = exact.has_pages() ? &exact.pages() : nullptr,
                          .width = width,
                          .units = units})) {
    document.sections.push_back(std::move(section));
  }
  for (Section& section : std::vector{OperationCostSection(exact), CourseSection(exact, width)}) {
    if (!section.rows.empty()) document.sections.push_back(std::move(section));
  }
  document.sections.push_back(TimeSection(run.result()));
  document.sections.push_back(ProvenanceSection(run));
  if (!exact.checkpoints().empty()) document.sections.push_back(CheckpointSection(exact, units));
  return document;
}

std::string ReproducingCommand(const v1::Run& run, const std::string& workload, const v1::Catalog& catalog) {
  std::string command = "alloclab submit ";
  std::vector<std::string> arguments;
  const v1::Workload& source = run.workload();
  if (!workload.empty()) {
    arguments.push_back(workload);
  } else if (source.has_builtin()) {
    arguments.push_back(source.builtin().name());
  } else if (source.has_spec()) {
    command = fmt::format("alloclab runs show {} --workload | alloclab submit ", run.id());
    arguments.push_back("-");
  } else {
    arguments.push_back("sha256:" + source.trace_sha256());
  }
  if (source.has_builtin() && source.builtin().operations() > 0) {
    arguments.insert(arguments.end(), {"--operations", std::to_string(source.builtin().operations())});
  }
  const std::uint64_t seed = run.result().exact().seed();
  if (seed != 0 && !source.has_trace_sha256()) arguments.insert(arguments.end(), {"--seed", std::to_string(seed)});
  const v1::InstanceConfig& config = run.result().has_exact() ? run.result().exact().config() : run.config();
  for (std::string& argument : InstanceConfigArguments(config, catalog)) arguments.push_back(std::move(argument));
  if (!run.digest_at().empty()) arguments.insert(arguments.end(), {"--digest-at", run.digest_at()});
  for (std::string& argument : arguments) argument = ShellQuoted(argument);
  return fmt::format("{}{}", command, fmt::join(arguments, " "));
}

}  // namespace alloclab::client

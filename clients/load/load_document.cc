#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "clients/common/units.h"
#include "clients/load/load_report.h"

namespace alloclab::load {
namespace {

using client::AddFact;
using client::Cell;
using client::CountCell;
using client::Section;
using client::TextCell;
using client::Tone;

std::uint64_t Dropped(const v1::LoadReport& report) {
  const v1::LoadSchedule& schedule = report.schedule();
  return schedule.dropped_overrun() + schedule.dropped_inflight_limit() + schedule.dropped_aborted();
}

double Share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

Cell TimeCell(double seconds) { return {.text = client::Nanoseconds(seconds * 1e9), .raw = fmt::format("{:.9f}", seconds)}; }

Cell RateCell(double per_second) {
  return {.text = fmt::format("{} ops/s", client::Rate(per_second)), .raw = fmt::format("{:.1f}", per_second)};
}

// A count of something that should not happen.
Cell BadCountCell(std::uint64_t count, std::uint64_t of) {
  if (count == 0) return CountCell(0);
  return {.text = fmt::format("{} ({})", client::Count(count), client::Percent(Share(count, of))),
          .raw = fmt::format("{}", count),
          .tone = Tone::kBad};
}

std::string Mode(const v1::LoadConfig& config) {
  if (config.rate() == 0) return "closed loop";
  return fmt::format("open loop, {} ops/s, {} arrivals{}", client::Rate(config.rate()),
                     config.arrival() == v1::LoadConfig::POISSON ? "Poisson" : "constant",
                     config.catch_up() ? ", catching up" : "");
}

Section Work(const v1::LoadReport& report) {
  const v1::LoadConfig& config = report.config();
  Section section = client::Facts("load");
  AddFact(section, "workload", TextCell(report.workload_name(), Tone::kBold));
  AddFact(section, "trace sha256", TextCell(report.trace_sha256()));
  AddFact(section, "server", TextCell(fmt::format("{} (alloclabd {})", config.server(), report.server_version())));
  AddFact(section, "mode", TextCell(Mode(config)));
  AddFact(section, "connections", CountCell(config.connections()));
  AddFact(section, "batch, window", TextCell(fmt::format("{} operations, {} batches", config.batch(), config.window())));
  AddFact(section, "passes", CountCell(report.passes()));
  AddFact(section, "time", TimeCell(report.elapsed_seconds()));
  if (report.warmup_operations() > 0) AddFact(section, "warm-up operations", CountCell(report.warmup_operations()));
  if (report.between_passes_seconds() > 0) AddFact(section, "between passes", TimeCell(report.between_passes_seconds()));
  AddFact(section, "operations", CountCell(report.operations()));
  AddFact(section, "rate", RateCell(report.operations_per_second()));
  AddFact(section, "failed", BadCountCell(report.failed_operations(), report.operations()));
  AddFact(section, "lost", BadCountCell(report.lost_operations(), report.operations() + report.lost_operations()));
  return section;
}

Section Schedule(const v1::LoadReport& report) {
  const v1::LoadSchedule& schedule = report.schedule();
  Section section = client::Facts("schedule");
  AddFact(section, "scheduled", CountCell(schedule.scheduled()));
  AddFact(section, "dropped, window full", BadCountCell(schedule.dropped_inflight_limit(), schedule.scheduled()));
  AddFact(section, "dropped, overrun", BadCountCell(schedule.dropped_overrun(), schedule.scheduled()));
  AddFact(section, "dropped at the end", BadCountCell(schedule.dropped_aborted(), schedule.scheduled()));
  return section;
}

void AddLatency(const char* name, const v1::Latency& latency, Section& section) {
  section.rows.push_back({TextCell(name), CountCell(latency.count()), TimeCell(latency.mean_seconds()),
                          TimeCell(latency.p50_seconds()), TimeCell(latency.p90_seconds()), TimeCell(latency.p99_seconds()),
                          TimeCell(latency.p999_seconds()), TimeCell(latency.p9999_seconds()),
                          TimeCell(latency.max_seconds())});
}

Section Latencies(const v1::LoadReport& report) {
  Section section{.title = "latency of a batch", .columns = {{"from"}}, .rows = {}, .picture = {}};
  for (const char* name : {"batches", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max"})
    section.columns.push_back({name, true});
  if (report.config().rate() > 0) {
    AddLatency("intended start", report.response(), section);
    AddLatency("send", report.service(), section);
    AddLatency("lag: intended start to send", report.schedule().lag(), section);
  } else {
    AddLatency("send", report.service(), section);
  }
  return section;
}

Section Outcomes(const v1::LoadReport& report) {
  Section section{.title = "outcomes",
                  .columns = {{"operation"}, {"outcome"}, {"count", true}, {"share", true}},
                  .rows = {},
                  .picture = {}};
  const std::uint64_t all = report.operations() + report.lost_operations();
  for (const v1::OutcomeCount& outcome : report.outcomes()) {
    const bool good = outcome.outcome() == "ok" || outcome.outcome() == "zero_size";
    section.rows.push_back({TextCell(outcome.operation()), TextCell(outcome.outcome(), good ? Tone::kPlain : Tone::kBad),
                            CountCell(outcome.count()), client::RatioCell(Share(outcome.count(), all))});
  }
  return section;
}

Section Instances(const v1::LoadReport& report) {
  Section section{.title = "instances at the end",
                  .columns = {{"name"},
                              {"operations", true},
                              {"live blocks", true},
                              {"live bytes", true},
                              {"heap bytes", true},
                              {"free bytes", true},
                              {"largest free", true}},
                  .rows = {},
                  .picture = {}};
  for (const v1::LoadInstance& instance : report.instances()) {
    const v1::Statistics& statistics = instance.statistics();
    const v1::HeapShape& heap = statistics.heap();
    section.rows.push_back(
        {TextCell(instance.name()), CountCell(instance.operations()), CountCell(statistics.counters().live_blocks()),
         client::BytesCell(statistics.counters().live_requested_bytes() + statistics.counters().page_live_bytes()),
         client::BytesCell(heap.brk() - heap.start()), client::BytesCell(heap.free_bytes()),
         client::BytesCell(heap.largest_free_bytes())});
  }
  return section;
}

// The commonest reason, and what may help.
const char* WhyDropped(const v1::LoadSchedule& schedule) {
  const std::uint64_t most =
      std::max({schedule.dropped_inflight_limit(), schedule.dropped_overrun(), schedule.dropped_aborted()});
  if (most == schedule.dropped_inflight_limit()) {
    return "the window was full (the server is at its capacity; a larger --batch or --window may help)";
  }
  if (most == schedule.dropped_overrun()) {
    return "the generator came too late (a busy machine, or too high a rate for it; try more connections)";
  }
  return "they were still waiting at the end";
}

void AddRemarks(const v1::LoadReport& report, client::Document& document) {
  const auto say = [&document](std::string line) { document.footer.push_back(std::move(line)); };
  if (report.interrupted()) say("INTERRUPTED: this is what was done until then.");
  for (const v1::CallError& error : report.errors()) say(fmt::format("{}: {}", error.code(), error.message()));
  if (const std::uint64_t dropped = Dropped(report); dropped > 0 && !report.interrupted()) {
    say(fmt::format("The rate was not held: {} of the scheduled operations were dropped, mostly because {}.",
                    client::Percent(Share(dropped, report.schedule().scheduled())), WhyDropped(report.schedule())));
  }
  const double connection_seconds = report.elapsed_seconds() * report.config().connections();
  if (report.between_passes_seconds() > 0.1 * connection_seconds && connection_seconds > 0) {
    say("Passes are short: more than a tenth of the time went into fresh instances; a longer workload measures better.");
  }
  if (!report.order_is_trace()) {
    say("Connections shared an instance: the order of their batches, and so the heap at the end, is not reproducible.");
  }
}

}  // namespace

client::Document ReportDocument(const v1::LoadReport& report) {
  client::Document document;
  document.sections.push_back(Work(report));
  if (report.config().rate() > 0) document.sections.push_back(Schedule(report));
  document.sections.push_back(Latencies(report));
  document.sections.push_back(Outcomes(report));
  document.sections.push_back(Instances(report));
  AddRemarks(report, document);
  return document;
}

}  // namespace alloclab::load

#include "clients/load/load_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "clients/common/units.h"
#include "clients/load/load_config.h"

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

// The server is busy with a load when it works on it for more than this share of the time.
constexpr double kBusyShare = 0.8;

double Share(double part, double whole) { return whole == 0 ? 0 : part / whole; }
double Share(std::uint64_t part, std::uint64_t whole) { return Share(static_cast<double>(part), static_cast<double>(whole)); }

std::string Time(double seconds) { return client::Duration(absl::Seconds(seconds)); }
Cell TimeCell(double seconds) { return client::DurationCell(absl::Seconds(seconds)); }

Cell RateCell(double per_second) {
  return {.text = fmt::format("{} ops/s", client::Rate(per_second)),
          .raw = fmt::format("{:.1f}", per_second),
          .unit = "operations/s"};
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
  AddFact(section, "trace sha256", client::DigestCell(report.trace_sha256()));
  AddFact(section, "server", TextCell(fmt::format("{} (alloclabd {})", config.server(), report.server_version())));
  AddFact(section, "mode", TextCell(Mode(config)));
  if (report.generators_size() > 0) AddFact(section, "generators", CountCell(report.generators_size()));
  AddFact(section, "connections", CountCell(config.connections()));
  AddFact(section, "operations per batch", CountCell(config.batch()));
  AddFact(section, "batches in flight", CountCell(config.window()));
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

struct Span {
  const char* name;
  const v1::Latency* latency;
};

// A column for each span of time, a line for each figure of it.
Section Latencies(const v1::LoadReport& report) {
  std::vector<Span> spans = {{"send to reply", &report.service()}, {"in the server", &report.server()}};
  if (report.config().rate() > 0) {
    spans.insert(spans.begin(), {{"due to reply", &report.response()}, {"due to send", &report.schedule().lag()}});
  }
  Section section{.title = "latency of a batch", .columns = {{"figure"}}, .rows = {}, .picture = {}};
  for (const Span& span : spans) section.columns.push_back({span.name, true});
  const auto add = [&](const char* figure, auto value) {
    std::vector<Cell> row = {TextCell(figure)};
    for (const Span& span : spans) row.push_back(value(*span.latency));
    section.rows.push_back(std::move(row));
  };
  add("batches", [](const v1::Latency& latency) { return CountCell(latency.count()); });
  add("min", [](const v1::Latency& latency) { return TimeCell(latency.min_seconds()); });
  add("mean", [](const v1::Latency& latency) { return TimeCell(latency.mean_seconds()); });
  add("p50", [](const v1::Latency& latency) { return TimeCell(latency.p50_seconds()); });
  add("p90", [](const v1::Latency& latency) { return TimeCell(latency.p90_seconds()); });
  add("p99", [](const v1::Latency& latency) { return TimeCell(latency.p99_seconds()); });
  add("p99.9", [](const v1::Latency& latency) { return TimeCell(latency.p999_seconds()); });
  add("p99.99", [](const v1::Latency& latency) { return TimeCell(latency.p9999_seconds()); });
  add("max", [](const v1::Latency& latency) { return TimeCell(latency.max_seconds()); });
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

Section Generators(const v1::LoadReport& report) {
  Section section{
      .title = "generators",
      .columns = {{"name"}, {"server"}, {"connections", true}, {"operations", true}, {"began after", true}, {"+-", true}},
      .rows = {},
      .picture = {}};
  for (const v1::LoadGenerator& generator : report.generators()) {
    const Cell operations = generator.lost() ? TextCell("lost", Tone::kBad) : CountCell(generator.operations());
    section.rows.push_back({TextCell(generator.name()), TextCell(generator.server()), CountCell(generator.connections()),
                            operations, TimeCell(generator.start_skew_seconds()), TimeCell(generator.skew_error_seconds())});
  }
  return section;
}

// What is known of why the window was full: how fast the window lets batches go, how long the server itself took, and whether
// this program was in time when nothing held it up. Who is to blame is said only if these figures tell.
std::string WhyWindowFull(const v1::LoadReport& report) {
  const v1::Latency &service = report.service(), &server = report.server(), &own_lag = report.schedule().own_lag();
  const std::string figures = fmt::format("the window was full: replies took {} (mean), of which {} in the server",
                                          Time(service.mean_seconds()), Time(server.mean_seconds()));
  if (own_lag.count() == 0) return figures + "; no batch found room, so a larger --batch or --window may help";
  const std::string late = fmt::format("this program itself was {} late (p90)", Time(own_lag.p90_seconds()));
  if (own_lag.p90_seconds() > service.p50_seconds() / 4) {
    return fmt::format("{}; but {} even with room in the window: this host is busy, and what the server could do is not known",
                       figures, late);
  }
  const double busy = Share(static_cast<double>(server.count()) * server.mean_seconds(),
                            report.elapsed_seconds() * report.config().connections());
  if (busy > kBusyShare) {
    return fmt::format("{}; {}, and the server worked on these batches {} of the time: it is at its capacity for them", figures,
                       late, client::Percent(busy));
  }
  return fmt::format("{}; {}; the rest went by between the programs: a larger --batch or --window may help", figures, late);
}

// The commonest reason.
std::string WhyDropped(const v1::LoadReport& report) {
  const v1::LoadSchedule& schedule = report.schedule();
  const std::uint64_t most =
      std::max({schedule.dropped_inflight_limit(), schedule.dropped_overrun(), schedule.dropped_aborted()});
  if (most == schedule.dropped_inflight_limit()) return WhyWindowFull(report);
  if (most == schedule.dropped_overrun()) {
    return fmt::format(
        "this program came too late ({}, p90), though the window had room: this host is busy, or the rate too "
        "high for one process; what the server could do is not known",
        Time(schedule.own_lag().p90_seconds()));
  }
  return "they were still waiting at the end";
}

// Why the heap at the end does not follow from the workload alone; "" if it does.
std::string WhyNotReproducible(const v1::LoadReport& report) {
  const v1::LoadConfig& config = report.config();
  const std::uint32_t instances = config.instance().empty() ? config.instances() : 1;
  if (config.connections() > instances) {
    return "Connections shared an instance: the order of their batches, and so the heap at the end, is not reproducible.";
  }
  if (config.instance().empty()) return "";
  return "The instance existed before: its heap at the end follows from what was in it, too.";
}

// What was asked of machines that cannot do it; "" if nothing was.
std::string WhatWasUnsupported(const v1::LoadReport& report) {
  std::uint64_t unsupported = 0;
  for (const v1::OutcomeCount& outcome : report.outcomes()) {
    if (outcome.outcome() == "unsupported") unsupported += outcome.count();
  }
  if (unsupported == 0) return "";
  const bool heapless = report.config().instance_config().heap_allocator() == kNoHeap;
  return fmt::format("{} of {} operations were unsupported and did nothing: {}.", client::Count(unsupported),
                     client::Count(report.operations()),
                     heapless ? "the machine has no heap" : "the machine has no allocator that knows them");
}

void AddRemarks(const v1::LoadReport& report, client::Document& document) {
  const auto say = [&document](std::string line) { document.footer.push_back(std::move(line)); };
  if (report.interrupted()) say("INTERRUPTED: this is what was done until then.");
  for (const v1::CallError& error : report.errors()) say(fmt::format("{}: {}", error.code(), error.message()));
  if (const std::uint64_t dropped = Dropped(report); dropped > 0 && !report.interrupted()) {
    say(fmt::format("The rate was not held: {} of the scheduled operations were dropped, mostly because {}.",
                    client::Percent(Share(dropped, report.schedule().scheduled())), WhyDropped(report)));
  }
  if (const std::string what = WhatWasUnsupported(report); !what.empty()) say(what);
  const double connection_seconds = report.elapsed_seconds() * report.config().connections();
  if (report.between_passes_seconds() > 0.1 * connection_seconds && connection_seconds > 0) {
    say("Passes are short: more than a tenth of the time went into fresh instances; a longer workload measures better.");
  }
  if (const std::string why = WhyNotReproducible(report); !why.empty()) say(why);
}

}  // namespace

client::Document ReportDocument(const v1::LoadReport& report) {
  client::Document document;
  document.sections.push_back(Work(report));
  if (report.config().rate() > 0) document.sections.push_back(Schedule(report));
  document.sections.push_back(Latencies(report));
  document.sections.push_back(Outcomes(report));
  if (report.generators_size() > 0) document.sections.push_back(Generators(report));
  document.sections.push_back(Instances(report));
  AddRemarks(report, document);
  return document;
}

std::string WhyNothingWasMeasured(const v1::LoadReport& report) {
  if (report.schedule().scheduled() > 0) {
    return "no operation was measured: all that was due after the warm-up was dropped, or still waiting at the end; a lower "
           "--rate or a longer --duration may help";
  }
  if (report.warmup_operations() > 0) {
    return "no operation was measured: the workload ended within --warmup; add --duration or --repeat, or warm up for less";
  }
  return "no operation was done";
}

}  // namespace alloclab::load

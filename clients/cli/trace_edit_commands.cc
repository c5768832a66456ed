// trace convert|slice|filter|scale|interleave|strip|minimize
#include <fmt/format.h>

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "allocators/workload/trace_minimize.h"
#include "allocators/workload/trace_transform.h"
#include "alloclab/v1/lab.pb.h"
#include "clients/cli/instance_config.h"
#include "clients/cli/run_watch.h"
#include "clients/cli/trace_commands.h"
#include "clients/cli/trace_file.h"
#include "clients/common/interrupt.h"
#include "clients/common/progress.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

struct Arguments {
  std::string file, other;
  TraceSourceOptions source;
  TraceTarget target;
  std::uint64_t from = 1, to = std::numeric_limits<std::uint64_t>::max();
  TraceFilter filter;
  TraceScale scale;
  std::string until, c_test;
  std::uint64_t tests = 100'000;
  v1::InstanceConfig config;
};

// What the file itself cannot be asked for.
absl::Status AsBadFile(const absl::Status& status) { return absl::DataLossError(std::string(status.message())); }

// Writes it, and shows what was written; to standard output the trace alone.
CommandResult Save(Session& session, const Trace& trace, const TraceTarget& target, std::vector<std::string> notes) {
  const absl::StatusOr<std::vector<std::string>> changed = SaveTrace(trace, target);
  if (!changed.ok()) return changed.status();
  notes.insert(notes.end(), changed->begin(), changed->end());
  if (target.path.empty() || target.path == "-") {
    for (const std::string& note : notes) session.Note(note);
    return ExitCode::kOk;
  }
  google::protobuf::Struct json;
  auto& fields = *json.mutable_fields();
  fields["file"].set_string_value(target.path);
  fields["operations"].set_number_value(static_cast<double>(trace.operations.size()));
  for (const std::string& note : notes) fields["notes"].mutable_list_value()->add_values()->set_string_value(note);
  Document document;
  document.footer = notes;
  document.footer.push_back(fmt::format("{}: {} operations", target.path, Count(trace.operations.size())));
  return Done(session.Show(json, document, target.path + "\n"));
}

using Edit = std::function<absl::StatusOr<Trace>(const Trace&, const std::vector<std::uint32_t>& threads)>;

CommandResult Edited(Session& session, const Arguments& given, bool whole, const Edit& edit) {
  std::vector<std::uint32_t> threads;
  const absl::StatusOr<Trace> trace =
      whole ? LoadWholeTrace(given.file, given.source, threads) : LoadTrace(given.file, given.source);
  if (!trace.ok()) return trace.status();
  const absl::StatusOr<Trace> made = edit(*trace, threads);
  if (!made.ok()) return AsBadFile(made.status());
  return Save(session, *made, given.target, trace->notes);
}

CommandResult Convert(Session& session, const Arguments& given) {
  std::vector<std::uint32_t> threads;  // which no format that is written here keeps
  const absl::StatusOr<Trace> trace = LoadWholeTrace(given.file, given.source, threads);
  if (!trace.ok()) return trace.status();
  return Save(session, *trace, given.target, trace->notes);
}

CommandResult Strip(Session& session, const Arguments& given) {
  absl::StatusOr<Trace> trace = LoadTrace(given.file, given.source);
  if (!trace.ok()) return trace.status();
  trace->operation_sites.clear();
  trace->sites = {};
  trace->notes.clear();
  trace->format.clear();
  return Save(session, *trace, given.target, {});
}

CommandResult Interleave(Session& session, const Arguments& given) {
  const absl::StatusOr<Trace> a = LoadTrace(given.file, given.source), b = LoadTrace(given.other, given.source);
  if (!a.ok()) return a.status();
  if (!b.ok()) return b.status();
  const absl::StatusOr<Trace> both = InterleaveTraces(*a, *b);
  if (!both.ok()) return AsBadFile(both.status());
  return Save(session, *both, given.target, {});
}

InstanceConfig ConfigOf(const v1::InstanceConfig& given) {
  return {.ram_bytes = given.ram_bytes(),
          .page_allocator = given.page_allocator(),
          .heap_allocator = given.heap_allocator(),
          .guarded = !given.unguarded(),
          .parameters = {given.parameters().begin(), given.parameters().end()}};
}

CommandResult Minimize(Session& session, const Arguments& given) {
  const absl::StatusOr<TraceCondition> condition = ParseTraceCondition(given.until, ConfigOf(given.config));
  if (!condition.ok()) return absl::InvalidArgumentError(fmt::format("--until: {}", std::string(condition.status().message())));
  const absl::StatusOr<Trace> trace = LoadTrace(given.file, given.source);
  if (!trace.ok()) return trace.status();
  Interruption interruption;
  const InterruptGuard guard([&interruption] { interruption.Interrupt(); });
  Progress progress(stderr, session.options().quiet);
  MinimizeOptions options;
  options.tests_max = given.tests;
  options.interrupt = [&interruption] { return interruption.interrupted(); };
  options.progress = [&](std::uint64_t, std::uint64_t left) {
    progress.Update("left off", trace->operations.size() - left, trace->operations.size());
  };
  const absl::StatusOr<Minimized> least = MinimizeTrace(*trace, *condition, options);
  progress.Finish();
  if (!least.ok())
    return absl::IsFailedPrecondition(least.status())
               ? absl::InvalidArgumentError(fmt::format("--until {}: {}", given.until, std::string(least.status().message())))
               : least.status();
  std::vector<std::string> notes = {fmt::format(
      "{} of {} operations are left after {} replays{}", Count(least->trace.operations.size()), Count(trace->operations.size()),
      Count(least->tests), least->complete ? "; none of them can be left off" : "; it was stopped before its end")};
  if (!given.c_test.empty()) {
    const absl::StatusOr<std::vector<std::string>> wrote = SaveTrace(least->trace, {.path = given.c_test, .format = "c"});
    if (!wrote.ok()) return wrote.status();
  }
  const CommandResult saved = Save(session, least->trace, given.target, notes);
  return saved.ok() && interruption.interrupted() ? CommandResult(ExitCode::kInterrupted) : saved;
}

struct Adder {
  CLI::App& group;
  Command& chosen;

  CLI::App* operator()(const char* name, const char* description, const char* example, const std::shared_ptr<Arguments>& given,
                       CommandResult (*run)(Session&, const Arguments&), bool slice = false) const {
    CLI::App* command =
        AddCommand(group, name, description, example, chosen, [given, run](Session& session) { return run(session, *given); });
    command->add_option("FILE", given->file, "Trace file, - for standard input, or a built-in workload")
        ->required()
        ->type_name("FILE");
    AddTraceTarget(*command, given->target);
    AddTraceSource(*command, given->source, slice);
    return command;
  }
};

}  // namespace

void RegisterTraceEdit(CLI::App& group, Command& chosen) {
  const Adder add{group, chosen};
  const auto fresh = [] { return std::make_shared<Arguments>(); };
  add("convert", "Write a trace in another format", "alloclab trace convert app.mtrace --into app.rep", fresh(), Convert);

  const auto slice = fresh();
  CLI::App* command = add(
      "slice", "Some operations of a trace, behind allocations of what was live before them",
      "alloclab trace slice app.rep --from 1000 --to 2000 --into part.rep", slice,
      [](Session& session, const Arguments& given) {
        return Edited(session, given, false, [&given](const Trace& trace, const std::vector<std::uint32_t>&) {
          return SliceTrace(trace, given.from, given.to);
        });
      },
      true);
  AddCount(*command, "--from", slice->from, "First operation, from 1 (default the first)");
  AddCount(*command, "--to", slice->to, "Last operation (default the last)");

  const auto filter = fresh();
  command = add("filter", "The blocks of some sizes, lifetimes, call sites or threads, each with all its operations",
                "alloclab trace filter app.rep --size-min 4Ki --into large.rep", filter,
                [](Session& session, const Arguments& given) {
                  return Edited(session, given, true, [&given](const Trace& trace, const std::vector<std::uint32_t>& threads) {
                    return FilterTrace(trace, threads, given.filter);
                  });
                });
  AddBytes(*command, "--size-min", filter->filter.size_min, "Asked for when it was allocated, at least");
  AddBytes(*command, "--size-max", filter->filter.size_max, "At most");
  AddCount(*command, "--lifetime-min", filter->filter.lifetime_min,
           "Operations from allocation to free, or to the end, at least");
  AddCount(*command, "--lifetime-max", filter->filter.lifetime_max, "At most");
  command->add_option("--site", filter->filter.sites, "Call sites that allocate, as `alloclab trace show` numbers them")
      ->delimiter(',')
      ->type_name("LIST");
  command->add_option("--thread", filter->filter.threads, "That allocates, as `alloclab trace show` numbers them")
      ->delimiter(',')
      ->type_name("LIST");

  const auto scale = fresh();
  command = add("scale", "Larger or smaller sizes, or several such programs at once",
                "alloclab trace scale app.rep --sizes 1.5 --copies 4", scale, [](Session& session, const Arguments& given) {
                  return Edited(session, given, false, [&given](const Trace& trace, const std::vector<std::uint32_t>&) {
                    return ScaleTrace(trace, given.scale);
                  });
                });
  command->add_option("--sizes", scale->scale.sizes, "Each size times this, rounded up")
      ->check(CLI::Range(0.0, 1e6))
      ->type_name("FACTOR");
  command->add_option("--copies", scale->scale.copies, "So many programs, an operation of each in turn")
      ->check(CLI::Range(1, 4096))
      ->type_name("COUNT");

  const auto both = fresh();
  add("interleave", "Two programs on one machine, evenly", "alloclab trace interleave web.rep database.rep --into both.rep",
      both, Interleave)
      ->add_option("OTHER", both->other, "The second trace")
      ->required()
      ->type_name("FILE");

  add("strip", "The operations alone: no names, threads, call sites, notes or anything else of where they come from",
      "alloclab trace strip app.heaptrack.zst --into private.rep", fresh(), Strip)
      ->alias("anonymise");

  const auto least = fresh();
  command =
      add("minimize",
          "Shrink a trace to the least that still shows something\n\n"
          "CONDITION is one of\n"
          "  outcome=NAME             some operation ends so, e.g. out_of_memory\n"
          "  violation                an invariant of an allocator is broken at the end\n"
          "  fragmentation>X          of the free bytes more than this part is outside the largest free block at the end\n"
          "  differs:PARAMETER=VALUE  with that parameter another address, outcome, cost or digest comes out\n"
          "  differs:HEAP_ALLOCATOR   with that allocator other outcomes come out",
          "alloclab trace minimize app.rep --until outcome=fragmented --ram 4Mi --c-test least.c", least, Minimize);
  command->add_option("--until", least->until, "What it has to show")->required()->type_name("CONDITION");
  AddPositiveCount(*command, "--tests", least->tests, "Most replays (default 100k)", "the trace itself is one replay");
  command->add_option("--c-test", least->c_test, "Also write it as a C program")->type_name("FILE");
  AddInstanceConfig(*command, least->config);
}

}  // namespace alloclab::client

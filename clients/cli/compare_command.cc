// compare: the same workloads on many machines, one table.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "allocators/common/quantity.h"
#include "allocators/common/suggestion.h"
#include "alloclab/v1/lab.grpc.pb.h"
#include "alloclab/v1/run.grpc.pb.h"
#include "clients/cli/baseline.h"
#include "clients/cli/commands.h"
#include "clients/cli/compared_machines.h"
#include "clients/cli/compared_runs.h"
#include "clients/cli/comparison.h"
#include "clients/cli/comparison_report.h"
#include "clients/cli/native_view.h"
#include "clients/cli/repeated_runs.h"
#include "clients/cli/run_figures.h"
#include "clients/cli/run_view.h"
#include "clients/cli/run_watch.h"
#include "clients/cli/workload_request.h"
#include "clients/common/guest_argument.h"
#include "clients/common/interrupt.h"
#include "clients/common/json.h"
#include "clients/common/text_file.h"
#include "clients/common/threshold_options.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

constexpr std::uint64_t kRamDefault = std::uint64_t{512} << 20;
constexpr std::size_t kRunsMax = 1000;
constexpr std::uint64_t kRepeatsMax = 100;
constexpr int kWideColumns = 110;

struct Arguments {
  std::vector<std::string> workloads;
  std::vector<std::string> heaps = {"all"};
  std::vector<std::uint64_t> ram = {kRamDefault};
  ParameterValues parameters;
  std::vector<std::string> pages, natives;
  std::string reference;
  WorkloadOptions options;
  std::uint64_t repeats = 1;  // of each cell
  bool fresh = false;
  Score score;
  std::vector<Threshold> thresholds;  // for every run
  std::string study, baseline, html;
  std::vector<ChangeRule> rules;
};

constexpr const char kDescription[] =
    R"(Replay workloads on each of several allocators and say which is best

Every combination of workload, allocator, size of RAM and parameter is a run like any other (alloclab runs list). The figures are
exact: counted on the simulated machine, the same on every computer.

--score weighs utilisation (most bytes live of the peak RAM), speed (r / (r + c), cycles of a 386 per operation: r of the reference,
c of this one; 0.5 is as quick) and completed (operations that were not refused). Ranks go by refused operations first.

--baseline FILE holds the result against an earlier one, which --output json printed; --fail-on says what may not get worse.

--native replays the workloads through real allocators of the server's host too, in processes of their own. What is measured of them
has a table of its own and ranks nowhere.

Ctrl-C cancels what is under way (exit code 130). Exit codes: 1 a run failed, 4 a workload or the baseline is missing or
malformed, 5 an invariant of an allocator is broken, 6 worse than the baseline, 99 a --threshold is not kept.)";

// What fails against a baseline unless --fail-on says otherwise: any change for the worse.
constexpr const char* kPresetRules[] = {"refused_operations>+0%", "peak_ram_bytes>+0%", "cycles_386>+0%"};

std::vector<std::string> SplitList(const std::string& text) { return absl::StrSplit(text, ',', absl::SkipEmpty()); }

// The configurations of one heap allocator on machines of one size.
std::vector<v1::InstanceConfig> MachinesOf(const v1::AllocatorInfo& heap, std::uint64_t ram_bytes, const PageAllocators& pages,
                                           const ParameterValues& parameters, const v1::Catalog& catalog) {
  std::vector<v1::InstanceConfig> machines;
  for (const std::string& page_allocator : pages) {
    v1::InstanceConfig first;
    first.set_ram_bytes(ram_bytes);
    first.set_page_allocator(page_allocator);
    for (v1::InstanceConfig& config : ConfigsOf(heap, first, parameters, catalog)) machines.push_back(std::move(config));
  }
  return machines;
}

absl::StatusOr<ComparedWorkload> Resolve(const std::string& name, const Arguments& given, const Connection& connection,
                                         Interruption& interruption, Progress& progress) {
  const absl::StatusOr<WorkloadArgument> argument = ReadWorkloadArgument(name);
  if (!argument.ok()) return argument.status();
  ComparedWorkload workload{*argument, {}, DefaultLabel(name, *argument)};
  std::vector<std::string> notes;
  absl::Status status = ResolveWorkload(*argument, given.options, connection, interruption, progress,
                                        *workload.request.mutable_workload(), notes);
  if (!status.ok()) return status;
  const std::string& file = workload.shown;
  workload.request.set_label(given.study.empty() || file.empty() ? given.study + file
                                                                 : fmt::format("{}: {}", given.study, file));
  if (file.empty()) workload.shown = WorkloadName(workload.request.workload());
  return workload;
}

absl::Status AddAll(ComparedRuns& comparison, const Arguments& given, const v1::Catalog& catalog, const Heaps& heaps,
                    const PageAllocators& pages, std::vector<ComparedWorkload>& workloads, const Connection& connection,
                    Interruption& interruption, Progress& progress) {
  for (const std::string& name : given.workloads) {
    absl::StatusOr<ComparedWorkload> workload = Resolve(name, given, connection, interruption, progress);
    if (!workload.ok()) return workload.status();
    for (const std::uint64_t ram_bytes : given.ram) {
      for (const v1::AllocatorInfo* heap : heaps) {
        for (const v1::InstanceConfig& config : MachinesOf(*heap, ram_bytes, pages, given.parameters, catalog)) {
          v1::SubmitRunRequest request = workload->request;
          *request.mutable_config() = config;
          request.set_share_result(!given.fresh && given.repeats == 1);
          for (std::uint64_t replay = 0; replay < given.repeats; ++replay) {
            absl::Status status = comparison.Add(request, {workload->shown, config, "", {}}, workload->argument, replay);
            if (!status.ok()) return status;
          }
        }
      }
    }
    workloads.push_back(*std::move(workload));
  }
  return absl::OkStatus();
}

void NoteShared(const std::vector<ComparedRun>& runs, Session& session) {
  const auto shared =
      std::count_if(runs.begin(), runs.end(), [](const ComparedRun& run) { return run.run.result().measured().of_run() != 0; });
  if (shared == 0) return;
  session.Note(fmt::format("{} of {} share the result of an earlier one of the same; --fresh replays them.",
                           Count(static_cast<std::uint64_t>(shared)), Count(runs.size(), "run")));
}

// `code` unless something went wrong that says more.
ExitCode CodeOf(const std::vector<ComparedRun>& runs, ExitCode code) {
  for (const ComparedRun& run : runs) {
    if (run.run.result().exact().violations() > 0) return ExitCode::kViolation;
    if (run.not_run.empty() && run.run.state() != v1::Run::SUCCEEDED) code = ExitCode::kRuntimeError;
  }
  return code;
}

// The thresholds of every run that has a result. False: one is not kept.
bool AddThresholdSections(const std::vector<ComparedRun>& runs, const std::vector<Threshold>& thresholds, Document& document,
                          JsonExtras& extras) {
  bool kept = true;
  google::protobuf::Value json;
  for (const ComparedRun& run : runs) {
    if (!run.run.has_result()) continue;
    const std::vector<Measurement> measurements = MeasurementsOf(run.run.result());
    document.sections.push_back(
        ThresholdSection(thresholds, measurements, fmt::format("run {}, {}", run.run.id(), run.config.heap_allocator())));
    *(*json.mutable_struct_value()->mutable_fields())[std::to_string(run.run.id())].mutable_list_value() =
        ThresholdsJson(thresholds, measurements).list_value();
    kept = kept && AllHold(thresholds, measurements);
  }
  extras.emplace_back("thresholds", std::move(json));
  return kept;
}

// False: something is worse than the baseline allows.
bool AddBaseline(const google::protobuf::Struct& now, const google::protobuf::Struct& baseline, const Arguments& given,
                 Document& document, JsonExtras& extras) {
  std::vector<ChangeRule> rules = given.rules;
  if (rules.empty()) {
    for (const char* text : kPresetRules) rules.push_back(*ChangeRule::Parse(text));
  }
  BaselineReport report = CompareWithBaseline(now, baseline, rules);
  document.footer.push_back(
      fmt::format("{} against {}: {}", Count(report.compared, "run"), given.baseline,
                  report.failed() ? Count(report.changes.rows.size(), "change") + " for the worse" : "nothing is worse"));
  google::protobuf::Value json;
  json.mutable_list_value();
  for (const std::vector<Cell>& row : report.changes.rows) {
    auto& fields = *json.mutable_list_value()->add_values()->mutable_struct_value()->mutable_fields();
    for (std::size_t i = 0; i < row.size(); ++i) fields[report.changes.columns[i].name].set_string_value(row[i].raw);
  }
  extras.emplace_back("worse_than_baseline", std::move(json));
  for (std::string& note : report.notes) document.footer.push_back(std::move(note));
  if (!report.failed()) return true;
  document.sections.push_back(std::move(report.changes));
  return false;
}

CommandResult Compare(Session& session, const Arguments& given) {
  google::protobuf::Struct baseline;
  if (!given.baseline.empty()) {
    absl::StatusOr<google::protobuf::Struct> read = ReadBaseline(given.baseline);
    if (!read.ok()) return read.status();
    baseline = *std::move(read);
  }
  const Connection& connection = session.connection();
  std::vector<std::string> names = given.heaps;
  std::string reference = given.reference;
  for (std::string& name : names) {
    if (absl::Status status = ResolveGuest(connection, name); !status.ok()) return status;
  }
  if (absl::Status status = ResolveGuest(connection, reference); !status.ok()) return status;
  std::vector<std::string> page_names = given.pages;
  for (std::string& name : page_names) {
    if (absl::Status status = ResolveGuest(connection, name); !status.ok()) return status;
  }
  const absl::StatusOr<v1::Catalog> catalog = connection.Call(&v1::Lab::Stub::GetCatalog, v1::GetCatalogRequest());
  if (!catalog.ok()) return catalog.status();
  const auto heaps = ChosenHeaps(names, *catalog);
  if (!heaps.ok()) return heaps.status();
  const auto pages = ChosenPages(page_names, *catalog);
  if (!pages.ok()) return pages.status();
  const auto natives = ChosenNatives(given.natives, *catalog);
  if (!natives.ok()) return natives.status();
  if (absl::Status status = CheckParameters(given.parameters, *catalog, *heaps, *natives); !status.ok()) return status;
  std::size_t count = 0;
  for (const v1::AllocatorInfo* heap : *heaps) count += MachinesOf(*heap, 0, *pages, given.parameters, *catalog).size();
  count *= given.ram.size() * given.repeats;
  for (const v1::NativeAllocatorInfo* native : *natives) count += ConfigsOf(*native, given.parameters).size();
  count *= given.workloads.size();
  if (count > kRunsMax) {
    return absl::InvalidArgumentError(fmt::format("this would be {} runs; expected at most {}", count, kRunsMax));
  }
  if (reference.empty()) reference = heaps->front()->name();
  const bool compared = std::any_of(heaps->begin(), heaps->end(), [&](const auto* heap) { return heap->name() == reference; });
  if (!compared) {
    std::vector<std::string_view> heap_names;
    for (const v1::AllocatorInfo* heap : *heaps) heap_names.push_back(heap->name());
    return absl::InvalidArgumentError("--reference: " + UnknownName("allocator that is compared", reference, heap_names));
  }

  Interruption interruption;
  const InterruptGuard guard([&interruption] { interruption.Interrupt(); });
  Progress progress(stderr, session.options().quiet);
  ComparedRuns comparison(session, given.study, interruption, progress);
  ComparedRuns measuring(session, given.study, interruption, progress);
  std::vector<ComparedWorkload> workloads;
  const absl::Status added = AddAll(comparison, given, *catalog, *heaps, *pages, workloads, connection, interruption, progress);
  absl::StatusOr<std::vector<ComparedRun>> runs = added.ok() ? comparison.Finish() : added;
  absl::StatusOr<std::vector<ComparedRun>> measured = std::vector<ComparedRun>();
  if (runs.ok() && !natives->empty()) {  // only now, when the host has nothing else to do for this comparison
    const absl::Status status = AddNativeRuns(*natives, given.parameters, workloads, measuring);
    measured = status.ok() ? measuring.Finish() : status;
  }
  absl::StatusOr<JoinedRuns> joined = runs.ok() ? JoinRepeats(*std::move(runs), given.repeats) : runs.status();
  progress.Finish();
  if (const std::size_t found = comparison.found() + measuring.found(); found > 0) {
    session.Note(fmt::format("{} of the study {} were there from before.", Count(found, "run"), given.study));
  }
  for (const absl::Status& status : {joined.status(), measured.status()}) {
    if (status.ok()) continue;
    comparison.Cancel();
    measuring.Cancel();
    return status;
  }
  runs = std::move(joined->runs);
  NoteShared(*runs, session);
  for (const std::string& line : AbsentNatives(given.natives, *catalog)) session.Note(line);
  const bool narrow = session.output() == OutputFormat::kTable && session.width() < kWideColumns;
  if (!given.html.empty()) {
    Document wide = ComparisonDocument(*runs, reference, given.score, /*narrow=*/false);
    AddReplayTimes(joined->times, wide);
    AddMeasured(*measured, /*narrow=*/false, wide);
    if (absl::Status status = WriteTextFile(given.html, ComparisonReport(*runs, wide)); !status.ok()) return status;
    session.Note(fmt::format("Charts and tables are in {}", given.html));
  }
  Document document = ComparisonDocument(*runs, reference, given.score, narrow);
  AddReplayTimes(joined->times, document);
  AddMeasured(*measured, narrow, document);
  const google::protobuf::Struct result = ComparisonStruct(*runs, reference, given.score);
  JsonExtras extras;
  if (!joined->times.empty()) extras.emplace_back("replays", ReplayTimesJson(joined->times));
  if (!measured->empty()) extras.emplace_back("measured", MeasuredJson(*measured));
  ExitCode code = ExitCode::kOk;
  if (!given.baseline.empty() && !AddBaseline(result, baseline, given, document, extras)) code = ExitCode::kDifference;
  if (!given.thresholds.empty() && !AddThresholdSections(*runs, given.thresholds, document, extras))
    code = ExitCode::kThreshold;
  return Done(session.Show(result, document, extras), CodeOf(*measured, CodeOf(*runs, code)));
}

// "NAME=VALUE,VALUE".
std::pair<std::string, std::vector<std::string>> ParseParameter(const std::string& item) {
  const std::size_t equals = item.find('=');
  const std::vector<std::string> values =
      equals == std::string::npos ? std::vector<std::string>() : SplitList(item.substr(equals + 1));
  if (equals == 0 || values.empty()) {
    throw CLI::ValidationError("--param", fmt::format("'{}' is not NAME=VALUE,VALUE, e.g. heap.engine=literal,indexed", item));
  }
  return {item.substr(0, equals), values};
}

}  // namespace

void RegisterCompare(CLI::App& app, Command& chosen) {
  const auto given = std::make_shared<Arguments>();
  CLI::App* compare = AddCommand(app, "compare", kDescription, "alloclab compare sqlite steady-state --heap all --ram 64Mi",
                                 chosen, [given](Session& session) { return Compare(session, *given); });
  compare->add_option("WORKLOAD", given->workloads, "Built-in names, specifications, trace files, or sha256:DIGEST")
      ->required()
      ->type_name("WORKLOAD");
  compare
      ->add_option_function<std::string>(
          "--heap", [given](const std::string& text) { given->heaps = SplitList(text); },
          "Heap allocators, separated by commas, or all (default all); of yours guest:FILE.elf")
      ->type_name("LIST");
  compare
      ->add_option_function<std::string>(
          "--ram",
          [given](const std::string& text) {
            given->ram.clear();
            for (const std::string& size : SplitList(text)) {
              const auto bytes = ParseQuantity(size);
              if (!bytes.ok()) throw CLI::ValidationError("--ram", std::string(bytes.status().message()));
              given->ram.push_back(*bytes);
            }
          },
          "Memory of the machines, separated by commas: 16Ki to 4Gi (default 512Mi)")
      ->type_name("LIST");
  compare
      ->add_option_function<std::vector<std::string>>(
          "--param",
          [given](const std::vector<std::string>& items) {
            for (const std::string& item : items) given->parameters.push_back(ParseParameter(item));
          },
          "Values of a parameter, separated by commas, for the allocators that have it; may be given again")
      ->type_name("NAME=LIST")
      ->allow_extra_args(false);
  compare
      ->add_option_function<std::string>(
          "--native", [given](const std::string& text) { given->natives = SplitList(text); },
          "Real allocators to measure beside them on the server's host, separated by commas, or all (see `alloclab catalog`)")
      ->type_name("LIST");
  compare
      ->add_option_function<std::string>(
          "--pages,--page-allocator", [given](const std::string& text) { given->pages = SplitList(text); },
          "Page allocators of the machines, separated by commas, or all (default the server's own)")
      ->type_name("LIST");
  compare->add_option("--reference", given->reference, "Heap allocator that speed is relative to (default the first)")
      ->type_name("HEAP_ALLOCATOR");
  compare
      ->add_option_function<std::string>(
          "--score",
          [given](const std::string& text) {
            const absl::StatusOr<Score> score = Score::Parse(text);
            if (!score.ok()) throw CLI::ValidationError("--score", std::string(score.status().message()));
            given->score = *score;
          },
          "What ranks (default utilisation*0.5+speed*0.5)")
      ->type_name("TERMS");
  AddPositiveCount(*compare, "--seed", given->options.seed, "Seed of synthetic workloads (default their own)",
                   "seeds begin at 1; without the option a workload has its own");
  AddPositiveCount(*compare, "--operations", given->options.operations, "Length of built-in workloads (default their own)",
                   "nothing would be replayed; without the option a workload has its own length");
  compare
      ->add_option(
          "--study", given->study,
          "A name under which the comparison can be taken up again after a crash or Ctrl-C: runs of it that ended are not "
          "made anew. While it runs it waits a minute for a server that is gone, or another of its lab. It is their label")
      ->type_name("NAME");
  compare
      ->add_option("--repeat", given->repeats,
                   "Replays of every simulated cell, 1 to 100 (default 1): what is exact must be the same each time, and the "
                   "time that the lab took is shown with its 95 % interval")
      ->check(CLI::Range(std::uint64_t{1}, kRepeatsMax))
      ->type_name("COUNT");
  compare->add_flag(
      "--fresh", given->fresh,
      "Replay every run, also where the server knows from an earlier one what it comes to (--repeat does so too)");
  compare->add_option("--html", given->html, "Write tables and charts of every run into one file, to be opened in a browser")
      ->type_name("FILE");
  AddLogOptions(*compare, given->options.log);
  AddThresholds(*compare, RunFigures(), given->thresholds);
  CLI::Option* baseline =
      compare->add_option("--baseline", given->baseline, "An earlier result of --output json to hold this one against")
          ->type_name("FILE");
  compare
      ->add_option_function<std::vector<std::string>>(
          "--fail-on",
          [given](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) {
              absl::StatusOr<ChangeRule> rule = ChangeRule::Parse(text);
              if (!rule.ok()) throw CLI::ValidationError("--fail-on", std::string(rule.status().message()));
              given->rules.push_back(*std::move(rule));
            }
          },
          "What may not get worse, e.g. 'cycles_386: p99>+2%' or 'utilisation<-1%'; may be given again (default: no more "
          "refused operations, peak RAM and cycles_386 than before)")
      ->type_name("RULE")
      ->allow_extra_args(false)
      ->needs(baseline);
}

}  // namespace alloclab::client

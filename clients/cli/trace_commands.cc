// trace formats|show|lint|diff|profile
#include "clients/cli/trace_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "allocators/workload/import/format.h"
#include "allocators/workload/size_rates.h"
#include "allocators/workload/trace_profile.h"
#include "clients/cli/trace_file.h"
#include "clients/cli/trace_view.h"
#include "clients/common/text_file.h"
#include "clients/common/units.h"
#include "clients/common/yaml_message.h"
#include "proto/converters/workload_spec.h"

namespace alloclab::client {
namespace {

constexpr std::uint32_t kProfileSeeds = 16;

struct Arguments {
  std::string file, other;
  TraceSourceOptions source;
  std::uint64_t ram_bytes = 0;
  std::uint64_t sites = 10;
  std::string into;
  std::uint32_t phases = kProfilePhasesDefault;
  std::uint64_t live_bytes = 0, operations = 0;  // of what comes of a .csv; 0: as by default
};

constexpr std::uint64_t kLiveBytesDefault = 16 << 20, kOperationsDefault = 200'000;

absl::StatusOr<NamedSummary> Summarize(const std::string& path, const TraceSourceOptions& options) {
  TraceSummarizer summarizer;
  absl::StatusOr<Trace> trace =
      StreamTrace(path, options,
                  [&summarizer](std::span<const Operation> operations, std::span<const std::uint32_t> threads,
                                std::span<const std::uint32_t> sites) {
                    summarizer.Add(operations, threads, sites);
                    return absl::OkStatus();
                  });
  if (!trace.ok()) return trace.status();
  return NamedSummary{.name = path == "-" ? "<stdin>" : path,
                      .format = trace->format,
                      .notes = trace->notes,
                      .summary = summarizer.Finish(),
                      .sites = std::move(trace->sites)};
}

CommandResult Formats(Session& session) {
  Document document;
  Section table;
  table.columns = {{"format"}, {"what it is"}, {"where it comes from"}};
  google::protobuf::Struct json;
  std::string names;
  for (const TraceFormat& format : TraceFormats()) {
    table.rows.push_back({TextCell(std::string(format.name), Tone::kBold), TextCell(std::string(format.title)),
                          TextCell(std::string(format.about))});
    auto& fields =
        *(*json.mutable_fields())["formats"].mutable_list_value()->add_values()->mutable_struct_value()->mutable_fields();
    fields["name"].set_string_value(std::string(format.name));
    fields["title"].set_string_value(std::string(format.title));
    fields["about"].set_string_value(std::string(format.about));
    names += std::string(format.name) + "\n";
  }
  document.sections.push_back(std::move(table));
  document.footer.push_back("Plain, or compressed by gzip, zstd or xz.");
  return Done(session.Show(json, document, names));
}

CommandResult Show(Session& session, const Arguments& given) {
  const absl::StatusOr<NamedSummary> trace = Summarize(given.file, given.source);
  if (!trace.ok()) return trace.status();
  return Done(session.Show(SummaryStruct(*trace), SummaryDocument(*trace, session.width(), given.sites)));
}

CommandResult Lint(Session& session, const Arguments& given) {
  const absl::StatusOr<NamedSummary> trace = Summarize(given.file, given.source);
  if (!trace.ok()) return trace.status();
  const std::vector<Finding> findings = LintTrace(trace->summary, given.ram_bytes);
  return Done(session.Show(LintStruct(*trace, findings, given.ram_bytes), LintDocument(*trace, findings, given.ram_bytes)));
}

std::string ShowOperation(const Operation& op) {
  const bool old = op.kind == OpKind::kRealloc && op.extra != kNoBlock;
  return fmt::format("{} of block {}{}, {} bytes", std::string(OpKindName(op.kind)),
                     op.block == kNoBlock ? std::string("null") : std::to_string(op.block),
                     old && op.extra != op.block ? fmt::format(" from {}", op.extra) : "", op.size);
}

// The number of the first operation that is not the same, from 1; 0: none.
std::uint64_t FirstDifference(const Trace& a, const Trace& b, std::string& sentence) {
  const std::size_t both = std::min(a.operations.size(), b.operations.size());
  std::size_t i = 0;
  while (i < both && a.operations[i] == b.operations[i]) ++i;
  if (i < both) {
    sentence = fmt::format("operation {}: {} in the first, {} in the second", Count(i + 1), ShowOperation(a.operations[i]),
                           ShowOperation(b.operations[i]));
  } else if (a.operations.size() != b.operations.size()) {
    sentence = fmt::format("the same up to operation {}, where one of them ends", Count(both));
  } else {
    sentence = "the same operations";
    return 0;
  }
  return i + 1;
}

NamedSummary SummarizeWhole(const std::string& name, const Trace& trace) {
  TraceSummarizer summarizer;
  summarizer.Add(trace.operations, {});
  return {.name = name, .format = trace.format, .notes = trace.notes, .summary = summarizer.Finish()};
}

CommandResult Diff(Session& session, const Arguments& given) {
  const absl::StatusOr<Trace> a = LoadTrace(given.file, given.source), b = LoadTrace(given.other, given.source);
  if (!a.ok()) return a.status();
  if (!b.ok()) return b.status();
  std::string sentence;
  const std::uint64_t first = FirstDifference(*a, *b, sentence);
  const NamedSummary in_a = SummarizeWhole(given.file, *a), in_b = SummarizeWhole(given.other, *b);
  google::protobuf::Struct json;
  auto& fields = *json.mutable_fields();
  *fields["a"].mutable_struct_value() = SummaryStruct(in_a);
  *fields["b"].mutable_struct_value() = SummaryStruct(in_b);
  fields["first_difference"].set_number_value(static_cast<double>(first));
  fields["difference"].set_string_value(sentence);
  return Done(session.Show(json, DiffDocument(in_a, in_b, sentence)), first == 0 ? ExitCode::kOk : ExitCode::kDifference);
}

// What a profile keeps of its trace, in numbers.
Section FitSection(const ProfileFit& fit) {
  Section facts = Facts("profile against trace");
  AddFact(facts, "sizes, largest distance", RatioCell(fit.sizes));
  AddFact(facts, "lifetimes, largest distance", RatioCell(fit.lifetimes));
  AddFact(facts, "live bytes, mean distance", RatioCell(fit.live_bytes));
  AddFact(facts, "peak live of the trace", BytesCell(fit.peak_a));
  AddFact(facts, "peak live of the profile", BytesCell(fit.peak_b));
  return facts;
}

google::protobuf::Struct FitStruct(const ProfileFit& fit) {
  google::protobuf::Struct json;
  const std::pair<const char*, double> figures[] = {{"sizes_distance", fit.sizes},
                                                    {"lifetimes_distance", fit.lifetimes},
                                                    {"live_bytes_distance", fit.live_bytes},
                                                    {"trace_peak_bytes", static_cast<double>(fit.peak_a)},
                                                    {"profile_peak_bytes", static_cast<double>(fit.peak_b)}};
  for (const auto& [name, value] : figures) (*json.mutable_fields())[name].set_number_value(value);
  return json;
}

constexpr const char kProfileDescription[] =
    R"(A specification that resembles a trace, to share instead of it, and how well it does

FILE may also be a .csv with a line "SIZE, RATE, LIVE" for each size: bytes, how often they are asked for, how many blocks of it live,
as google/fleetbench has them in fleetbench/tcmalloc/distributions.)";

// A .csv of sizes and rates instead of a trace.
CommandResult ProfileRates(Session& session, const Arguments& given) {
  const absl::StatusOr<std::string> text = ReadTextFile(given.file);
  if (!text.ok()) return text.status();
  const auto bad = [](const absl::Status& status) { return absl::DataLossError(std::string(status.message())); };
  const absl::StatusOr<std::vector<SizeRate>> rates = ReadSizeRates(*text, given.file);
  if (!rates.ok()) return bad(rates.status());
  const std::uint64_t live_bytes = given.live_bytes != 0 ? given.live_bytes : kLiveBytesDefault;
  const absl::StatusOr<WorkloadSpec> spec =
      ProfileSizeRates(*rates, live_bytes, given.operations != 0 ? given.operations : kOperationsDefault);
  if (!spec.ok()) return bad(spec.status());
  const absl::StatusOr<Trace> trace = Generate(*spec);
  if (!trace.ok()) return bad(trace.status());
  const SizeRatesFit fit = CompareWithRates(*rates, *spec, *trace);
  const std::string yaml = ToYaml(SpecToProto(*spec));
  if (given.into.empty() || given.into == "-") {
    session.Note(
        fmt::format("Largest distance of sizes {:.3f} (Kolmogorov-Smirnov); {} live", fit.sizes, Bytes(fit.live_bytes)));
    return Done(session.Print(yaml));
  }
  if (absl::Status status = WriteTextFile(given.into, yaml); !status.ok()) return status;
  Document document;
  Section facts = Facts("profile against sizes and rates");
  AddFact(facts, "sizes", CountCell(rates->size()));
  AddFact(facts, "sizes, largest distance", RatioCell(fit.sizes));
  AddFact(facts, "live bytes that were asked for", BytesCell(live_bytes));
  AddFact(facts, "live bytes of the profile, mean", BytesCell(fit.live_bytes));
  document.sections.push_back(std::move(facts));
  google::protobuf::Struct json;
  for (const auto& [name, value] : {std::pair{"sizes", static_cast<double>(rates->size())},
                                    {"sizes_distance", fit.sizes},
                                    {"wanted_live_bytes", static_cast<double>(live_bytes)},
                                    {"profile_live_bytes", static_cast<double>(fit.live_bytes)}}) {
    (*json.mutable_fields())[name].set_number_value(value);
  }
  return Done(session.Show(json, document, given.into + "\n"));
}

CommandResult Profile(Session& session, const Arguments& given) {
  if (given.file.ends_with(".csv")) return ProfileRates(session, given);
  for (const auto& [option, value] : {std::pair{"--live", given.live_bytes}, {"--operations", given.operations}}) {
    if (value != 0) return absl::InvalidArgumentError(fmt::format("{}: only for a .csv of sizes and rates", option));
  }
  const absl::StatusOr<Trace> trace = LoadTrace(given.file, given.source);
  if (!trace.ok()) return trace.status();
  absl::StatusOr<WorkloadSpec> spec = ProfileTrace(*trace, given.phases);
  if (!spec.ok()) return absl::DataLossError(fmt::format("{}: {}", given.file, std::string(spec.status().message())));
  const ProfileFit fit = ChooseSeed(*trace, kProfileSeeds, *spec);
  const std::string yaml = ToYaml(SpecToProto(*spec));
  if (given.into.empty() || given.into == "-") {
    session.Note(
        fmt::format("Largest distance of sizes {:.3f}, of lifetimes {:.3f} (Kolmogorov-Smirnov); live bytes differ by {:.1f} %",
                    fit.sizes, fit.lifetimes, fit.live_bytes * 100));
    return Done(session.Print(yaml));
  }
  if (absl::Status status = WriteTextFile(given.into, yaml); !status.ok()) return status;
  Document document;
  document.sections.push_back(FitSection(fit));
  document.footer.push_back(fmt::format("{} has sizes and lifetimes as histograms of {} parts, and nothing else of the trace.",
                                        given.into, spec->phases.size()));
  return Done(session.Show(FitStruct(fit), document, given.into + "\n"));
}

CLI::App* AddFile(CLI::App* command, const std::shared_ptr<Arguments>& given) {
  command->add_option("FILE", given->file, "Trace file, - for standard input, or a built-in workload")
      ->required()
      ->type_name("FILE");
  return command;
}

}  // namespace

void RegisterTrace(CLI::App& app, Command& chosen) {
  CLI::App* group = AddGroup(app, "trace", "Look into traces, and make others of them", "alloclab trace show app.rep");
  AddCommand(*group, "formats", "The formats of traces that are read", "alloclab trace formats", chosen, Formats);
  const auto show = std::make_shared<Arguments>();
  CLI::App* command =
      AddCommand(*group, "show", "What is in a trace: operations, sizes, lifetimes, live bytes, leaks, call sites",
                 "alloclab trace show app.mtrace", chosen, [show](Session& session) { return Show(session, *show); });
  AddTraceSource(*AddFile(command, show), show->source);
  AddCount(*command, "--sites", show->sites, "Call sites to list, of a recording with --stacks (default 10; JSON has all)");
  const auto lint = std::make_shared<Arguments>();
  command =
      AddCommand(*group, "lint", "What a machine or an allocator will not like in a trace, and how much RAM it takes",
                 "alloclab trace lint app.rep --ram 4Mi", chosen, [lint](Session& session) { return Lint(session, *lint); });
  AddTraceSource(*AddFile(command, lint), lint->source);
  AddBytes(*command, "--ram", lint->ram_bytes, "Memory of the machine that it is for (default any)");
  const auto diff = std::make_shared<Arguments>();
  command =
      AddCommand(*group, "diff", "Two traces beside each other, and where they part (exit code 6 if they do)",
                 "alloclab trace diff before.rep after.rep", chosen, [diff](Session& session) { return Diff(session, *diff); });
  AddFile(command, diff)->add_option("OTHER", diff->other, "The trace to compare with")->required()->type_name("FILE");
  AddTraceSource(*command, diff->source);
  const auto profile = std::make_shared<Arguments>();
  command = AddCommand(*group, "profile", kProfileDescription, "alloclab trace profile app.alloctrace --into app.yaml", chosen,
                       [profile](Session& session) { return Profile(session, *profile); });
  AddTraceSource(*AddFile(command, profile), profile->source);
  command->add_option("--into", profile->into, "File to write (default standard output)")->type_name("FILE");
  command->add_option("--phases", profile->phases, "Parts of the same length that it is described in (default 16)")
      ->check(CLI::Range(1u, kProfilePhasesMax))
      ->type_name("COUNT");
  AddPositiveCount(*command, "--operations", profile->operations, "Operations of what comes of a .csv (default 200k)",
                   "nothing would be replayed; without the option it has 200k");
  AddBytes(*command, "--live", profile->live_bytes, "What is live in what comes of a .csv (default 16Mi)");
  RegisterTraceEdit(*group, chosen);
}

}  // namespace alloclab::client

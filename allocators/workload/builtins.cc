#include "allocators/workload/builtins.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/common/suggestion.h"
#include "allocators/workload/handle_table.h"
#include "allocators/workload/recorded_traces.h"
#include "allocators/workload/synthetic_workloads.h"

namespace alloclab {
namespace {

// As many repetitions as fit, each stretched a little, so that exactly as many or a few more operations come out.
WorkloadSpec Scale(WorkloadSpec spec, std::uint64_t operations) {
  std::uint64_t own = 0;
  for (const Phase& phase : spec.phases) own += phase.operations;
  const std::uint64_t repetitions = std::clamp<std::uint64_t>(operations / own, 1, kPhasesMax / spec.phases.size());
  const std::uint64_t share = (operations + repetitions - 1) / repetitions;
  for (Phase& phase : spec.phases) {
    phase.operations = (phase.operations * share + own - 1) / own;
    if (share < own) phase.live_blocks = static_cast<std::uint32_t>(phase.live_blocks * share / own);
  }
  const std::vector<Phase> once = spec.phases;
  for (std::uint64_t i = 1; i < repetitions; ++i) spec.phases.insert(spec.phases.end(), once.begin(), once.end());
  return spec;
}

// REQUIRES: the trace has operations.
absl::StatusOr<Trace> Repeat(Trace trace, std::uint64_t operations) {
  const std::size_t own = trace.operations.size();
  ALLOCLAB_CHECK_GE(own, 1u);
  const std::uint64_t rounds = (operations + own - 1) / own;
  if (rounds * std::max(trace.heap_handles, trace.page_handles) > HandleTable::kHandlesMax) {
    return absl::InvalidArgumentError(absl::StrFormat("operations: %d repetitions of the trace need too many handles", rounds));
  }
  trace.operations.resize(operations);
  const auto heap_handles = trace.heap_handles, page_handles = trace.page_handles;
  for (std::size_t i = own; i < operations; ++i) {
    Operation op = trace.operations[i - own];
    if (op.block != kNoBlock) op.block += OnPages(op.kind) ? page_handles : heap_handles;
    if (op.kind == OpKind::kRealloc && op.extra != kNoBlock) op.extra += heap_handles;
    trace.operations[i] = op;
  }
  trace.heap_handles = static_cast<std::uint32_t>(rounds * heap_handles);
  trace.page_handles = static_cast<std::uint32_t>(rounds * page_handles);
  return trace;
}

struct RecordedWorkload {
  const char *name, *what;
};
constexpr RecordedWorkload kRecorded[] = {
    {"sqlite", "the sqlite3 shell creating, filling, indexing and querying a small database in memory"},
    {"cc1", "gcc 12 compiling a small C program with -O2"},
    {"git", "git log --stat -p of twelve commits"},
    {"openssl", "openssl making an RSA key and a certificate"},
    {"perl", "the first part of a Perl report of arrays and strings that grow"},
    {"python", "the start of Python and the first part of a program that counts words"},
    {"web-server", "the first part of a Python web server with a thread for each of six clients"},
    {"nginx", "nginx serving files and lists of files, some gzipped, to eight clients"},
    {"redis", "the first part of a Redis server that fills with strings, lists, sets and hashes"},
    {"jq", "jq grouping and adding up 1500 rows of JSON"},
    {"cmake-configure", "the first part of CMake configuring a small C project"},
    {"imagemagick", "ImageMagick making, blurring, resizing, rotating and writing a picture"},
    {"kernel-slabs", "Linux 6.1 from its boot on: objects of its caches and of kmalloc, as blocks of a heap"},
    {"kernel-pages", "the same Linux: its blocks of pages, those of its slabs among them"},
};

using RecordedTraces = std::map<std::string, absl::StatusOr<Trace>, std::less<>>;

// All recorded ones, by name: inflated and read once.
const RecordedTraces& Recorded() {
  static const auto& traces = *[] {
    auto* const read = new RecordedTraces;
    for (const BuiltinWorkload& builtin : BuiltinWorkloads()) {
      const auto* const bytes = std::get_if<std::string_view>(&builtin.content);
      if (bytes != nullptr) read->emplace(builtin.name, ReadTrace(*bytes, builtin.name));
    }
    return read;
  }();
  return traces;
}

absl::StatusOr<const BuiltinWorkload*> FindBuiltin(std::string_view name) {
  std::vector<std::string_view> names;
  for (const BuiltinWorkload& builtin : BuiltinWorkloads()) {
    if (builtin.name == name) return &builtin;
    names.push_back(builtin.name);
  }
  return absl::NotFoundError(UnknownName("built-in workload", name, names));
}

}  // namespace

std::span<const BuiltinWorkload> BuiltinWorkloads() {
  static const auto& builtins = *[] {
    auto* const all = new std::vector<BuiltinWorkload>;
    for (SyntheticWorkload& synthetic : SyntheticWorkloads()) {
      all->push_back({std::move(synthetic.spec.name), std::move(synthetic.description), std::move(synthetic.about), {}});
      all->back().content = std::move(synthetic.spec);
      std::get<WorkloadSpec>(all->back().content).name = all->back().name;
    }
    all->push_back(
        {"robson", "the worst case of first fit: keeps few blocks, each where the next size cannot go",
         "Robson's program against an allocator that never moves a block: it fills memory with the smallest blocks, then for "
         "each next size, twice the last, frees all blocks but those that lie across every place where one of that size could "
         "begin, and asks for as many as were freed. It is played here against an ideal first fit, whose addresses it "
         "knows. J. M. Robson, Bounds for Some Functions Concerning Dynamic Storage Allocation, JACM 21 (1974); Worst Case "
         "Fragmentation of First Fit and Best Fit Storage Allocation Strategies, The Computer Journal 20 (1977).",
         RobsonProgram{}});
    for (const RecordedWorkload& recorded : kRecorded) {
      all->push_back({recorded.name, std::string("recorded: ") + recorded.what, "", RecordedTrace(recorded.name)});
    }
    return all;
  }();
  return builtins;
}

absl::StatusOr<Trace> MakeBuiltin(std::string_view name, std::uint64_t seed, std::uint64_t operations,
                                  const Interrupt& interrupt) {
  const auto builtin = FindBuiltin(name);
  if (!builtin.ok()) return builtin.status();
  if (operations > kOperationsMax) {
    return absl::InvalidArgumentError(
        absl::StrFormat("operations: %d are too many; expected at most %d", operations, kOperationsMax));
  }
  if (const auto recorded = Recorded().find(name); recorded != Recorded().end()) {
    const absl::StatusOr<Trace>& trace = recorded->second;
    return trace.ok() && operations != 0 ? Repeat(*trace, operations) : trace;
  }
  if (const auto* robson = std::get_if<RobsonProgram>(&(*builtin)->content)) {
    Trace trace = MakeRobson(*robson);
    return operations != 0 ? Repeat(std::move(trace), operations) : trace;
  }
  WorkloadSpec spec = std::get<WorkloadSpec>((*builtin)->content);
  if (seed != 0) spec.seed = seed;
  if (operations == 0) return Generate(spec, interrupt);
  absl::StatusOr<Trace> trace = Generate(Scale(std::move(spec), operations), interrupt);
  if (!trace.ok()) return trace.status();
  ALLOCLAB_CHECK_GE(trace->operations.size(), operations);
  trace->operations.resize(operations);
  return trace;
}

}  // namespace alloclab

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

namespace alloclab {
namespace {

// A server in its stride: many small objects, few large ones, lifetimes without order.
WorkloadSpec SteadyState() {
  const ExponentialSize size{.mean = 120, .max = 16384};
  return {.name = "steady-state",
          .seed = 1,
          .phases = {{.name = "fill", .operations = 20'000, .live_blocks = 20'000, .size = size},
                     {.name = "churn",
                      .operations = 480'000,
                      .live_blocks = 20'000,
                      .size = size,
                      .malloc_weight = 8,
                      .calloc_weight = 1,
                      .realloc_weight = 1}}};
}

WorkloadSpec RampAndDrain() {
  const UniformSize size{.min = 16, .max = 512};
  return {
      .name = "ramp-and-drain",
      .seed = 1,
      .phases = {
          {.name = "ramp", .operations = 150'000, .live_blocks = 50'000, .size = size},
          {.name = "drain oldest first", .operations = 50'000, .live_blocks = 0, .size = size, .free_order = FreeOrder::kFifo},
          {.name = "ramp again", .operations = 150'000, .live_blocks = 50'000, .size = size},
          {.name = "drain newest first",
           .operations = 50'000,
           .live_blocks = 0,
           .size = size,
           .free_order = FreeOrder::kLifo}}};
}

// Larson and Krishnan, Memory Allocation for Long-Running Server Applications, 1998: every worker replaces random blocks of a
// working set that it took over from another.
WorkloadSpec Larson() {
  WorkloadSpec spec{.name = "larson", .seed = 1, .phases = {}};
  spec.phases.push_back({.name = "fill", .operations = 10'000, .live_blocks = 10'000, .size = UniformSize{10, 500}});
  for (int worker = 1; worker <= 4; ++worker) {
    spec.phases.push_back({.name = absl::StrFormat("worker %d", worker),
                           .operations = 100'000,
                           .live_blocks = 10'000,
                           .size = UniformSize{10, 500}});
  }
  return spec;
}

WorkloadSpec Checkerboard() {
  return {
      .name = "checkerboard",
      .seed = 1,
      .phases = {
          {.name = "fill", .operations = 60'000, .live_blocks = 60'000, .size = FixedSize{60}},
          {.name = "free every other",
           .operations = 30'000,
           .live_blocks = 30'000,
           .size = FixedSize{60},
           .free_order = FreeOrder::kEveryOther},
          {.name = "ask for a little more", .operations = 20'000, .live_blocks = 50'000, .size = FixedSize{92}},
          {.name = "churn", .operations = 100'000, .live_blocks = 50'000, .size = WeightedSizes{{{60, 1}, {92, 2}, {124, 1}}}},
          {.name = "drain", .operations = 50'000, .live_blocks = 0, .size = FixedSize{60}}}};
}

// Text and data segments, stacks and single pages of page tables and pipes.
WorkloadSpec ForkExecExit() {
  const WeightedSizes segments{{{1, 40}, {2, 20}, {4, 15}, {8, 12}, {16, 8}, {64, 4}, {256, 1}}};
  return {.name = "fork-exec-exit",
          .seed = 1,
          .phases = {{.name = "boot", .operations = 2'000, .live_blocks = 2'000, .size = segments, .pages = true},
                     {.name = "fork, exec, exit", .operations = 150'000, .live_blocks = 2'000, .size = segments, .pages = true},
                     {.name = "short-lived children",
                      .operations = 100'000,
                      .live_blocks = 4'000,
                      .size = WeightedSizes{{{1, 3}, {2, 1}}},
                      .free_order = FreeOrder::kLifo,
                      .pages = true},
                     {.name = "shutdown", .operations = 4'000, .live_blocks = 0, .size = segments, .pages = true}}};
}

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
  if (rounds * trace.heap_handles > HandleTable::kHandlesMax) {
    return absl::InvalidArgumentError(absl::StrFormat("operations: %d repetitions of the trace need too many handles", rounds));
  }
  trace.operations.resize(operations);
  const auto heap_handles = trace.heap_handles;
  for (std::size_t i = own; i < operations; ++i) {
    Operation op = trace.operations[i - own];
    if (op.block != kNoBlock) op.block += heap_handles;
    if (op.kind == OpKind::kRealloc && op.extra != kNoBlock) op.extra += heap_handles;
    trace.operations[i] = op;
  }
  trace.heap_handles = static_cast<std::uint32_t>(rounds * heap_handles);
  return trace;
}

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
  static const auto& builtins = *new std::vector<BuiltinWorkload>{
      {"steady-state", "20,000 live blocks of mostly small sizes, freed in random order, with some calloc and realloc",
       SteadyState()},
      {"ramp-and-drain", "up to 50,000 live blocks and down again, oldest first, then newest first", RampAndDrain()},
      {"larson", "four workers, each of which replaces random blocks of the set that the one before it left", Larson()},
      {"checkerboard", "a fragmenter: fills with equal blocks, frees every other one, then asks for slightly larger ones",
       Checkerboard()},
      {"fork-exec-exit", "blocks of pages only: segments, stacks and single pages of processes that come and go",
       ForkExecExit()},
      {"sqlite", "recorded: the sqlite3 shell creating, filling, indexing and querying a small database in memory",
       RecordedTrace("sqlite")},
      {"cc1", "recorded: gcc 12 compiling a small C program with -O2", RecordedTrace("cc1")},
      {"git", "recorded: git log --stat -p of twelve commits", RecordedTrace("git")},
      {"openssl", "recorded: openssl making an RSA key and a certificate", RecordedTrace("openssl")},
      {"perl", "recorded: the first part of a Perl report of arrays and strings that grow", RecordedTrace("perl")},
      {"python", "recorded: the start of Python and the first part of a program that counts words", RecordedTrace("python")},
      {"web-server", "recorded: the first part of a Python web server with a thread for each of six clients",
       RecordedTrace("web-server")},
  };
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

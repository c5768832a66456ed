#include "clients/cli/grading.h"

#include <fmt/format.h>

#include <algorithm>

#include "allocators/catalog/catalog.h"
#include "allocators/common/sha256.h"
#include "allocators/guest/elf_lines.h"
#include "allocators/workload/run.h"

namespace alloclab::client {
namespace {

constexpr std::uint64_t kWhole = 1'000'000;  // ratios are in millionths
constexpr std::uint64_t kMilli = 1000;       // points are in thousandths

// How much of a quality's points a ratio earns, in millionths.
std::uint64_t Share(std::uint64_t ratio_ppm, const v1::GradedQuality& quality) {
  const std::uint64_t none = quality.none_at_percent() * std::uint64_t{10'000},
                      full = quality.full_at_percent() * std::uint64_t{10'000};
  if (ratio_ppm <= none) return 0;
  if (ratio_ppm >= full) return kWhole;
  return (ratio_ppm - none) * kWhole / (full - none);
}

bool Counts(const v1::GradedTrace& rules, v1::GradedTrace::CountsFor quality) {
  return rules.counts_for() == v1::GradedTrace::ALL || rules.counts_for() == quality;
}

// A mean over traces that is kept as a sum, so that parts and whole agree.
struct Mean {
  std::uint64_t weights = 0, sum = 0;  // of shares by weight
  void Add(std::uint64_t weight, std::uint64_t share) {
    weights += weight;
    sum += weight * share;
  }
  std::uint64_t Milli(std::uint32_t points) const {
    return weights == 0 ? 0 : (points * kMilli * (sum / weights) + kWhole / 2) / kWhole;
  }
};

double Points(std::uint64_t milli) { return static_cast<double>(milli) / kMilli; }

struct Means {
  Mean correctness, utilisation, speed;
  std::uint64_t runs = 0, valid = 0, invalid = 0, printing = 0;
};

// The sum of trace and its part of the means.
void GradeTrace(const GradingPlan& plan, const GradingTrace& trace, const BuiltGuest& built, v1::TraceGrade& grade,
                Means& means) {
  const std::uint64_t weight = trace.rules.weight();
  const absl::StatusOr<TrialResult> result = RunTrial(built.program, trace.workload.trace, plan.options);
  ++means.runs;
  grade.set_run(true);
  grade.set_operations(trace.workload.trace.operations.size());
  std::uint64_t used = 0, fast = 0;
  if (!result.ok()) {
    grade.set_violation(std::string(result.status().message()));
  } else if (result->violation) {
    grade.set_violation(Describe(*result->violation, trace.workload, built));
  } else {
    const TrialCosts costs = result->total();
    const std::uint64_t cycles = std::max<std::uint64_t>(costs.Cycles(), 1);
    const std::uint64_t speed = trace.reference_cycles * kWhole / cycles;
    used = Share(result->utilisation_ppm(), plan.assignment.utilisation());
    fast = Share(speed, plan.assignment.speed());
    grade.set_valid(true);
    grade.set_instructions(costs.instructions);
    grade.set_cycles(costs.Cycles());
    grade.set_reference_cycles(trace.reference_cycles);
    grade.set_live_peak_bytes(result->live_peak_bytes);
    grade.set_heap_peak_bytes(result->heap_peak_bytes);
    grade.set_utilisation(static_cast<double>(result->utilisation_ppm()) / kWhole);
    grade.set_cycles_per_operation(static_cast<double>(cycles) /
                                   static_cast<double>(std::max<std::uint64_t>(costs.operations, 1)));
    grade.set_speed(static_cast<double>(speed) / kWhole);
  }
  if (result.ok() && result->printed_bytes != 0) ++means.printing;
  ++(grade.valid() ? means.valid : means.invalid);
  means.correctness.Add(weight, grade.valid() ? kWhole : 0);
  if (Counts(trace.rules, v1::GradedTrace::UTILISATION)) means.utilisation.Add(weight, used);
  if (Counts(trace.rules, v1::GradedTrace::SPEED)) means.speed.Add(weight, fast);
}

std::uint64_t StaticBytes(const ElfProgram& program) {
  std::uint64_t bytes = 0;
  for (const ElfProgram::Segment& segment : program.segments()) bytes += segment.writable ? segment.memory_bytes : 0;
  return bytes;
}

std::uint64_t Penalise(const GradingPlan& plan, const Means& means, const BuiltGuest& built, v1::Grade& grade) {
  std::uint64_t taken = 0;
  const auto take = [&](std::uint64_t points, const std::string& why) {
    taken += points;
    grade.add_penalties(fmt::format("{}: {} points", why, points));
  };
  for (const v1::Penalty& penalty : plan.assignment.penalties()) {
    const std::uint64_t statics = StaticBytes(*built.program);
    if (penalty.fault() == v1::Penalty::INVALID_TRACE && means.invalid != 0) {
      take(penalty.points() * means.invalid, fmt::format("{} traces are wrong", means.invalid));
    } else if (penalty.fault() == v1::Penalty::PRINTS && means.printing != 0) {
      take(penalty.points(), fmt::format("it prints on {} traces", means.printing));
    } else if (penalty.fault() == v1::Penalty::STATIC_BYTES && statics > penalty.above()) {
      take(penalty.points(), fmt::format("{} bytes of variables, of at most {}", statics, penalty.above()));
    }
  }
  return taken;
}

std::uint32_t PointsMax(const v1::Assignment& assignment) {
  return assignment.correctness().points() + assignment.utilisation().points() + assignment.speed().points();
}

// What each trace can earn and has earned, of the whole, for tables.
void ShareOut(const GradingPlan& plan, const Means& means, v1::Grade& grade) {
  const v1::Assignment& rules = plan.assignment;
  for (int i = 0; i < grade.traces_size(); ++i) {
    v1::TraceGrade& trace = *grade.mutable_traces(i);
    if (!trace.run()) continue;
    const v1::GradedTrace& own = plan.traces[static_cast<std::size_t>(i)].rules;
    const bool counts = trace.valid() && (!rules.all_or_nothing() || means.invalid == 0);
    std::uint64_t most = 0, earned = 0;
    const auto add = [&](const Mean& mean, std::uint32_t points, std::uint64_t share) {
      if (mean.weights == 0) return;
      most += points * kMilli * own.weight() / mean.weights;
      earned += points * kMilli * own.weight() * share / mean.weights / kWhole;
    };
    add(means.correctness, rules.correctness().points(), trace.valid() ? kWhole : 0);
    const auto ppm = [](std::uint64_t part, std::uint64_t whole) { return whole == 0 ? 0 : part * kWhole / whole; };
    if (Counts(own, v1::GradedTrace::UTILISATION)) {
      add(means.utilisation, rules.utilisation().points(),
          counts ? Share(ppm(trace.live_peak_bytes(), trace.heap_peak_bytes()), rules.utilisation()) : 0);
    }
    if (Counts(own, v1::GradedTrace::SPEED)) {
      add(means.speed, rules.speed().points(),
          counts ? Share(ppm(trace.reference_cycles(), std::max<std::uint64_t>(trace.cycles(), 1)), rules.speed()) : 0);
    }
    trace.set_points(Points(earned));
    trace.set_points_max(Points(most));
  }
}

v1::Grade Begin(const GradingPlan& plan, const std::string& name) {
  v1::Grade grade;
  grade.set_program(name);
  grade.set_total_max(PointsMax(plan.assignment));
  for (const GradingTrace& trace : plan.traces) {
    v1::TraceGrade& line = *grade.add_traces();
    line.set_trace(trace.label);
    line.set_hidden(trace.rules.hidden());
  }
  return grade;
}

std::string Sha256Of(const std::string& bytes) {
  Sha256 sha256;
  sha256.Update(bytes);
  return sha256.HexDigest();
}

}  // namespace

v1::Grade GradeProgram(const GradingPlan& plan, const std::string& name, const BuiltGuest& built) {
  v1::Grade grade = Begin(plan, name);
  grade.set_messages(built.messages);
  grade.set_elf_sha256(Sha256Of(built.bytes));
  Means means;
  for (std::size_t i = 0; i < plan.traces.size(); ++i) {
    if (plan.traces[i].present) GradeTrace(plan, plan.traces[i], built, *grade.mutable_traces(static_cast<int>(i)), means);
  }
  ShareOut(plan, means, grade);
  const v1::Assignment& rules = plan.assignment;
  const bool nothing = rules.all_or_nothing() && means.invalid != 0;
  const std::uint64_t correctness = means.correctness.Milli(rules.correctness().points());
  const std::uint64_t utilisation = nothing ? 0 : means.utilisation.Milli(rules.utilisation().points());
  const std::uint64_t speed = nothing ? 0 : means.speed.Milli(rules.speed().points());
  const std::uint64_t sum = correctness + utilisation + speed, taken = Penalise(plan, means, built, grade) * kMilli;
  grade.set_correctness(Points(correctness));
  grade.set_utilisation(Points(utilisation));
  grade.set_speed(Points(speed));
  grade.set_penalty(Points(taken));
  grade.set_total(Points(sum > taken ? sum - taken : 0));
  return grade;
}

v1::Grade GradeNothing(const GradingPlan& plan, const std::string& name, const std::string& error) {
  v1::Grade grade = Begin(plan, name);
  grade.set_error(error);
  return grade;
}

std::string Describe(const TrialViolation& violation, const LocalWorkload& workload, const BuiltGuest& built) {
  const auto& operations = workload.trace.operations;
  const std::uint64_t at = violation.operation;
  std::string text = at < operations.size() ? fmt::format("operation {}", at) : "at the end of the workload";
  if (at < operations.size()) {
    if (const std::uint64_t line = LineOfOperation(workload, at); line != 0) text += fmt::format(" (line {})", line);
    const Operation& op = operations[at];
    text += fmt::format(", {}", OpKindName(op.kind));
    if (op.kind != OpKind::kFree && op.kind < OpKind::kFreePages) text += fmt::format(" of {} bytes", RequestedBytes(op));
  }
  text += ": " + violation.what;
  if (violation.eip != 0) {
    const SourceLine line = FindLines(built.program->line_sections(), {violation.eip})[violation.eip];
    const std::string where = built.program->Describe(violation.eip);
    if (violation.what.find(where) == std::string::npos) text += fmt::format(", by {}", where);
    if (!line.file.empty()) text += fmt::format(" ({})", ShortName(line));
  }
  const auto block = [](const TrialBlock& b) {
    return fmt::format("{:#010x}, {} bytes, of operation {}", b.address, b.bytes, b.operation);
  };
  if (violation.block) text += fmt::format("; block {}", block(*violation.block));
  if (violation.other) text += fmt::format("; other block {}", block(*violation.other));
  return text;
}

}  // namespace alloclab::client

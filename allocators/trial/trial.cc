// What trials of heaps and of page allocators do alike.
#include "allocators/trial/trial.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/common/cost_model.h"
#include "allocators/guest/program_text.h"
#include "allocators/trial/heap_trial.h"
#include "allocators/trial/pages_trial.h"

namespace alloclab {
namespace {

bool Has(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::uint64_t TrialCosts::Cycles() const {
  constexpr std::uint64_t kRegisterClocks = 2;
  const std::uint64_t accesses = loads + stores;
  return loads * k386dx33.load_clocks + stores * k386dx33.store_clocks +
         (instructions > accesses ? (instructions - accesses) * kRegisterClocks : 0);
}

void TrialCosts::Add(const TrialCosts& costs) {
  operations += costs.operations;
  instructions += costs.instructions;
  loads += costs.loads;
  stores += costs.stores;
}

TrialCosts TrialResult::total() const {
  TrialCosts sum;
  for (const TrialCosts& kind : costs) sum.Add(kind);
  return sum;
}

absl::StatusOr<std::unique_ptr<Trial>> Trial::Create(std::shared_ptr<const ElfProgram> program, const TrialOptions& options) {
  if (options.check_every == 0) return absl::InvalidArgumentError("check_every: 0; expected at least 1 operation");
  const bool can_be = GuestPages::IsIn(*program) && !Has(GuestHeap::InterfaceNames(), options.interface);
  const bool paged = options.paged.value_or(can_be || Has(GuestPages::InterfaceNames(), options.interface));
  return paged ? PagesTrial::Create(std::move(program), options) : HeapTrial::Create(std::move(program), options);
}

absl::Status Trial::FindCheck(const ElfProgram& program) {
  if (options_.check.empty()) return absl::OkStatus();
  const ElfProgram::Symbol* const symbol = program.Find(options_.check);
  if (symbol == nullptr) {
    return absl::InvalidArgumentError(absl::StrFormat("check: the program has no function '%s'", options_.check));
  }
  check_ = symbol->address;
  return absl::OkStatus();
}

bool Trial::Apply(const Operation& op, const std::function<void()>& returned) {
  if (result_.violation) return false;
  returned_ = &returned;
  const bool well = Do(op) && CallCheck();
  if (well) ++result_.operations;
  return well;
}

void Trial::Charge(OpKind kind, const TrialCosts& before, const TrialCosts& after) {
  const TrialCosts costs{1, after.instructions - before.instructions, after.loads - before.loads, after.stores - before.stores};
  result_.costs[static_cast<std::size_t>(kind)].Add(costs);
  if (costs.instructions <= result_.costliest_instructions) return;
  result_.costliest_operation = result_.operations;
  result_.costliest_instructions = costs.instructions;
}

bool Trial::CallCheck() {
  if (check_ == 0 || (result_.operations + 1) % options_.check_every != 0) return true;
  const std::uint64_t printed = text().printed_bytes;
  const std::size_t kept = text().printed.size();
  CallFunction(check_);
  if (death()) return FailDead(nullptr);
  if (text().printed_bytes == printed) return true;
  const std::string said = text().printed.substr(kept);
  return Fail(absl::StrFormat("%s says: %s", options_.check, ProgramText(said.substr(0, said.find('\n')))), 0, nullptr,
              nullptr);
}

bool Trial::Fail(std::string what, std::uint32_t eip, const TrialBlock* block, const TrialBlock* other) {
  result_.violation = TrialViolation{
      .operation = result_.operations, .what = std::move(what), .eip = eip, .changed = {}, .block = {}, .other = {}};
  if (block != nullptr) result_.violation->block = *block;
  if (other != nullptr) result_.violation->other = *other;
  return false;
}

TrialResult Trial::Result() const {
  TrialResult result = result_;
  result.heap_peak_bytes = peak_bytes();
  result.page_faults = space().costs().demand_faults;
  result.printed = text().printed;
  result.printed_bytes = text().printed_bytes;
  return result;
}

}  // namespace alloclab

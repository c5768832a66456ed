#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/workload/run.h"

namespace alloclab {
namespace {

// One of the two replays.
struct Side {
  std::unique_ptr<Instance> instance;
  std::unique_ptr<Driver> driver;

  OpResult Apply(const Operation& op) {
    OpResult result;
    driver->Apply(std::span(&op, 1), std::span(&result, 1));
    return result;
  }
  HeapCosts heap_costs() const { return instance->heap() != nullptr ? instance->heap()->costs() : HeapCosts{}; }
  const PageCosts& page_costs() const { return instance->pages().costs(); }
};

absl::StatusOr<Side> MakeSide(std::string_view name, const Trace& trace, const InstanceConfig& config) {
  auto instance = Instance::Create(config);
  const auto named = [name](const absl::Status& status) {
    return absl::Status(status.code(), absl::StrFormat("%s: %s", name, status.message()));
  };
  if (!instance.ok()) return named(instance.status());
  auto driver = std::make_unique<Driver>(**instance);
  if (absl::Status status = driver->Admit(trace.operations); !status.ok()) return named(status);
  return Side{*std::move(instance), std::move(driver)};
}

// The first value of a list that differs, as a sentence.
class Comparison {
 public:
  void Number(std::string_view name, std::uint64_t a, std::uint64_t b) {
    if (!difference_ && a != b) difference_ = absl::StrFormat("%s: %d in a, %d in b", name, a, b);
  }
  void Address(std::string_view name, std::uint32_t a, std::uint32_t b) {
    if (!difference_ && a != b) difference_ = absl::StrFormat("%s: 0x%08x in a, 0x%08x in b", name, a, b);
  }
  void Text(std::string_view name, std::string_view a, std::string_view b) {
    if (!difference_ && a != b) difference_ = absl::StrFormat("%s: %s in a, %s in b", name, a, b);
  }
  const std::optional<std::string>& difference() const { return difference_; }

 private:
  std::optional<std::string> difference_;
};

void CompareHeapCosts(const HeapCosts& a, const HeapCosts& b, Comparison& compare) {
  compare.Number("headers visited so far", a.headers_visited, b.headers_visited);
  compare.Number("words loaded so far", a.words_loaded, b.words_loaded);
  compare.Number("words stored so far", a.words_stored, b.words_stored);
  compare.Number("pages searched so far", a.search_pages, b.search_pages);
  compare.Number("splits so far", a.splits, b.splits);
  for (std::size_t i = 0; i < a.coalesces.size(); ++i) {
    compare.Number(absl::StrFormat("coalesces of case %d so far", i + 1), a.coalesces[i], b.coalesces[i]);
  }
  compare.Number("grows so far", a.grows, b.grows);
  compare.Number("bytes grown so far", a.grown_bytes, b.grown_bytes);
  compare.Number("bytes copied so far", a.copied_bytes, b.copied_bytes);
  compare.Number("bytes zeroed so far", a.zeroed_bytes, b.zeroed_bytes);
}

void ComparePageCosts(const PageCosts& a, const PageCosts& b, Comparison& compare) {
  compare.Number("runs visited so far", a.runs_visited, b.runs_visited);
  compare.Number("words of runs loaded so far", a.words_loaded, b.words_loaded);
  compare.Number("words of runs stored so far", a.words_stored, b.words_stored);
  compare.Number("run splits so far", a.splits, b.splits);
  for (std::size_t i = 0; i < a.merges.size(); ++i) {
    compare.Number(absl::StrFormat("frees that merged in way %d so far", i), a.merges[i], b.merges[i]);
  }
  compare.Number("bytes filled so far", a.filled_bytes, b.filled_bytes);
}

// What was mapped when the instances were ready is not a cost.
bool SameFaults(const VmCosts& a, const VmCosts& b) {
  return a.demand_faults == b.demand_faults && a.not_mapped_faults == b.not_mapped_faults &&
         a.protection_faults == b.protection_faults && a.refused_faults == b.refused_faults;
}

void CompareVmCosts(const VmCosts& a, const VmCosts& b, Comparison& compare) {
  compare.Number("demand faults so far", a.demand_faults, b.demand_faults);
  compare.Number("faults of unmapped pages so far", a.not_mapped_faults, b.not_mapped_faults);
  compare.Number("protection faults so far", a.protection_faults, b.protection_faults);
  compare.Number("refused faults so far", a.refused_faults, b.refused_faults);
}

// What parts the two after an operation. The cheap comparison is the usual one; the sentence is made only when it fails.
std::optional<std::string> Compare(const Side& a, const Side& b, OpResult in_a, OpResult in_b) {
  const VmCosts vm_a = a.instance->vm_costs(), vm_b = b.instance->vm_costs();
  const bool same =
      in_a == in_b && a.heap_costs() == b.heap_costs() && a.page_costs() == b.page_costs() && SameFaults(vm_a, vm_b);
  if (same) return std::nullopt;
  Comparison compare;
  compare.Text("outcome", OutcomeName(in_a.outcome), OutcomeName(in_b.outcome));
  compare.Address("address", in_a.address, in_b.address);
  CompareHeapCosts(a.heap_costs(), b.heap_costs(), compare);
  ComparePageCosts(a.page_costs(), b.page_costs(), compare);
  CompareVmCosts(vm_a, vm_b, compare);
  return compare.difference();
}

std::optional<std::string> CompareMetadata(const Side& a, const Side& b, std::uint64_t operations) {
  if (a.instance->heap() == nullptr || b.instance->heap() == nullptr) return std::nullopt;
  Comparison compare;
  compare.Text("digest of the heap's metadata at the end", TakeCheckpoint(*a.instance, operations).metadata_sha256,
               TakeCheckpoint(*b.instance, operations).metadata_sha256);
  return compare.difference();
}

}  // namespace

absl::StatusOr<Difference> FindFirstDifference(const Trace& trace, const InstanceConfig& a, const InstanceConfig& b,
                                               const ProgressCallback& progress) {
  auto side_a = MakeSide("a", trace, a);
  if (!side_a.ok()) return side_a.status();
  auto side_b = MakeSide("b", trace, b);
  if (!side_b.ok()) return side_b.status();

  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  Clock::time_point asked = start;
  const std::uint64_t total = trace.operations.size();
  for (std::uint64_t i = 0; i < total; ++i) {
    const OpResult in_a = side_a->Apply(trace.operations[i]);
    const OpResult in_b = side_b->Apply(trace.operations[i]);
    if (auto what = Compare(*side_a, *side_b, in_a, in_b)) {
      const std::string kind(OpKindName(trace.operations[i].kind));
      return Difference{i + 1, absl::StrFormat("operation %d (%s): %s", i + 1, kind, *what), false};
    }
    const Clock::time_point now = progress ? Clock::now() : start;
    if (now - asked < std::chrono::milliseconds(10)) continue;
    asked = now;
    if (!progress({i + 1, total, static_cast<std::uint64_t>((now - start).count())}, *side_a->driver))
      return Difference{0, "", true};
  }
  if (auto what = CompareMetadata(*side_a, *side_b, total)) return Difference{total, *what, false};
  return Difference{};
}

}  // namespace alloclab

#include "allocators/workload/difference.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "allocators/catalog/guests.h"

namespace alloclab {
namespace {

// One of the two replays.
struct Side {
  std::unique_ptr<Instance> instance;
  std::unique_ptr<Driver> driver;
  std::uint32_t first_block = 0, first_page = 0;  // the first address it gave; 0: none yet

  OpResult Apply(const Operation& op) {
    OpResult result;
    driver->Apply(std::span(&op, 1), std::span(&result, 1));
    std::uint32_t& first = OnPages(op.kind) ? first_page : first_block;
    if (first == 0) first = result.address;
    return result;
  }
  std::int64_t Offset(std::uint32_t address, bool of_page) const {
    return std::int64_t{address} - (of_page ? first_page : first_block);
  }
};

absl::StatusOr<Side> MakeSide(std::string_view name, const Trace& trace, const InstanceConfig& config) {
  auto instance = Instance::Create(config);
  const auto named = [name](const absl::Status& status) {
    return absl::Status(status.code(), absl::StrFormat("%s: %s", name, status.message()));
  };
  if (!instance.ok()) return named(instance.status());
  auto driver = std::make_unique<Driver>(**instance);
  if (absl::Status status = driver->Admit(trace.operations); !status.ok()) return named(status);
  driver->TouchAs(trace.touches);
  return Side{*std::move(instance), std::move(driver)};
}

// The first value of a list that differs, as a sentence.
class Comparison {
 public:
  explicit Comparison(const SideNames& names) : names_(names) {}

  void Number(std::string_view name, std::uint64_t a, std::uint64_t b) {
    if (!difference_ && a != b) difference_ = Sentence(name, absl::StrFormat("%d", a), absl::StrFormat("%d", b));
  }
  void Address(std::string_view name, std::uint32_t a, std::uint32_t b) {
    if (!difference_ && a != b) difference_ = Sentence(name, absl::StrFormat("0x%08X", a), absl::StrFormat("0x%08X", b));
  }
  void Offset(std::string_view name, std::int64_t a, std::int64_t b) {
    if (!difference_ && a != b) difference_ = Sentence(name, absl::StrFormat("%+d", a), absl::StrFormat("%+d", b));
  }
  void Text(std::string_view name, std::string_view a, std::string_view b) {
    if (!difference_ && a != b) difference_ = Sentence(name, a, b);
  }
  const std::optional<std::string>& difference() const { return difference_; }

 private:
  std::string Sentence(std::string_view name, std::string_view a, std::string_view b) const {
    return absl::StrFormat("%s: %s in %s, %s in %s", name, a, names_.a, b, names_.b);
  }

  const SideNames& names_;
  std::optional<std::string> difference_;
};

// "heap merges with below so far"
std::string NameOf(std::string_view part, const CounterInfo& info) {
  const std::string label = info.label.empty() ? "" : absl::StrFormat(" %s %s", info.label, info.value);
  return absl::StrFormat("%s %s%s so far", part, absl::StrReplaceAll(std::string(info.name), {{"_", " "}}), label);
}

// Counters of different allocators are compared where both have one.
void CompareCounts(std::string_view part, std::span<const Count> a, std::span<const Count> b, Comparison& compare) {
  for (const Count& count : a) {
    const auto other = std::find_if(b.begin(), b.end(), [&](const Count& candidate) { return *candidate.info == *count.info; });
    if (other != b.end()) compare.Number(NameOf(part, *count.info), count.value, other->value);
  }
}

bool SameOwnCounters(const Instance& a, const Instance& b) {
  const auto same = [](std::span<const std::uint64_t> x, std::span<const std::uint64_t> y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end());
  };
  if (!same(a.pages().own_counters(), b.pages().own_counters())) return false;
  return a.heap() == nullptr || b.heap() == nullptr ||
         (same(a.heap()->own_counters(), b.heap()->own_counters()) && a.heap()->brk() == b.heap()->brk());
}

// What was mapped when the instances were ready is not a cost.
Costs WithoutGauges(Costs costs) {
  costs.vm.mapped_frames = costs.vm.page_table_frames = 0;
  return costs;
}

// What parts the two after an operation. The cheap comparison is the usual one; the sentence is made only when it fails.
std::optional<std::string> Compare(const Side& a, const Side& b, OpResult in_a, OpResult in_b, const SideNames& names) {
  const Costs costs_a = WithoutGauges(a.instance->costs()), costs_b = WithoutGauges(b.instance->costs());
  if (in_a == in_b && costs_a == costs_b && SameOwnCounters(*a.instance, *b.instance)) return std::nullopt;
  Comparison compare(names);
  compare.Text("outcome", OutcomeName(in_a.outcome), OutcomeName(in_b.outcome));
  compare.Address("address", in_a.address, in_b.address);
  if (a.instance->heap() != nullptr && b.instance->heap() != nullptr) {
    CompareCounts("heap", a.instance->heap()->Counts(), b.instance->heap()->Counts(), compare);
    compare.Address("break", a.instance->heap()->brk().raw(), b.instance->heap()->brk().raw());
  }
  CompareCounts("pages", a.instance->pages().Counts(), b.instance->pages().Counts(), compare);
  CompareCounts("machine", CountsOf(costs_a.vm), CountsOf(costs_b.vm), compare);
  return compare.difference();
}

// What of two machines cannot be the same, as one of them has a program where the other has an allocator of the catalogue.
struct OwnWays {
  bool heap = false, pages = false;
  bool any() const { return heap || pages; }
};
OwnWays OwnWaysOf(const InstanceConfig& a, const InstanceConfig& b) {
  return {IsGuest(a.heap_allocator) != IsGuest(b.heap_allocator), IsGuest(a.page_allocator) != IsGuest(b.page_allocator)};
}

// As Compare, of a program and an allocator of the catalogue.
std::optional<std::string> ComparePlacement(const Side& a, const Side& b, OpResult in_a, OpResult in_b, bool on_pages,
                                            const OwnWays& own, const SideNames& names) {
  Comparison compare(names);
  compare.Text("outcome", OutcomeName(in_a.outcome), OutcomeName(in_b.outcome));
  if (on_pages && own.heap) return compare.difference();  // the pages that the heap's program lies in are between
  if (in_a.address == 0 || in_b.address == 0) {
    compare.Address("address", in_a.address, in_b.address);
  } else {
    compare.Offset(on_pages ? "bytes from the first page to this one" : "bytes from the first block to this one",
                   a.Offset(in_a.address, on_pages), b.Offset(in_b.address, on_pages));
  }
  if (a.instance->heap() != nullptr && b.instance->heap() != nullptr) {
    const ProgramBreak &brk_a = a.instance->heap()->program_break(), &brk_b = b.instance->heap()->program_break();
    compare.Number("heap grows so far", brk_a.grows(), brk_b.grows());
    compare.Number("heap grown bytes so far", brk_a.grown_bytes(), brk_b.grown_bytes());
  }
  return compare.difference();
}

std::optional<std::string> CompareMetadata(const Side& a, const Side& b, std::uint64_t operations, const SideNames& names,
                                           const Interrupt& interrupt) {
  if (a.instance->heap() == nullptr || b.instance->heap() == nullptr) return std::nullopt;
  Comparison compare(names);
  compare.Text("digest of the heap's metadata at the end", TakeCheckpoint(*a.instance, operations, interrupt).metadata_sha256,
               TakeCheckpoint(*b.instance, operations, interrupt).metadata_sha256);
  return compare.difference();
}

constexpr std::size_t kAdmittedAtOnce = 256;  // operations

// How many of the next operations both sides may apply.
absl::StatusOr<std::size_t> Admit(const Side& a, const Side& b, std::span<const Operation> next,
                                  const SideCallbacks& callbacks) {
  next = next.first(std::min(next.size(), kAdmittedAtOnce));
  for (const auto& [admit, side] : {std::pair{&callbacks.admit_a, &a}, std::pair{&callbacks.admit_b, &b}}) {
    if (!*admit) continue;
    const absl::StatusOr<std::size_t> count = (*admit)(*side->driver, next);
    if (!count.ok()) return count;
    next = next.first(*count);
  }
  return next.size();
}

}  // namespace

absl::StatusOr<Difference> FindFirstDifference(const Trace& trace, const InstanceConfig& a, const InstanceConfig& b,
                                               const ProgressCallback& progress, const SideNames& names,
                                               const SideCallbacks& callbacks) {
  auto side_a = MakeSide(names.a, trace, a);
  if (!side_a.ok()) return side_a.status();
  auto side_b = MakeSide(names.b, trace, b);
  if (!side_b.ok()) return side_b.status();

  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  Clock::time_point asked = start;
  const std::uint64_t total = trace.operations.size();
  const OwnWays own = OwnWaysOf(a, b);
  const bool placement_only = own.any();
  std::uint64_t admitted = 0;
  for (std::uint64_t i = 0; i < total; ++i) {
    if (i == admitted) {
      const absl::StatusOr<std::size_t> more = Admit(*side_a, *side_b, std::span(trace.operations).subspan(i), callbacks);
      if (!more.ok()) return more.status();
      admitted += *more;
    }
    const OpResult in_a = side_a->Apply(trace.operations[i]);
    const OpResult in_b = side_b->Apply(trace.operations[i]);
    const bool on_pages = OnPages(trace.operations[i].kind);
    if (auto what = placement_only ? ComparePlacement(*side_a, *side_b, in_a, in_b, on_pages, own, names)
                                   : Compare(*side_a, *side_b, in_a, in_b, names)) {
      const std::string kind(OpKindName(trace.operations[i].kind));
      return Difference{i + 1, absl::StrFormat("operation %d (%s): %s", i + 1, kind, *what), false, placement_only};
    }
    const Clock::time_point now = progress ? Clock::now() : start;
    if (now - asked < std::chrono::milliseconds(10)) continue;
    asked = now;
    if (!progress({i + 1, total, static_cast<std::uint64_t>((now - start).count())}, *side_a->driver))
      return Difference{0, "", true, placement_only};
  }
  if (placement_only) return Difference{0, "", false, true};
  auto what = CompareMetadata(*side_a, *side_b, total, names, callbacks.interrupt);
  if (Interrupted(callbacks.interrupt)) return Difference{0, "", true};
  if (what) return Difference{total, *what, false};
  return Difference{};
}

}  // namespace alloclab

// Assignments: read, completed, checked, their traces loaded.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <numeric>
#include <optional>

#include "allocators/catalog/catalog.h"
#include "allocators/workload/run.h"
#include "clients/cli/grading.h"
#include "clients/cli/sdk_files.h"
#include "clients/common/text_file.h"
#include "clients/common/yaml_message.h"

namespace alloclab::client {
namespace {

constexpr std::uint64_t kReferenceRamBytes = 512ull << 20;
constexpr std::uint64_t kReferenceOwnBytes = 2 << 20;  // beside the arena, of a page allocator
constexpr std::uint8_t kPoison = 0xA5;

std::string OwnAssignment() {
  for (const SdkFile& file : SdkFiles()) {
    if (file.name == "assignment.yaml") return std::string(file.content.begin(), file.content.end());
  }
  return "";
}

absl::Status Wrong(const std::string& field, const std::string& what) {
  return absl::DataLossError(fmt::format("{}: {}", field, what));
}

absl::Status CheckQuality(const std::string& field, v1::GradedQuality& quality) {
  if (quality.full_at_percent() == 0) quality.set_full_at_percent(100);
  if (quality.points() > 10'000) return Wrong(field + ".points", fmt::format("{}; expected at most 10000", quality.points()));
  if (quality.full_at_percent() > 100'000) {
    return Wrong(field + ".full_at_percent", fmt::format("{}; expected at most 100000", quality.full_at_percent()));
  }
  if (quality.none_at_percent() >= quality.full_at_percent()) {
    return Wrong(field + ".none_at_percent", fmt::format("{}; expected less than full_at_percent, {}",
                                                         quality.none_at_percent(), quality.full_at_percent()));
  }
  return absl::OkStatus();
}

template <class Set>
absl::Status Bounded(const std::string& field, std::uint64_t given, std::uint64_t own, std::uint64_t least, std::uint64_t most,
                     Set set) {
  const std::uint64_t value = given != 0 ? given : own;
  if (value < least || value > most) return Wrong(field, fmt::format("{}; expected from {} to {}", value, least, most));
  set(value);
  return absl::OkStatus();
}

bool IsOneOf(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Whether it is one of page allocators, and that its reference is one too.
absl::Status CompleteReference(v1::Assignment& a, TrialOptions& options) {
  std::vector<std::string_view> names = GuestHeap::InterfaceNames(), paged_names = GuestPages::InterfaceNames();
  const bool paged_interface = IsOneOf(paged_names, a.interface());
  names.insert(names.end(), paged_names.begin(), paged_names.end());
  if (!a.interface().empty() && !IsOneOf(names, a.interface())) {
    return Wrong("interface", fmt::format("'{}'; expected one of {}", a.interface(), fmt::join(names, ", ")));
  }
  if (a.reference().empty()) a.set_reference(paged_interface ? "page-runs" : "segregated-fits");
  options.interface = a.interface();
  options.paged = FindPageAllocator(a.reference()).ok();
  if (!a.interface().empty() && *options.paged != paged_interface) {
    return Wrong("reference",
                 fmt::format("{} and interface {}; expected both of a heap or both of pages", a.reference(), a.interface()));
  }
  const auto found = FindHeapAllocator(a.reference());
  return *options.paged || found.ok() ? absl::OkStatus() : Wrong("reference", std::string(found.status().message()));
}

// Of page allocators: the fields that are of heaps alone are not said.
absl::Status CompletePages(const v1::Assignment& a, TrialOptions& options) {
  for (const auto& [field, said] : {std::pair{"alignment", a.alignment() != 0}, std::pair{"pool_bytes", a.pool_bytes() != 0},
                                    std::pair{"stack_bytes", a.stack_bytes() != 0}}) {
    if (said) return Wrong(field, "of a heap; expected none in an assignment of page allocators");
  }
  constexpr std::uint64_t kOwn = std::uint64_t{GuestPages::kArenaPagesUnasked} << kPageShift;
  absl::Status status =
      Bounded("heap_bytes_max", a.heap_bytes_max(), kOwn, kPageBytes, GuestHeapOptions::kLimitBytesMax,
              [&](std::uint64_t bytes) { options.pages.arena_pages = static_cast<std::uint32_t>(bytes / kPageBytes); });
  if (!status.ok()) return status;
  return Bounded("instructions_max", a.instructions_max(), options.pages.steps_max, 1, GuestPagesOptions::kStepsMax,
                 [&](std::uint64_t steps) { options.pages.steps_max = static_cast<std::uint32_t>(steps); });
}

absl::Status CompleteHeap(v1::Assignment& a, GuestHeapOptions& heap) {
  if (a.alignment() == 0) a.set_alignment(8);
  if (a.alignment() != 4 && a.alignment() != 8 && a.alignment() != 16) {
    return Wrong("alignment", fmt::format("{}; expected 4, 8 or 16", a.alignment()));
  }
  heap.alignment = a.alignment();
  const auto into = [](std::uint32_t& where) {
    return [&where](std::uint64_t value) { where = static_cast<std::uint32_t>(value); };
  };
  absl::Status status = Bounded("heap_bytes_max", a.heap_bytes_max(), heap.limit_bytes, kPageBytes,
                                GuestHeapOptions::kLimitBytesMax, into(heap.limit_bytes));
  if (!status.ok()) return status;
  status = Bounded("pool_bytes", a.pool_bytes(), std::min(heap.pool_bytes, heap.limit_bytes), kPageBytes, heap.limit_bytes,
                   into(heap.pool_bytes));
  if (!status.ok()) return status;
  status = Bounded("stack_bytes", a.stack_bytes(), heap.stack_bytes, kPageBytes, GuestHeapOptions::kStackBytesMax,
                   into(heap.stack_bytes));
  if (!status.ok()) return status;
  return Bounded("instructions_max", a.instructions_max(), heap.steps_max, 1, GuestHeapOptions::kStepsMax,
                 into(heap.steps_max));
}

// Fills in defaults, and says what the machine will be.
absl::Status Complete(v1::Assignment& a, TrialOptions& options) {
  for (const auto& [field, quality] :
       {std::pair{"correctness", a.mutable_correctness()}, std::pair{"utilisation", a.mutable_utilisation()},
        std::pair{"speed", a.mutable_speed()}}) {
    if (absl::Status status = CheckQuality(field, *quality); !status.ok()) return status;
  }
  if (a.correctness().points() + a.utilisation().points() + a.speed().points() == 0) {
    return Wrong("speed", "nothing has points; expected points for correctness, utilisation or speed");
  }
  absl::Status status = CompleteReference(a, options);
  if (!status.ok()) return status;
  status = *options.paged ? CompletePages(a, options) : CompleteHeap(a, options.heap);
  if (!status.ok()) return status;
  options.fresh_byte = a.fresh_memory() == v1::Assignment::POISON ? kPoison : 0;
  options.check = a.check();
  options.check_every = a.check_every() != 0 ? a.check_every() : 1;
  if (a.traces().empty()) return Wrong("traces", "none; expected at least one");
  if (a.traces_size() > kGradedTracesMax)
    return Wrong("traces", fmt::format("{}; expected at most {}", a.traces_size(), kGradedTracesMax));
  return absl::OkStatus();
}

// Files of the directories that are traces, by the digest of what is in them. Read once, when a hidden trace is first looked
// for.
class HiddenTraces {
 public:
  explicit HiddenTraces(const std::vector<std::string>& directories) : directories_(directories) {}

  absl::StatusOr<std::optional<LocalWorkload>> Find(const std::string& sha256) {
    if (!read_) {
      if (absl::Status status = Read(); !status.ok()) return status;
    }
    const auto found = paths_.find(sha256);
    if (found == paths_.end()) return std::nullopt;
    absl::StatusOr<LocalWorkload> loaded = LoadLocalWorkload(found->second, 0, 0);
    if (!loaded.ok()) return loaded.status();
    return *std::move(loaded);
  }

 private:
  absl::Status Read() {
    read_ = true;
    for (const std::string& directory : directories_) {
      std::error_code error;
      for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
        if (!entry.is_regular_file()) continue;
        const std::string path = entry.path().string();
        if (const auto loaded = LoadLocalWorkload(path, 0, 0); loaded.ok()) {
          paths_.emplace(TraceDigest(loaded->trace.operations), path);
        }
      }
      if (error) return absl::DataLossError(fmt::format("--traces {}: {}", directory, error.message()));
    }
    return absl::OkStatus();
  }

  const std::vector<std::string>& directories_;
  bool read_ = false;
  std::map<std::string, std::string> paths_;
};

absl::Status CheckKind(const std::string& field, const Trace& trace, bool paged) {
  if (!paged && trace.page_handles != 0) {
    return Wrong(field,
                 "it has operations on pages; expected a workload of a heap alone: an assignment of page allocators has "
                 "one as its reference");
  }
  if (paged && trace.heap_handles != 0) {
    return Wrong(field, "it has operations on a heap; expected a workload of pages alone: the reference is a page allocator");
  }
  return absl::OkStatus();
}

absl::Status LoadTrace(const std::string& field, const std::string& folder, HiddenTraces& hidden, GradingTrace& trace) {
  v1::GradedTrace& rules = trace.rules;
  if (!rules.has_weight()) rules.set_weight(1);
  if (rules.weight() == 0 || rules.weight() > 1000)
    return Wrong(field + ".weight", fmt::format("{}; expected from 1 to 1000", rules.weight()));
  if (!rules.sha256().empty() &&
      (rules.sha256().size() != 64 || rules.sha256().find_first_not_of("0123456789abcdef") != std::string::npos)) {
    return Wrong(field + ".sha256", fmt::format("'{}'; expected 64 hexadecimal digits", rules.sha256()));
  }
  if (rules.workload().empty()) {
    if (rules.sha256().empty()) return Wrong(field, "neither a workload nor a sha256; expected one of them");
    rules.set_hidden(true);
    trace.label = rules.label().empty() ? fmt::format("hidden {}", rules.sha256().substr(0, 8)) : rules.label();
    absl::StatusOr<std::optional<LocalWorkload>> found = hidden.Find(rules.sha256());
    if (!found.ok()) return found.status();
    trace.present = found->has_value();
    if (trace.present) trace.workload = **std::move(found);
    return absl::OkStatus();
  }
  const bool is_file = rules.workload().find_first_of("./") != std::string::npos;
  const std::string argument = is_file && rules.workload().front() != '/' ? folder + rules.workload() : rules.workload();
  absl::StatusOr<LocalWorkload> loaded = LoadLocalWorkload(argument, rules.seed(), rules.operations());
  if (!loaded.ok()) return Wrong(field + ".workload", std::string(loaded.status().message()));
  trace.present = true;
  trace.workload = *std::move(loaded);
  trace.label = rules.label().empty() ? trace.workload.name : rules.label();
  if (rules.sha256().empty()) return absl::OkStatus();
  const std::string digest = TraceDigest(trace.workload.trace.operations);
  if (digest != rules.sha256()) return Wrong(field + ".sha256", fmt::format("the trace's is {}", digest));
  return absl::OkStatus();
}

absl::Status RunReference(const std::string& field, const GradingPlan& plan, GradingTrace& trace) {
  const std::string& reference = plan.assignment.reference();
  const bool paged = *plan.options.paged;
  InstanceConfig config;
  config.ram_bytes =
      paged ? (std::uint64_t{plan.options.pages.arena_pages} << kPageShift) + kReferenceOwnBytes : kReferenceRamBytes;
  config.heap_allocator = paged ? "none" : reference;
  if (paged) config.page_allocator = reference;
  const absl::StatusOr<RunResult> run = ExecuteRun(trace.workload.trace, config, {});
  if (!run.ok()) return Wrong(field, fmt::format("the reference {}: {}", reference, std::string(run.status().message())));
  const auto& served = run->counters.outcomes[static_cast<std::size_t>(OpKind::kAllocatePages)];
  const std::uint64_t refused = std::accumulate(served.begin() + 1, served.end(), std::uint64_t{0});
  if (refused != 0) return Wrong(field, fmt::format("the reference {} refuses {} of its operations", reference, refused));
  trace.reference_cycles = run->simulated_cycles_386;
  return absl::OkStatus();
}

absl::Status LoadTraces(const std::string& folder, const std::vector<std::string>& directories, GradingPlan& plan) {
  HiddenTraces hidden(directories);
  for (int i = 0; i < plan.assignment.traces_size(); ++i) {
    const std::string field = fmt::format("traces[{}]", i);
    GradingTrace& trace = plan.traces.emplace_back();
    trace.rules = plan.assignment.traces(i);
    if (absl::Status status = LoadTrace(field, folder, hidden, trace); !status.ok()) return status;
    if (!trace.present) continue;
    if (absl::Status status = CheckKind(field, trace.workload.trace, *plan.options.paged); !status.ok()) return status;
    if (plan.assignment.speed().points() == 0) continue;
    if (absl::Status status = RunReference(field, plan, trace); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<GradingPlan> LoadAssignment(const std::string& path, const std::vector<std::string>& traces) {
  std::string text = OwnAssignment();
  if (!path.empty()) {
    absl::StatusOr<std::string> read = ReadTextFile(path);
    if (!read.ok()) return read.status();
    text = *std::move(read);
  }
  const std::string name = path.empty() ? "assignment.yaml" : path;
  GradingPlan plan;
  Places places;
  if (absl::Status status = ParseYaml(text, name, plan.assignment, places); !status.ok()) return status;
  absl::Status status = Complete(plan.assignment, plan.options);
  if (status.ok()) status = LoadTraces(path.substr(0, path.rfind('/') + 1), traces, plan);
  if (!status.ok()) {
    return absl::DataLossError(Locate(std::string(status.message()), name, places));
  }
  return plan;
}

}  // namespace alloclab::client

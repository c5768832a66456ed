#include "server/collections/trace_library.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "absl/time/clock.h"
#include "allocators/workload/builtins.h"
#include "server/collections/guest_library.h"
#include "server/collections/owner_with_most.h"
#include "server/entities/memory_lease.h"
#include "server/errors.h"
#include "server/limits.h"

namespace alloclab::server {
namespace {

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

std::uint64_t HeldBytes(const TraceEntry& entry) { return entry.trace->host_bytes(); }

absl::StatusOr<std::uint64_t> CheckLength(std::uint64_t operations) {
  if (operations > kWorkloadOperationsMax) return errors::WorkloadTooLong(operations, kWorkloadOperationsMax);
  return operations;
}

// Saturating, so that no sum of phases wraps into what is allowed.
std::uint64_t SumOfPhases(const WorkloadSpec& spec) {
  std::uint64_t sum = 0;
  for (const Phase& phase : spec.phases) sum += std::min(phase.operations, kWorkloadOperationsMax + 1);
  return sum;
}

absl::StatusOr<std::uint64_t> CountBuiltin(const BuiltinChoice& choice) {
  const auto builtins = BuiltinWorkloads();
  const auto found = std::find_if(builtins.begin(), builtins.end(), [&](const auto& b) { return b.name == choice.name; });
  if (found == builtins.end()) return MakeBuiltin(choice.name, 0, 1).status();
  if (!std::holds_alternative<WorkloadSpec>(found->content) && choice.seed != 0) {
    const bool recorded = std::holds_alternative<std::string_view>(found->content);
    return errors::BadField("workload.builtin.seed",
                            fmt::format("{} is {} and has no seed", choice.name, recorded ? "recorded" : "always the same"));
  }
  if (choice.operations != 0) return CheckLength(choice.operations);
  if (const auto* spec = std::get_if<WorkloadSpec>(&found->content)) return CheckLength(SumOfPhases(*spec));
  const absl::StatusOr<Trace> trace = MakeBuiltin(choice.name, 0, 0);
  if (!trace.ok()) return trace.status();
  return trace->operations.size();
}

// A trace and the memory that was taken for it.
struct LeasedTrace {
  explicit LeasedTrace(std::shared_ptr<HostBudget> budget) : lease(std::move(budget)) {}

  MemoryLease lease;
  Trace trace;
};

// Nothing but the trace is held from now on.
std::shared_ptr<const Trace> Settled(std::shared_ptr<LeasedTrace> leased, Trace trace) {
  leased->trace = std::move(trace);
  leased->lease.Settle(leased->trace.host_bytes());
  return {leased, &leased->trace};
}

// What the generator holds of a live block, at most: its places in lists that double.
constexpr std::uint64_t kLiveBlockBytes = 96;

// 0 of what is recorded.
std::uint64_t LiveBlocksMax(const RunRequest& request) {
  if (const auto* spec = std::get_if<WorkloadSpec>(&request.workload)) return LiveBlocksMax(*spec);
  const auto* choice = std::get_if<BuiltinChoice>(&request.workload);
  for (const BuiltinWorkload& builtin : BuiltinWorkloads()) {
    const auto* spec = std::get_if<WorkloadSpec>(&builtin.content);
    if (choice != nullptr && builtin.name == choice->name && spec != nullptr) return LiveBlocksMax(*spec);
  }
  return 0;
}

// Programs lie in the same table (guest_library.h).
bool IsTrace(const StoredTrace& row) { return !IsGuestFormat(row.format); }

// Nothing: there is no trace of that digest.
absl::StatusOr<std::optional<StoredTrace>> FindInfo(const RunStore& store, std::string_view sha256) {
  absl::StatusOr<std::optional<StoredTrace>> row = store.FindTraceInfo(sha256);
  if (row.ok() && row->has_value() && !IsTrace(**row)) return std::nullopt;
  return row;
}

}  // namespace

absl::StatusOr<TraceEntry> TraceLibrary::Add(std::string bytes, const std::string& name, const Interrupt& interrupt,
                                             const std::function<void(std::uint64_t)>& make_room, const std::string& owner) {
  const absl::StatusOr<std::shared_ptr<const Trace>> trace = Read(bytes, name, interrupt, owner);
  if (!trace.ok()) return trace.status();
  TraceEntry entry{TraceDigest((*trace)->operations, interrupt), *trace};
  if (Interrupted(interrupt)) return errors::CallCancelled();
  const absl::StatusOr<std::optional<StoredTrace>> known = store_.FindTrace(entry.sha256);
  if (!known.ok()) return known.status();
  const bool is_same = known->has_value() && (*known)->content == bytes && (*known)->name == name;
  if (is_same || (known->has_value() && (*known)->owner != owner)) {
    Cache(entry, owner);
    return entry;
  }
  // Of two files with the same operations the last replaces the first, so that a run submitted with it has its name, its notes
  // and its call sites.
  const std::uint64_t replaced = known->has_value() ? (*known)->content.size() : 0;
  absl::Status room = store_.CheckRoomOf(owner, bytes.size() - std::min(replaced, bytes.size()), bytes_of_one_max_);
  if (!room.ok()) return room;
  absl::StatusOr<std::uint64_t> stored = store_.TraceBytes();
  if (stored.ok() && *stored + bytes.size() > bytes_max_ + replaced && bytes.size() <= bytes_max_) {
    make_room(bytes.size());
    stored = store_.TraceBytes();
  }
  if (!stored.ok()) return stored.status();
  if (*stored + bytes.size() > bytes_max_ + replaced) return errors::TraceStoreFull(bytes_max_);
  MemoryLease record(budget_->Of(owner));  // SQLite makes the row as a whole before it writes it
  if (absl::Status status = record.Take(2 * bytes.size()); !status.ok()) return status;
  StoredTrace row;
  row.sha256 = entry.sha256;
  row.name = name;
  row.format = entry.trace->format;
  row.operations = entry.trace->operations.size();
  row.content = std::move(bytes);
  row.owner = owner;
  row.upload_time = absl::Now();
  if (absl::Status status = store_.PutTraceWithin(row, bytes_of_one_max_); !status.ok()) return status;
  Cache(entry, owner);
  return entry;
}

absl::StatusOr<TraceList> TraceLibrary::List(std::uint64_t before, std::size_t size) const {
  TraceList list;
  std::uint64_t next = before == 0 ? INT64_MAX : before;
  while (true) {
    const std::size_t wanted = size + 1 - list.traces.size() - list.damaged.size();
    absl::StatusOr<TraceList> rows = store_.ListTraces(next, wanted);
    if (!rows.ok()) return rows.status();
    const std::size_t read = rows->traces.size() + rows->damaged.size();
    for (const std::uint64_t id : rows->damaged) next = std::min(next, id);
    for (StoredTrace& row : rows->traces) {
      next = std::min(next, row.id);
      if (IsTrace(row)) list.traces.push_back(std::move(row));
    }
    list.damaged.insert(list.damaged.end(), rows->damaged.begin(), rows->damaged.end());
    if (read < wanted || list.traces.size() + list.damaged.size() > size) return list;
  }
}

absl::StatusOr<StoredTrace> TraceLibrary::Find(const std::string& sha256) const {
  const absl::StatusOr<std::optional<StoredTrace>> known = FindInfo(store_, sha256);
  if (!known.ok()) return known.status();
  if (!known->has_value()) return errors::StoredTraceNotFound(sha256);
  return **known;
}

absl::Status TraceLibrary::Delete(const std::string& sha256) {
  const absl::StatusOr<std::optional<StoredTrace>> known = FindInfo(store_, sha256);
  if (known.ok() && !known->has_value()) return errors::StoredTraceNotFound(sha256);
  if (!known.ok() && !absl::IsDataLoss(known.status())) return known.status();  // a damaged one may be deleted
  if (absl::Status status = store_.DeleteTrace(sha256); !status.ok()) return status;
  const MutexLock lock(mutex_);
  cache_.remove_if([&](const Kept& kept) { return kept.entry.sha256 == sha256; });
  return absl::OkStatus();
}

absl::StatusOr<std::uint64_t> TraceLibrary::CountOperations(const RunRequest& request) const {
  return std::visit(Overloaded{
                        [](const BuiltinChoice& choice) { return CountBuiltin(choice); },
                        [](const WorkloadSpec& spec) { return CheckLength(SumOfPhases(spec)); },
                        [this](const UploadedTrace& trace) -> absl::StatusOr<std::uint64_t> {
                          const auto found = FindInfo(store_, trace.sha256);
                          if (!found.ok()) return found.status();
                          if (!found->has_value()) return errors::TraceNotFound(trace.sha256);
                          return (*found)->operations;
                        },
                    },
                    request.workload);
}

absl::StatusOr<bool> TraceLibrary::HasPageOperations(const RunRequest& request, const Interrupt& interrupt) {
  if (const auto* spec = std::get_if<WorkloadSpec>(&request.workload)) {
    return std::any_of(spec->phases.begin(), spec->phases.end(),
                       [](const Phase& phase) { return phase.pages || phase.pages_weight != 0; });
  }
  const absl::StatusOr<std::shared_ptr<const Trace>> trace = Load(request, interrupt);
  if (!trace.ok()) return trace.status();
  return std::any_of((*trace)->operations.begin(), (*trace)->operations.end(),
                     [](const Operation& operation) { return OnPages(operation.kind); });
}

absl::StatusOr<std::string> TraceLibrary::FileName(const RunRequest& request) const {
  const auto* uploaded = std::get_if<UploadedTrace>(&request.workload);
  if (uploaded == nullptr) return "";
  const absl::StatusOr<std::optional<StoredTrace>> trace = FindInfo(store_, uploaded->sha256);
  if (!trace.ok()) return trace.status();
  if (!trace->has_value()) return errors::TraceNotFound(uploaded->sha256);
  return (*trace)->name;
}

std::optional<TraceFile> TraceLibrary::FileAtHand(const RunRequest& request) {
  const auto* uploaded = std::get_if<UploadedTrace>(&request.workload);
  const std::shared_ptr<const Trace> trace = uploaded != nullptr ? Cached(uploaded->sha256) : nullptr;
  if (trace == nullptr) return std::nullopt;
  return TraceFile{trace->format, trace->notes};
}

absl::StatusOr<std::shared_ptr<const Trace>> TraceLibrary::Load(const RunRequest& request, const Interrupt& interrupt) {
  return std::visit(Overloaded{
                        [&](const BuiltinChoice& choice) {
                          return Make(request,
                                      [&] { return MakeBuiltin(choice.name, choice.seed, choice.operations, interrupt); });
                        },
                        [&](const WorkloadSpec& spec) { return Make(request, [&] { return Generate(spec, interrupt); }); },
                        [&](const UploadedTrace& trace) { return LoadUploaded(trace.sha256, interrupt, request.owner); },
                    },
                    request.workload);
}

absl::StatusOr<std::shared_ptr<const Trace>> TraceLibrary::Make(const RunRequest& request,
                                                                absl::FunctionRef<absl::StatusOr<Trace>()> make) const {
  const absl::StatusOr<std::uint64_t> operations = CountOperations(request);
  if (!operations.ok()) return operations.status();
  auto leased = std::make_shared<LeasedTrace>(budget_->Of(request.owner));
  constexpr std::uint64_t kMore = 4096;  // a built-in of a given length is cut from one that is a little longer
  const std::uint64_t bytes = (*operations + kMore) * sizeof(Operation) + LiveBlocksMax(request) * kLiveBlockBytes;
  if (absl::Status status = leased->lease.Take(bytes); !status.ok()) return status;
  absl::StatusOr<Trace> trace = make();
  if (!trace.ok()) return trace.status();
  return Settled(std::move(leased), *std::move(trace));
}

absl::StatusOr<std::shared_ptr<const Trace>> TraceLibrary::Read(std::string_view bytes, std::string_view name,
                                                                const Interrupt& interrupt, const std::string& owner) {
  auto leased = std::make_shared<LeasedTrace>(budget_->Of(owner));
  TraceLimits limits{.operations_max = kWorkloadOperationsMax, .inflated_bytes_max = kTraceInflatedBytesMax};
  limits.admit = [&lease = leased->lease](std::uint64_t held) { return lease.TakeUpTo(held); };
  limits.interrupt = interrupt;
  absl::StatusOr<Trace> trace = ReadTrace(bytes, name, limits);
  if (!trace.ok()) return trace.status();
  return Settled(std::move(leased), *std::move(trace));
}

absl::StatusOr<std::shared_ptr<const Trace>> TraceLibrary::LoadUploaded(const std::string& sha256, const Interrupt& interrupt,
                                                                        const std::string& owner) {
  if (std::shared_ptr<const Trace> trace = Cached(sha256)) return trace;
  MemoryLease file(budget_->Of(owner));
  const absl::StatusOr<std::optional<StoredTrace>> info = FindInfo(store_, sha256);
  if (!info.ok()) return info.status();
  if (!info->has_value()) return errors::TraceNotFound(sha256);
  if (absl::Status status = file.Take(2 * (*info)->bytes); !status.ok()) return status;  // the row, and the file
  const absl::StatusOr<std::optional<StoredTrace>> stored = store_.FindTrace(sha256);
  if (!stored.ok()) return stored.status();
  if (!stored->has_value()) return errors::TraceNotFound(sha256);
  const absl::StatusOr<std::shared_ptr<const Trace>> trace = Read((*stored)->content, (*stored)->name, interrupt, owner);
  if (trace.ok()) Cache({sha256, *trace}, owner);
  return trace;
}

std::shared_ptr<const Trace> TraceLibrary::Cached(const std::string& sha256) {
  const MutexLock lock(mutex_);
  const auto found = std::find_if(cache_.begin(), cache_.end(), [&](const Kept& kept) { return kept.entry.sha256 == sha256; });
  if (found == cache_.end()) return nullptr;
  cache_.splice(cache_.begin(), cache_, found);
  return found->entry.trace;
}

void TraceLibrary::Cache(const TraceEntry& entry, const std::string& owner) {
  // What is kept ready keeps nobody from working: of a small budget it is a small part.
  const std::uint64_t share = budget_->limits().held_bytes / kTraceCachePart;
  const MutexLock lock(mutex_);
  cache_.remove_if([&](const Kept& other) { return other.entry.sha256 == entry.sha256; });
  if (HeldBytes(entry) > share) return;
  cache_.push_front({entry, owner});
  std::uint64_t held = 0;
  std::map<std::string, std::uint64_t> of_owner;
  for (const Kept& kept : cache_) {
    held += HeldBytes(kept.entry);
    of_owner[kept.owner] += HeldBytes(kept.entry);
  }
  while (held > std::min(kTraceCacheBytes, share) && cache_.size() > 1) {
    const std::string most = OwnerWithMost(of_owner, owner);
    const auto last = std::find_if(cache_.rbegin(), cache_.rend(), [&most](const Kept& kept) { return kept.owner == most; });
    const std::uint64_t bytes = HeldBytes(last->entry);
    held -= bytes;
    of_owner[most] -= bytes;
    cache_.erase(std::prev(last.base()));
  }
}

}  // namespace alloclab::server

#include "server/collections/guest_library.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/time/clock.h"
#include "allocators/common/sha256.h"
#include "allocators/guest/guest_pages.h"
#include "server/entities/memory_lease.h"
#include "server/errors.h"
#include "server/guest_limits.h"
#include "server/limits.h"
#include "server/log.h"

namespace alloclab::server {
namespace {

// A program and the memory that was taken for it.
struct LeasedProgram {
  explicit LeasedProgram(std::shared_ptr<HostBudget> budget) : lease(std::move(budget)) {}

  MemoryLease lease;
  std::optional<ElfProgram> program;
};

std::string DigestOf(std::string_view file) {
  Sha256 digest;
  digest.Update(file);
  return digest.HexDigest();
}

absl::Status NotFound(const std::string& digits) {
  return absl::NotFoundError(
      fmt::format("guest: no program's sha256 begins with {}; the server has those that `alloclab guests list` shows", digits));
}

}  // namespace

GuestLibrary::GuestLibrary(RunStore& store, std::shared_ptr<HostBudget> budget, std::uint64_t bytes_max, bool retire,
                           std::uint64_t bytes_of_one_max)
    : store_(store), budget_(std::move(budget)), bytes_max_(bytes_max), bytes_of_one_max_(bytes_of_one_max), retire_(retire) {
  Enter();
}

absl::StatusOr<std::shared_ptr<const ElfProgram>> GuestLibrary::Read(std::string_view file) const {
  auto leased = std::make_shared<LeasedProgram>(budget_);
  if (absl::Status status = leased->lease.Take(kGuestReadBytes); !status.ok()) return status;
  absl::StatusOr<ElfProgram> program = ElfProgram::Parse(file);
  if (!program.ok()) return program.status();
  leased->program = *std::move(program);
  leased->lease.Settle(leased->program->host_bytes());
  return std::shared_ptr<const ElfProgram>(leased, &*leased->program);
}

absl::StatusOr<StoredTrace> GuestLibrary::Add(std::string bytes, const std::string& file_name, const std::string& owner) {
  const absl::StatusOr<std::shared_ptr<const ElfProgram>> program = Read(bytes);
  if (!program.ok()) return program.status();
  const std::string sha256 = DigestOf(bytes);
  const absl::StatusOr<std::optional<StoredTrace>> known = store_.FindTraceInfo(sha256);
  if (!known.ok()) return known.status();
  if (known->has_value() && ((*known)->name == file_name || (*known)->owner != owner)) return **known;
  if (!known->has_value()) {
    if (absl::Status status = CheckNameFree(sha256); !status.ok()) return status;
    if (absl::Status status = store_.CheckRoomOf(owner, bytes.size(), bytes_of_one_max_); !status.ok()) return status;
    if (absl::Status status = MakeRoom(bytes.size(), owner); !status.ok()) return status;
  }
  StoredTrace row;
  row.sha256 = sha256;
  row.name = file_name;
  row.format = GuestPages::IsIn(**program) ? kPageGuestFormat : kGuestFormat;
  row.bytes = bytes.size();
  row.content = std::move(bytes);
  row.owner = owner;
  row.upload_time = absl::Now();
  MemoryLease record(budget_);  // SQLite makes the row as a whole before it writes it
  if (absl::Status status = record.Take(2 * row.bytes); !status.ok()) return status;
  if (absl::Status status = store_.PutTraceWithin(row, bytes_of_one_max_); !status.ok()) return status;
  const absl::StatusOr<std::optional<StoredTrace>> kept = store_.FindTraceInfo(sha256);  // another's, who came first
  if (kept.ok() && kept->has_value()) return **kept;
  row.content.clear();
  return row;
}

absl::Status GuestLibrary::CheckNameFree(const std::string& sha256) const {
  const std::string digits = sha256.substr(0, kGuestDigits);
  const absl::Status found = FindByDigits(digits).status();
  if (absl::IsNotFound(found) && !IsAnotherUsed(digits, sha256)) return absl::OkStatus();
  if (!found.ok() && !absl::IsNotFound(found) && !absl::IsInvalidArgument(found))
    return found;  // which says of several that there are
  return absl::AlreadyExistsError(fmt::format(
      "guest: the sha256 of another program begins with {} too, by which programs are named; change a byte of the file",
      digits));
}

bool GuestLibrary::IsAnotherUsed(const std::string& digits, const std::string& sha256) const {
  const MutexLock lock(mutex_);
  return std::any_of(kept_.lower_bound(digits), kept_.end(), [&](const auto& kept) {
    return kept.first.starts_with(digits) && kept.first != sha256 && !kept.second.program.expired();
  });
}

absl::Status GuestLibrary::MakeRoom(std::uint64_t bytes, const std::string& owner) {
  absl::StatusOr<std::vector<StoredTrace>> programs = List();
  if (!programs.ok()) return programs.status();
  absl::StatusOr<std::uint64_t> stored = store_.TraceBytes();
  if (!stored.ok()) return stored.status();
  struct Held {
    std::uint64_t bytes = 0;
    std::size_t programs = 0;
  };
  std::map<std::string, Held> held;
  for (const StoredTrace& program : *programs) {
    held[program.owner].bytes += program.bytes;
    ++held[program.owner].programs;
  }
  Held& his = held[owner];
  if (!owner.empty() && his.programs >= kGuestProgramsMax / 2) {
    return absl::ResourceExhaustedError(
        fmt::format("{} has {} programs, half of what the server keeps, the most that one may have; delete some: alloclab "
                    "guests delete",
                    owner, his.programs));
  }
  his.bytes += bytes;
  ++his.programs;
  std::vector<StoredTrace> kept;
  const auto short_of_bytes = [&] { return *stored + bytes > bytes_max_; };
  const auto full = [&] { return short_of_bytes() || programs->size() + kept.size() >= kGuestProgramsMax; };
  while (retire_ && full() && !programs->empty()) {
    const StoredTrace oldest = std::move(programs->back());
    programs->pop_back();
    Held& its = held[oldest.owner];
    const bool has_less = short_of_bytes() ? its.bytes <= his.bytes : its.programs <= his.programs;
    const bool spared = oldest.owner != owner && has_less;
    if (spared || IsUsed(oldest.sha256) || !store_.DeleteTrace(oldest.sha256).ok()) {
      kept.push_back(oldest);
      continue;
    }
    its.bytes -= oldest.bytes;
    --its.programs;
    *stored -= std::min(*stored, oldest.bytes);
    Log(LogLevel::kInfo, "guest.retired", {{"name", oldest.name}, {"sha256", oldest.sha256}, {"bytes", oldest.bytes}});
  }
  if (short_of_bytes()) return errors::TraceStoreFull(bytes_max_);
  if (!full()) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      fmt::format("the server keeps {} programs, as many as it may; delete some: alloclab guests delete", kGuestProgramsMax));
}

absl::StatusOr<std::vector<StoredTrace>> GuestLibrary::List() const {
  std::vector<StoredTrace> programs;
  std::uint64_t before = INT64_MAX;
  while (true) {
    absl::StatusOr<TraceList> page = store_.ListTraces(before, kListTracesMax);
    if (!page.ok()) return page.status();
    const std::size_t rows = page->traces.size() + page->damaged.size();
    for (const std::uint64_t id : page->damaged) before = std::min(before, id);
    for (StoredTrace& row : page->traces) {
      before = std::min(before, row.id);
      if (IsGuestFormat(row.format)) programs.push_back(std::move(row));
    }
    if (rows < kListTracesMax) return programs;
  }
}

absl::StatusOr<StoredTrace> GuestLibrary::FindByDigits(const std::string& digits) const {
  if (digits.size() == kGuestDigitsMax) {
    const absl::StatusOr<std::optional<StoredTrace>> stored = store_.FindTraceInfo(digits);
    if (!stored.ok()) return stored.status();
    if (!stored->has_value() || !IsGuestFormat((*stored)->format)) return NotFound(digits);
    return **stored;
  }
  absl::StatusOr<std::vector<StoredTrace>> programs = List();
  if (!programs.ok()) return programs.status();
  std::erase_if(*programs, [&](const StoredTrace& program) { return !program.sha256.starts_with(digits); });
  if (programs->empty()) return NotFound(digits);
  if (programs->size() == 1) return programs->front();
  return absl::InvalidArgumentError(
      fmt::format("guest: the sha256 of {} programs begins with {}; name more of its digits", programs->size(), digits));
}

absl::StatusOr<StoredTrace> GuestLibrary::Find(std::string_view name) const {
  const absl::StatusOr<GuestName> parsed = GuestName::Parse(name);
  if (!parsed.ok()) return parsed.status();
  return FindByDigits(parsed->digits);
}

absl::StatusOr<GuestProgram> GuestLibrary::FindProgram(const std::string& digits) {
  if (digits.size() >= kGuestDigits) {
    const MutexLock lock(mutex_);
    const auto found = kept_.lower_bound(digits);
    if (found != kept_.end() && found->first.starts_with(digits)) {
      if (auto program = found->second.program.lock()) return GuestProgram{found->second.label, found->first, program};
    }
  }
  const absl::StatusOr<StoredTrace> info = FindByDigits(digits);
  if (!info.ok()) return info.status();
  MemoryLease file(budget_);
  if (absl::Status status = file.Take(2 * info->bytes); !status.ok()) return status;  // the row, and the file
  const absl::StatusOr<std::optional<StoredTrace>> stored = store_.FindTrace(info->sha256);
  if (!stored.ok()) return stored.status();
  if (!stored->has_value()) return NotFound(digits);
  const absl::StatusOr<std::shared_ptr<const ElfProgram>> program = Read((*stored)->content);
  if (!program.ok()) return program.status();
  const MutexLock lock(mutex_);
  std::erase_if(kept_, [](const auto& kept) { return kept.second.program.expired(); });
  kept_[info->sha256] = {GuestLabel(info->name), *program};
  return GuestProgram{GuestLabel(info->name), info->sha256, *program};
}

std::vector<GuestListed> GuestLibrary::ListPrograms() {
  std::vector<GuestListed> listed;
  const absl::StatusOr<std::vector<StoredTrace>> programs = List();
  if (!programs.ok()) return listed;
  const MutexLock lock(mutex_);
  for (std::size_t i = 0; i < std::min(programs->size(), kGuestsListed); ++i) {
    const StoredTrace& program = (*programs)[i];
    const auto kept = kept_.find(program.sha256);
    listed.push_back(
        {NameOf(program), kept != kept_.end() ? kept->second.program.lock() : nullptr, program.format == kPageGuestFormat});
  }
  return listed;
}

bool GuestLibrary::IsUsed(const std::string& sha256) const {
  const MutexLock lock(mutex_);
  const auto found = kept_.find(sha256);
  return found != kept_.end() && !found->second.program.expired();
}

absl::Status GuestLibrary::Delete(std::string_view name) {
  const absl::StatusOr<StoredTrace> program = Find(name);
  if (!program.ok()) return program.status();
  return store_.DeleteTrace(program->sha256);
}

}  // namespace alloclab::server

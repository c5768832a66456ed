#include "server/store/store_doctor.h"

#include <fmt/format.h>

#include <fstream>
#include <functional>
#include <memory>
#include <system_error>
#include <utility>

#include "proto/converters/json.h"
#include "server/converters/run_converter.h"
#include "server/errors.h"
#include "server/store/data_lock.h"
#include "server/store/database.h"
#include "server/store/run_codec.h"
#include "server/store/schema.h"
#include "server/store/store_copy.h"

namespace alloclab::server {
namespace {

constexpr char kDatabase[] = "alloclab.db";
// Beside it: what the database did not take, and who may come in: without it the copy would let everybody in.
constexpr const char* kCompanions[] = {"ends", "tokens"};

struct LockedStore {
  DataLock lock;
  std::filesystem::path file;
};

absl::StatusOr<std::filesystem::path> FindStore(const std::filesystem::path& directory) {
  const std::filesystem::path file = directory / kDatabase;
  if (!std::filesystem::exists(file))
    return absl::NotFoundError(fmt::format("--data-dir {}: no store is there", directory.string()));
  if (IsFirstSchema(file)) {
    return errors::DataDirectoryUnusable(
        directory.string(), "its store is of an older version, without checksums; starting the server once makes it new");
  }
  return file;
}

absl::StatusOr<LockedStore> LockStore(const std::filesystem::path& directory) {
  const absl::StatusOr<std::filesystem::path> found = FindStore(directory);
  if (!found.ok()) return found.status();
  const std::filesystem::path& file = *found;
  absl::StatusOr<DataLock> lock = DataLock::Acquire(directory);
  if (!lock.ok()) return lock.status();
  if (absl::Status status = lock->AddDatabase(file); !status.ok()) return status;
  return LockedStore{*std::move(lock), file};
}

void CheckStructure(Database::Session& session, StoreReport& report) {
  Statement query = session.Prepare("PRAGMA integrity_check(100)");
  absl::StatusOr<bool> row = query.Step();
  for (; row.ok() && *row; row = query.Step()) {
    if (query.Text(0) != "ok") report.structure.push_back(query.Text(0));
  }
  if (absl::IsDataLoss(row.status())) {
    report.structure.emplace_back(
        "a page does not have the checksum that it was written with; what lies behind it was not looked at");
  } else if (!row.ok()) {
    report.structure.emplace_back(row.status().message());
  }
}

void CheckCounter(Database::Session& session, StoreReport& report) {
  Statement query = session.Prepare("SELECT count(*) FROM next_instance_id WHERE sum = row_sum(value)");
  const absl::StatusOr<bool> row = query.Step();
  if (!row.ok() || query.Int(0) != 1) report.damaged.emplace_back("the next instance id: it is not what was written");
}

// Hands over the ids of the whole rows, and reports the others.
absl::Status ForEachWhole(Database::Session& session, StoreReport& report,
                          const std::function<absl::Status(const SummedTable&, std::uint64_t)>& take) {
  for (const SummedTable& table : SummedTables()) {
    for (const std::uint64_t id : FindIds(session, table)) {
      if (absl::Status status = CheckRow(session, table, id); !status.ok()) {
        report.damaged.push_back(fmt::format("{} {}: {}", table.row, id, std::string(status.message())));
        continue;
      }
      ++(std::string_view(table.name) == "run" ? report.runs : report.traces);
      if (absl::Status status = take(table, id); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<StoreReport> Check(const std::filesystem::path& file) {
  StoreReport report;
  const auto database = Database::Open(file, Database::Mode::kReadOnlyAlone);
  if (absl::IsDataLoss(database.status())) {
    report.structure.emplace_back(database.status().message());
    return report;
  }
  if (!database.ok()) return database.status();
  Database::Session session(**database);
  CheckStructure(session, report);
  CheckCounter(session, report);
  for (const std::string& name : DamagedBeside(session)) report.damaged.push_back(name + ": it is not what was written");
  absl::Status status = ForEachWhole(session, report, [](const auto&, std::uint64_t) { return absl::OkStatus(); });
  if (!status.ok()) return status;
  return report;
}

absl::Status ExportRun(Database::Session& session, std::uint64_t id, std::ostream& out) {
  Statement row = session.Prepare("SELECT " RUN_HEAD ", phases, result, " RUN_PINNED " FROM run WHERE id = ?");
  const absl::StatusOr<bool> there = row.Bind(id).Step();
  if (!there.ok()) return there.status();
  absl::StatusOr<Run> run = DecodeRun(RunRowOf(row, /*whole=*/true), /*whole=*/true);
  if (!run.ok()) return run.status();
  run->pinned = row.Int(13) == 1;
  const absl::StatusOr<std::string> json = MessageToJson(ToProto(*run), JsonLayout::kCompact);
  if (!json.ok()) return json.status();
  out << *json << '\n';
  return absl::OkStatus();
}

absl::Status ExportTrace(Database::Session& session, std::uint64_t id, const std::filesystem::path& to) {
  Statement row = session.Prepare("SELECT sha256, content FROM trace WHERE id = ?");
  const absl::StatusOr<bool> there = row.Bind(id).Step();
  if (!there.ok()) return there.status();
  const std::string content = row.Text(1);
  std::ofstream file(to / row.Text(0), std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  return file ? absl::OkStatus()
              : absl::ResourceExhaustedError(fmt::format("{} cannot be written", (to / row.Text(0)).string()));
}

absl::Status CopyStore(const std::filesystem::path& directory, const std::filesystem::path& file,
                       const std::filesystem::path& to) {
  // A server that is there holds the lock; then the store is read beside it.
  const absl::StatusOr<DataLock> lock = DataLock::Acquire(directory);
  const auto from = Database::Open(file, lock.ok() ? Database::Mode::kReadOnlyAlone : Database::Mode::kReadOnly);
  if (!from.ok()) return from.status();
  if (absl::Status status = MakePrivateFile(to / kDatabase); !status.ok()) return status;
  const auto copy = Database::Open(to / kDatabase, Database::Mode::kReadWrite);
  if (!copy.ok()) return copy.status();
  Database::Session source(**from), target(**copy);
  if (absl::Status status = source.CopyTo(target); !status.ok()) return status;
  for (const char* name : kCompanions) {
    std::error_code error;
    if (std::filesystem::exists(directory / name)) std::filesystem::copy_file(directory / name, to / name, error);
    if (error) return errors::StoreBroken(fmt::format("{}: {}", (to / name).string(), error.message()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StoreReport> CheckStore(const std::filesystem::path& directory) {
  const absl::StatusOr<LockedStore> store = LockStore(directory);
  if (!store.ok()) return store.status();
  return Check(store->file);
}

absl::StatusOr<StoreReport> RepairStore(const std::filesystem::path& directory) {
  const absl::StatusOr<LockedStore> store = LockStore(directory);
  if (!store.ok()) return store.status();
  absl::StatusOr<StoreReport> report = Check(store->file);
  if (!report.ok() || report->whole()) return report;
  const absl::StatusOr<Saved> saved = SaveRows(store->lock, store->file);
  if (!saved.ok()) return saved.status();
  const absl::StatusOr<StoreReport> after = Check(store->file);
  if (!after.ok()) return after.status();
  report->runs = after->runs;
  report->traces = after->traces;
  report->damaged = saved->lost;
  report->kept_file = saved->kept_file;
  return report;
}

absl::StatusOr<StoreReport> ExportStore(const std::filesystem::path& directory, const std::filesystem::path& to) {
  const absl::StatusOr<LockedStore> store = LockStore(directory);
  if (!store.ok()) return store.status();
  const auto database = Database::Open(store->file, Database::Mode::kSalvage);
  if (!database.ok()) return database.status();
  std::error_code error;
  if (std::filesystem::exists(to) || !std::filesystem::create_directories(to / "traces", error)) {
    return absl::FailedPreconditionError(
        fmt::format("--to {}: expected a folder that does not exist and can be made", to.string()));
  }
  StoreReport report;
  std::ofstream runs(to / "runs.jsonl");
  Database::Session session(**database);
  absl::Status status = ForEachWhole(session, report, [&](const SummedTable& table, std::uint64_t id) {
    return std::string_view(table.name) == "run" ? ExportRun(session, id, runs) : ExportTrace(session, id, to / "traces");
  });
  if (!status.ok()) return status;
  if (!runs.flush()) return absl::ResourceExhaustedError(fmt::format("{} cannot be written", (to / "runs.jsonl").string()));
  return report;
}

absl::StatusOr<StoreReport> BackupStore(const std::filesystem::path& directory, const std::filesystem::path& to) {
  const absl::StatusOr<std::filesystem::path> file = FindStore(directory);
  if (!file.ok()) return file.status();
  std::error_code error;
  if (std::filesystem::exists(to) || !std::filesystem::create_directories(to, error)) {
    return absl::FailedPreconditionError(
        fmt::format("--to {}: expected a folder that does not exist and can be made", to.string()));
  }
  std::filesystem::permissions(to, std::filesystem::perms::owner_all, error);  // before anything is in it
  const absl::Status copied = CopyStore(directory, *file, to);
  absl::StatusOr<StoreReport> report = copied.ok() ? CheckStore(to) : copied;
  if (!report.ok()) std::filesystem::remove_all(to, error);
  return report;
}

}  // namespace alloclab::server

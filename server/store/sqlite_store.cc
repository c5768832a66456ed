#include "server/store/sqlite_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "absl/time/clock.h"
#include "server/errors.h"
#include "server/limits.h"
#include "server/log.h"
#include "server/store/schema.h"
#include "server/store/store_copy.h"

namespace alloclab::server {
namespace {

absl::Status MakeDirectory(const std::filesystem::path& directory) {
  std::error_code error;
  if (std::filesystem::create_directories(directory, error)) {
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
  }
  return error ? errors::DataDirectoryUnusable(directory.string(), error.message()) : absl::OkStatus();
}

}  // namespace

SqliteStore::SqliteStore(DataLock lock, const std::filesystem::path& directory)
    : lock_(std::move(lock)), reserve_(directory / "reserve"), ends_(directory / "ends") {}

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(const std::filesystem::path& directory) {
  if (absl::Status status = MakeDirectory(directory); !status.ok()) return status;
  const std::filesystem::path file = directory / "alloclab.db";
  absl::StatusOr<DataLock> lock = DataLock::Acquire(directory);
  if (!lock.ok()) return lock.status();
  absl::Status made = MakePrivateFile(file);
  if (!made.ok() && !std::filesystem::exists(file)) return made;
  if (made.ok() && IsFirstSchema(file)) {
    if (absl::Status status = UpgradeFirstSchema(*lock, file); !status.ok()) return status;
  }
  if (absl::Status status = lock->AddDatabase(file); !status.ok()) return status;

  std::unique_ptr<SqliteStore> store(new SqliteStore(*std::move(lock), directory));
  absl::Status opened = made.ok() ? store->OpenToWrite(file) : made;
  if (absl::IsResourceExhausted(opened) && store->reserve_.Release()) opened = store->OpenToWrite(file);
  if (opened.ok()) {
    store->reserve_.Make();
    return store;
  }
  const bool unwritable = absl::IsResourceExhausted(opened) || !made.ok();
  if (!unwritable || std::filesystem::file_size(file) == 0) return opened;
  if (absl::Status status = store->OpenToRead(file, opened); !status.ok()) return status;
  return store;
}

absl::Status SqliteStore::OpenToWrite(const std::filesystem::path& file) {
  auto writer = Database::Open(file, Database::Mode::kReadWrite);
  if (!writer.ok()) return writer.status();
  if (absl::Status status = MakeTables(**writer, file); !status.ok()) return status;
  auto reader = Database::Open(file, Database::Mode::kReadOnly);
  if (!reader.ok()) return reader.status();
  writer_ = *std::move(writer);
  reader_ = *std::move(reader);
  absl::Status status = InterruptUnfinished();
  if (absl::IsDataLoss(status)) {
    Log(LogLevel::kError, "store.damaged", {{"error", std::string(status.message())}});
    return absl::OkStatus();  // what can be read is read
  }
  if (!status.ok()) {
    reader_.reset();
    writer_.reset();
  }
  return status;
}

absl::Status SqliteStore::OpenToRead(const std::filesystem::path& file, const absl::Status& why) {
  auto reader = Database::Open(file, Database::Mode::kReadOnlyAlone);
  if (!reader.ok()) return reader.status();
  Database::Session session(**reader);
  Statement version = session.Prepare("PRAGMA user_version");
  const absl::StatusOr<bool> row = version.Step();
  if (!row.ok()) return row.status();
  if (version.Int(0) != kSchemaVersion) return why;  // of an older server, and cannot be made new
  reader_ = *std::move(reader);
  read_only_ = why;
  ids_before_open_ = UINT64_MAX;
  Log(LogLevel::kError, "store.read_only", {{"why", std::string(why.message())}});
  return absl::OkStatus();
}

absl::Status SqliteStore::InterruptUnfinished() {
  std::uint64_t interrupted = 0, last_id = 0;
  absl::Status status = Change([&](Database::Session& session) {
    return session.Transact([&]() -> absl::Status {
      for (const NotedEnd& end : ends_.ends()) {
        if (absl::Status noted = EndUnfinished(session, end); !noted.ok()) return noted;
      }
      NotedEnd end;
      end.state = static_cast<std::uint64_t>(RunState::kInterrupted);
      end.end_ns = static_cast<std::uint64_t>(absl::GetCurrentTimeNanos());
      end.error = kInterruptedWhy;
      if (absl::Status ended = EndUnfinished(session, end); !ended.ok()) return ended;
      interrupted = session.changes();
      Statement last = session.Prepare("SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'run'");
      const absl::StatusOr<bool> row = last.Step();
      if (row.ok()) last_id = last.Int(0);
      return row.status();
    });
  });
  if (!status.ok()) return status;
  for (const NotedEnd& end : ends_.ends()) ends_.Forget(end.run);
  interrupted_at_open_ = interrupted;
  ids_before_open_ = last_id;
  return absl::OkStatus();
}

absl::Status SqliteStore::EndUnfinished(Database::Session& session, const NotedEnd& end) {
  static_assert(static_cast<int>(RunState::kRunning) == 2);
  Statement update = session.Prepare(
      "UPDATE run SET state = ?1, end_ns = ?2, error = ?3, head_sum = row_sum(id, ?1, request, request_id, "
      "fingerprint, submit_ns, ?2, operations_done, operations_total, ?3, summary) WHERE state <= 2 AND (?4 = "
      "0 OR id = ?4) AND head_sum = row_sum(" RUN_HEAD ")");
  return update.Bind(end.state).Bind(end.end_ns).Bind(end.error).Bind(end.run).Run();
}

absl::Status SqliteStore::Change(const std::function<absl::Status(Database::Session&)>& change) {
  if (writer_ == nullptr) return errors::StoreReadOnly(std::string(read_only_.message()));
  absl::Status status;
  {
    Database::Session session(*writer_);
    status = change(session);
  }
  if (status.ok()) reserve_.Make();
  const MutexLock lock(mutex_);
  if (status.ok() || absl::IsResourceExhausted(status)) last_write_ = status;
  return status;
}

absl::Status SqliteStore::ChangeEvenIfFull(const std::function<absl::Status(Database::Session&)>& change) {
  absl::Status status = Change(change);
  if (!absl::IsResourceExhausted(status) || !reserve_.Release()) return status;
  Log(LogLevel::kWarning, "store.reserve_used", {{"why", std::string(status.message())}});
  return Change(change);
}

void SqliteStore::Shrink() {
  for (bool more = true; more;) {
    Database::Session session(*writer_);
    Statement query = session.Prepare("PRAGMA freelist_count");
    const absl::StatusOr<bool> row = query.Step();
    if (!row.ok() || query.Int(0) <= kFreePagesKept + kFreePagesStep || !query.Run().ok()) return;
    more = session.Execute(fmt::format("PRAGMA incremental_vacuum({})", kFreePagesStep).c_str()).ok();
  }
}

absl::StatusOr<std::uint64_t> SqliteStore::QueryInt(const char* sql) const {
  Database::Session session(*reader_);
  Statement query = session.Prepare(sql);
  const absl::StatusOr<bool> row = query.Step();
  if (!row.ok()) return row.status();
  return *row ? query.Int(0) : 0;
}

std::string SqliteStore::trouble() const {
  if (writer_ == nullptr) return fmt::format("read-only: {}", std::string(read_only_.message()));
  const MutexLock lock(mutex_);
  return std::string(last_write_.message());
}

absl::Status SqliteStore::Scan(const char* table, const char* head, const char* more, const char* index,
                               std::uint64_t before_id, std::size_t limit,
                               const std::function<absl::Status(const Statement&)>& take,
                               std::vector<std::uint64_t>& damaged) const {
  std::size_t left = limit;
  std::uint64_t before = before_id;
  const auto take_row = [&](const Statement& row) {
    before = row.Int(0);
    --left;
    if (!take(row).ok()) damaged.push_back(before);
  };
  Database::Session session(*reader_);
  const std::string select = fmt::format("SELECT {0}, head_sum = row_sum({0}){1} FROM {2} WHERE ", head, more, table);
  absl::StatusOr<bool> row = true;
  {
    Statement query = session.Prepare(select + "id < ? ORDER BY id DESC LIMIT ?");
    query.Bind(before).Bind(std::uint64_t{left});
    for (row = query.Step(); row.ok() && *row; row = query.Step()) take_row(query);
  }
  if (!absl::IsDataLoss(row.status())) return row.status();

  std::vector<std::uint64_t> ids;
  Statement query =
      session.Prepare(fmt::format("SELECT id FROM {} INDEXED BY {} WHERE id < ? ORDER BY id DESC LIMIT ?", table, index));
  query.Bind(before).Bind(std::uint64_t{left});
  for (row = query.Step(); row.ok() && *row; row = query.Step()) ids.push_back(query.Int(0));
  if (!row.ok()) return row.status();
  for (const std::uint64_t id : ids) {
    Statement one = session.Prepare(select + "id = ?");
    row = one.Bind(id).Step();
    if (row.ok() && *row) {
      take_row(one);
    } else if (row.ok() || absl::IsDataLoss(row.status())) {
      damaged.push_back(id);
    } else {
      return row.status();
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::uint64_t> SqliteStore::ReserveInstanceIds(std::uint64_t count) {
  std::uint64_t end = 0;
  absl::Status status = Change([&](Database::Session& session) -> absl::Status {
    Statement update = session.Prepare(
        "UPDATE next_instance_id SET value = value + ?1, sum = row_sum(value + ?1) WHERE sum = row_sum(value) RETURNING value");
    update.Bind(count);
    const absl::StatusOr<bool> row = update.Step();
    if (!row.ok()) return row.status();
    if (!*row) return damage_.Found("the next instance id");
    end = update.Int(0);
    return update.Run();  // to the end: only then it is committed
  });
  if (!status.ok()) return status;
  return end - count;
}

}  // namespace alloclab::server

#include "server/store/run_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "absl/time/clock.h"
#include "allocators/common/check.h"
#include "server/errors.h"
#include "server/store/run_codec.h"

namespace alloclab::server {
namespace {

constexpr std::uint64_t kSchemaVersion = 1;

// AUTOINCREMENT: the id of a deleted run is not given again.
constexpr const char* kSchema = R"sql(
  CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    state INTEGER NOT NULL,
    request BLOB NOT NULL,
    request_id TEXT UNIQUE,
    fingerprint TEXT NOT NULL,
    submit_ns INTEGER NOT NULL,
    end_ns INTEGER,
    operations_done INTEGER NOT NULL,
    operations_total INTEGER NOT NULL,
    error TEXT NOT NULL DEFAULT '',
    result BLOB NOT NULL DEFAULT x''
  );
  CREATE TABLE trace (
    sha256 TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    format TEXT NOT NULL,
    operations INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    content BLOB NOT NULL
  );
  CREATE TABLE next_instance_id (value INTEGER NOT NULL);
  INSERT INTO next_instance_id VALUES (1);
  PRAGMA user_version = 1;
)sql";

// With the result, or an empty one in its place.
#define RUN_COLUMNS "id, state, request, submit_ns, ifnull(end_ns, 0), operations_done, operations_total, error"

absl::StatusOr<std::uint64_t> QueryInt(Database& database, const char* sql) {
  Database::Session session(database);
  Statement query = session.Prepare(sql);
  const absl::StatusOr<bool> row = query.Step();
  if (!row.ok()) return row.status();
  return *row ? query.Int(0) : 0;
}

absl::StatusOr<Run> ReadRun(const Statement& row) {
  Run run;
  run.id = row.Int(0);
  run.state = static_cast<RunState>(row.Int(1));
  absl::StatusOr<RunRequest> request = DecodeRequest(row.Text(2));
  if (!request.ok()) return request.status();
  run.request = *std::move(request);
  run.submit_time = absl::FromUnixNanos(static_cast<std::int64_t>(row.Int(3)));
  if (Ended(run.state)) run.end_time = absl::FromUnixNanos(static_cast<std::int64_t>(row.Int(4)));
  run.operations_done = row.Int(5);
  run.operations_total = row.Int(6);
  run.error = row.Text(7);
  auto result = DecodeResult(row.Text(8));
  if (!result.ok()) return result.status();
  run.result = *std::move(result);
  return run;
}

std::uint64_t Nanos(absl::Time time) { return static_cast<std::uint64_t>(absl::ToUnixNanos(time)); }

absl::Status Migrate(Database& database, const std::filesystem::path& file) {
  const absl::StatusOr<std::uint64_t> version = QueryInt(database, "PRAGMA user_version");
  if (!version.ok()) return version.status();
  if (*version > kSchemaVersion) return errors::StoreTooNew(file.string(), *version, kSchemaVersion);
  if (*version == kSchemaVersion) return absl::OkStatus();
  return Database::Session(database).Execute(fmt::format("BEGIN IMMEDIATE;{}COMMIT", kSchema).c_str());
}

// Readable to nobody else from its first moment on; SQLite gives the files beside it the same mode.
bool MakePrivate(const std::filesystem::path& file) {
  const int descriptor = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return false;
  const bool made = fchmod(descriptor, 0600) == 0;
  close(descriptor);
  return made;
}

}  // namespace

RunStore::RunStore(DataLock lock, std::unique_ptr<Database> writer, std::unique_ptr<Database> reader)
    : lock_(std::move(lock)), writer_(std::move(writer)), reader_(std::move(reader)) {}

absl::StatusOr<std::unique_ptr<RunStore>> RunStore::Open(const std::filesystem::path& directory) {
  std::error_code error;
  if (std::filesystem::create_directories(directory, error)) {
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
  }
  if (error) return errors::DataDirectoryUnusable(directory.string(), error.message());
  absl::StatusOr<DataLock> lock = DataLock::Acquire(directory);
  if (!lock.ok()) return lock.status();

  const std::filesystem::path file = directory / "alloclab.db";
  if (!MakePrivate(file))
    return errors::DataDirectoryUnusable(directory.string(), fmt::format("alloclab.db: {}", std::strerror(errno)));
  auto writer = Database::Open(file, Database::Mode::kReadWrite);
  if (!writer.ok()) return writer.status();
  if (absl::Status status = Migrate(**writer, file); !status.ok()) return status;
  auto reader = Database::Open(file, Database::Mode::kReadOnly);
  if (!reader.ok()) return reader.status();

  std::unique_ptr<RunStore> store(new RunStore(*std::move(lock), *std::move(writer), *std::move(reader)));
  if (absl::Status status = store->InterruptUnfinished(); !status.ok()) return status;
  return store;
}

absl::Status RunStore::InterruptUnfinished() {
  Database::Session session(*writer_);
  absl::Status status = session.Prepare("UPDATE run SET state = ?, end_ns = ?, error = ? WHERE state <= ?")
                            .Bind(static_cast<std::uint64_t>(RunState::kInterrupted))
                            .Bind(Nanos(absl::Now()))
                            .Bind("the server ended before the run did")
                            .Bind(static_cast<std::uint64_t>(RunState::kRunning))
                            .Run();
  if (status.ok()) interrupted_at_open_ = session.changes();
  return status;
}

absl::StatusOr<std::uint64_t> RunStore::InsertRun(const Run& run, const std::string& request_id,
                                                  const std::string& fingerprint) {
  const std::string request = EncodeRequest(run.request);
  Database::Session session(*writer_);
  absl::Status status = session
                            .Prepare(
                                "INSERT INTO run (state, request, request_id, fingerprint, submit_ns, operations_done, "
                                "operations_total) VALUES (?, ?, nullif(?, ''), ?, ?, ?, ?)")
                            .Bind(static_cast<std::uint64_t>(run.state))
                            .BindBlob(request)
                            .Bind(request_id)
                            .Bind(fingerprint)
                            .Bind(Nanos(run.submit_time))
                            .Bind(run.operations_done)
                            .Bind(run.operations_total)
                            .Run();
  if (!status.ok()) return status;
  return session.last_insert_id();
}

absl::Status RunStore::FinishRun(const Run& run) {
  ALLOCLAB_CHECK(Ended(run.state));
  const std::string result = EncodeResult(run.result);
  return Database::Session(*writer_)
      .Prepare(
          "UPDATE run SET state = ?, end_ns = ?, operations_done = ?, operations_total = ?, error = ?, result = ? WHERE id = ?")
      .Bind(static_cast<std::uint64_t>(run.state))
      .Bind(Nanos(run.end_time))
      .Bind(run.operations_done)
      .Bind(run.operations_total)
      .Bind(run.error)
      .BindBlob(result)
      .Bind(run.id)
      .Run();
}

absl::Status RunStore::DeleteRun(std::uint64_t id) {
  return Database::Session(*writer_).Prepare("DELETE FROM run WHERE id = ?").Bind(id).Run();
}

absl::StatusOr<std::optional<Run>> RunStore::FindRun(std::uint64_t id) const {
  Database::Session session(*reader_);
  Statement query = session.Prepare("SELECT " RUN_COLUMNS ", result FROM run WHERE id = ?");
  query.Bind(id);
  const absl::StatusOr<bool> row = query.Step();
  if (!row.ok()) return row.status();
  if (!*row) return std::nullopt;
  return ReadRun(query);
}

absl::StatusOr<std::optional<EarlierSubmission>> RunStore::FindSubmission(std::string_view request_id) const {
  Database::Session session(*reader_);
  Statement query = session.Prepare("SELECT id, fingerprint FROM run WHERE request_id = ?");
  query.Bind(request_id);
  const absl::StatusOr<bool> row = query.Step();
  if (!row.ok()) return row.status();
  if (!*row) return std::nullopt;
  return EarlierSubmission{query.Int(0), query.Text(1)};
}

absl::StatusOr<std::vector<Run>> RunStore::ListRuns(std::uint64_t before_id, std::size_t limit) const {
  Database::Session session(*reader_);
  Statement query = session.Prepare("SELECT " RUN_COLUMNS ", x'' FROM run WHERE id < ? ORDER BY id DESC LIMIT ?");
  query.Bind(before_id).Bind(static_cast<std::uint64_t>(limit));
  std::vector<Run> runs;
  while (true) {
    const absl::StatusOr<bool> row = query.Step();
    if (!row.ok()) return row.status();
    if (!*row) return runs;
    absl::StatusOr<Run> run = ReadRun(query);
    if (!run.ok()) return run.status();
    runs.push_back(*std::move(run));
  }
}

absl::StatusOr<std::uint64_t> RunStore::CountRuns() const { return QueryInt(*reader_, "SELECT count(*) FROM run"); }

absl::Status RunStore::PutTrace(const StoredTrace& trace) {
  return Database::Session(*writer_)
      .Prepare("INSERT OR IGNORE INTO trace VALUES (?, ?, ?, ?, ?, ?)")
      .Bind(trace.sha256)
      .Bind(trace.name)
      .Bind(trace.format)
      .Bind(trace.operations)
      .Bind(static_cast<std::uint64_t>(trace.content.size()))
      .BindBlob(trace.content)
      .Run();
}

absl::StatusOr<std::optional<StoredTrace>> RunStore::FindTrace(std::string_view sha256) const {
  return ReadTrace("SELECT sha256, name, format, operations, content FROM trace WHERE sha256 = ?", sha256);
}

absl::StatusOr<std::optional<StoredTrace>> RunStore::FindTraceInfo(std::string_view sha256) const {
  return ReadTrace("SELECT sha256, name, format, operations, x'' FROM trace WHERE sha256 = ?", sha256);
}

absl::StatusOr<std::optional<StoredTrace>> RunStore::ReadTrace(const char* sql, std::string_view sha256) const {
  Database::Session session(*reader_);
  Statement query = session.Prepare(sql);
  query.Bind(sha256);
  const absl::StatusOr<bool> row = query.Step();
  if (!row.ok()) return row.status();
  if (!*row) return std::nullopt;
  return StoredTrace{query.Text(0), query.Text(1), query.Text(2), query.Int(3), query.Text(4)};
}

absl::StatusOr<std::uint64_t> RunStore::TraceBytes() const {
  return QueryInt(*reader_, "SELECT ifnull(sum(bytes), 0) FROM trace");
}

absl::StatusOr<std::uint64_t> RunStore::ReserveInstanceIds(std::uint64_t count) {
  Database::Session session(*writer_);
  Statement update = session.Prepare("UPDATE next_instance_id SET value = value + ? RETURNING value");
  update.Bind(count);
  const absl::StatusOr<bool> row = update.Step();
  if (!row.ok()) return row.status();
  const std::uint64_t end = update.Int(0);
  if (absl::Status status = update.Run(); !status.ok()) return status;  // to the end: only then it is committed
  return end - count;
}

}  // namespace alloclab::server

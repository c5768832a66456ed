#include "server/store/schema.h"

#include <array>
#include <fstream>

#include "server/converters/run_converter.h"
#include "server/errors.h"

namespace alloclab::server {
namespace {

// AUTOINCREMENT: the id of a deleted row is not given again. What is long comes last: SQLite reads a row from its beginning.
constexpr const char* kSqliteVersion2 = R"sql(
  CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    head_sum INTEGER NOT NULL,
    body_sum INTEGER NOT NULL,
    state INTEGER NOT NULL,
    request BLOB NOT NULL,  -- of a specification without its phases
    request_id TEXT,
    fingerprint TEXT NOT NULL,
    submit_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    operations_done INTEGER NOT NULL,
    operations_total INTEGER NOT NULL,
    error TEXT NOT NULL,
    summary BLOB NOT NULL,
    phases BLOB NOT NULL,
    result BLOB NOT NULL
  );
  CREATE UNIQUE INDEX run_request ON run (request_id);
  CREATE INDEX run_live ON run (state) WHERE state <= 2;
  CREATE INDEX run_end ON run (end_ns);
  CREATE TABLE trace (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    head_sum INTEGER NOT NULL,
    body_sum INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    name TEXT NOT NULL,
    format TEXT NOT NULL,
    operations INTEGER NOT NULL,
    upload_ns INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    content BLOB NOT NULL
  );
  CREATE UNIQUE INDEX trace_digest ON trace (sha256);
  CREATE TABLE next_instance_id (value INTEGER NOT NULL, sum INTEGER NOT NULL);
  INSERT INTO next_instance_id VALUES (1, row_sum(1));
)sql";
// Tables of their own, as a column that is added to a row comes last, behind what is long.
constexpr const char* kSqliteVersion3 = R"sql(
  CREATE TABLE trace_owner (
    sha256 TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    sum INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE pinned_run (id INTEGER PRIMARY KEY, sum INTEGER NOT NULL);
  CREATE TABLE known_result (
    key TEXT PRIMARY KEY,
    run INTEGER NOT NULL,
    digest TEXT NOT NULL,
    sum INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX known_result_run ON known_result (run);
  CREATE TRIGGER known_result_goes AFTER DELETE ON run BEGIN DELETE FROM known_result WHERE run = old.id; END;
  PRAGMA user_version = 3;
)sql";
// How many runs an owner has, without reading them.
constexpr const char* kSqliteVersion4 = "CREATE INDEX run_of_owner ON run (run_owner(request)); PRAGMA user_version = 4";
static_assert(kSchemaVersion == 4);

// Steps through a query, handing each row over.
absl::Status ForEachRow(Database::Session& session, const char* sql,
                        const std::function<absl::Status(const Statement&)>& take) {
  Statement query = session.Prepare(sql);
  while (true) {
    const absl::StatusOr<bool> row = query.Step();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
    if (absl::Status status = take(query); !status.ok()) return status;
  }
}

absl::Status CopyRun(const Statement& row, Database::Session& to) {
  const absl::StatusOr<SplitRequest> request = SplitEncodedRequest(row.Text(2));
  const auto result = DecodeResult(row.Text(10));
  if (!request.ok()) return request.status();
  if (!result.ok()) return result.status();
  const std::string summary = *result == nullptr ? "" : Summarize(**result).SerializeAsString();
  const std::string result_bytes = row.Text(10);
  return to
      .Prepare(
          "INSERT INTO run VALUES (?1, row_sum(?1, ?2, ?3, nullif(?4, ''), ?5, ?6, ?7, ?8, ?9, ?10, ?11), "
          "row_sum(?1, ?12, ?13), ?2, ?3, nullif(?4, ''), ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")
      .Bind(row.Int(0))
      .Bind(row.Int(1))
      .BindBlob(request->request)
      .Bind(row.Text(3))
      .Bind(row.Text(4))
      .Bind(row.Int(5))
      .Bind(row.Int(6))
      .Bind(row.Int(7))
      .Bind(row.Int(8))
      .Bind(row.Text(9))
      .BindBlob(summary)
      .BindBlob(request->phases)
      .BindBlob(result_bytes)
      .Run();
}

absl::Status CopyTrace(const Statement& row, Database::Session& to) {
  const std::string content = row.Text(5);
  return to
      .Prepare("INSERT INTO trace VALUES (?1, row_sum(?1, ?2, ?3, ?4, ?5, 0, ?6), row_sum(?1, ?7), ?2, ?3, ?4, ?5, 0, ?6, ?7)")
      .Bind(row.Int(0))
      .Bind(row.Text(1))
      .Bind(row.Text(2))
      .Bind(row.Text(3))
      .Bind(row.Int(4))
      .Bind(std::uint64_t{content.size()})
      .BindBlob(content)
      .Run();
}

}  // namespace

RunRow RunRowOf(const Statement& row, bool whole) {
  RunRow run;
  run.id = row.Int(0);
  run.state = row.Int(1);
  run.request.request = row.Text(2);
  run.submit_ns = row.Int(5);
  run.end_ns = row.Int(6);
  run.operations_done = row.Int(7);
  run.operations_total = row.Int(8);
  run.error = row.Text(9);
  run.summary = row.Text(10);
  if (!whole) return run;
  run.request.phases = row.Text(11);
  run.result = row.Text(12);
  return run;
}

absl::Status MakeTables(Database& database, const std::filesystem::path& file) {
  Database::Session session(database);
  std::uint64_t version = 0;
  {
    Statement query = session.Prepare("PRAGMA user_version");
    const absl::StatusOr<bool> row = query.Step();
    if (!row.ok()) return row.status();
    version = query.Int(0);
  }
  if (version > kSchemaVersion) return errors::StoreTooNew(file.string(), version, kSchemaVersion);
  if (version == kSchemaVersion) return absl::OkStatus();
  return session.Transact([&] {
    absl::Status status = version < 2 ? session.Execute(kSqliteVersion2) : absl::OkStatus();
    if (status.ok() && version < 3) status = session.Execute(kSqliteVersion3);
    return status.ok() ? session.Execute(kSqliteVersion4) : status;
  });
}

bool IsFirstSchema(const std::filesystem::path& file) {
  std::array<char, 64> header{};
  std::ifstream bytes(file, std::ios::binary);
  if (!bytes.read(header.data(), header.size())) return false;
  const bool leaves_no_room = header[20] == 0;  // for checksums, in a page
  return std::string_view(header.data(), 15) == "SQLite format 3" && leaves_no_room &&
         std::string_view(header.data() + 60, 4) == std::string_view("\0\0\0\1", 4);  // PRAGMA user_version
}

absl::Status CopyFirstSchema(Database& from, Database& to) {
  Database::Session old(from), made(to);
  return made.Transact([&] {
    absl::Status status =
        ForEachRow(old,
                   "SELECT id, state, request, ifnull(request_id, ''), fingerprint, submit_ns, ifnull(end_ns, 0), "
                   "operations_done, operations_total, error, result FROM run",
                   [&](const Statement& row) { return CopyRun(row, made); });
    if (!status.ok()) return status;
    status = ForEachRow(old, "SELECT rowid, sha256, name, format, operations, content FROM trace ORDER BY rowid",
                        [&](const Statement& row) { return CopyTrace(row, made); });
    if (!status.ok()) return status;
    status = ForEachRow(old, "SELECT value FROM next_instance_id", [&](const Statement& row) {
      return made.Prepare("UPDATE next_instance_id SET value = ?1, sum = row_sum(?1)").Bind(row.Int(0)).Run();
    });
    if (!status.ok()) return status;
    return ForEachRow(old, "SELECT seq FROM sqlite_sequence WHERE name = 'run'", [&](const Statement& row) {
      if (absl::Status deleted = made.Execute("DELETE FROM sqlite_sequence WHERE name = 'run'"); !deleted.ok()) return deleted;
      return made.Prepare("INSERT INTO sqlite_sequence VALUES ('run', ?)").Bind(row.Int(0)).Run();
    });
  });
}

}  // namespace alloclab::server

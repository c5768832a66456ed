#include "server/store/postgres_schema.h"

#include <fmt/format.h>

#include <array>

#include "server/errors.h"
#include "server/store/run_codec.h"

namespace alloclab::server {
namespace {

// Ids are of sequences: that of a deleted row is not given again. head_sum is over what lists show, body_sum over the rest, as
// in SQLite (schema.h).
constexpr const char* kVersion1 = R"sql(
  CREATE TABLE run (
    id BIGINT PRIMARY KEY,
    head_sum BIGINT NOT NULL,
    body_sum BIGINT NOT NULL,
    state BIGINT NOT NULL,
    request BYTEA NOT NULL,  -- of a specification without its phases
    request_id BYTEA UNIQUE,
    fingerprint BYTEA NOT NULL,
    submit_ns BIGINT NOT NULL,
    end_ns BIGINT NOT NULL,
    operations_done BIGINT NOT NULL,
    operations_total BIGINT NOT NULL,
    error BYTEA NOT NULL,
    summary BYTEA NOT NULL,
    phases BYTEA NOT NULL,
    result BYTEA NOT NULL,
    token BIGINT NOT NULL  -- of whoever ended it (run_queue.h); 0: nobody had taken it
  );
  CREATE INDEX run_end ON run (end_ns) WHERE end_ns > 0;
  CREATE SEQUENCE run_id;
  CREATE TABLE trace (
    id BIGINT PRIMARY KEY,
    head_sum BIGINT NOT NULL,
    body_sum BIGINT NOT NULL,
    sha256 BYTEA NOT NULL UNIQUE,
    name BYTEA NOT NULL,
    format BYTEA NOT NULL,
    operations BIGINT NOT NULL,
    upload_ns BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    content BYTEA NOT NULL
  );
  ALTER TABLE trace ALTER COLUMN content SET STORAGE EXTERNAL;  -- most of them are compressed already
  CREATE SEQUENCE trace_id;
  CREATE TABLE queue (  -- the runs that have not ended
    run BIGINT PRIMARY KEY REFERENCES run ON DELETE CASCADE,
    owner BYTEA NOT NULL,
    native BOOLEAN NOT NULL,
    trace BYTEA NOT NULL,  -- that it replays; empty: none that was uploaded
    server BYTEA NOT NULL DEFAULT '',  -- that has it, or had it last
    attempt BIGINT NOT NULL DEFAULT 0,
    token BIGINT NOT NULL DEFAULT 0,
    lease_end TIMESTAMPTZ,  -- NULL: nobody has it
    done BIGINT NOT NULL DEFAULT 0,  -- operations
    cancel BOOLEAN NOT NULL DEFAULT false
  );
  CREATE SEQUENCE token;
  CREATE TABLE turn (owner BYTEA PRIMARY KEY, last BIGINT NOT NULL);  -- token of the last run that was taken of each owner
  CREATE TABLE next_instance_id (value BIGINT NOT NULL);
  INSERT INTO next_instance_id VALUES (1);
)sql";
// head_sum is over these too, if they are not as they are here.
constexpr const char* kVersion2 =
    "ALTER TABLE trace ADD COLUMN owner BYTEA NOT NULL DEFAULT ''; "
    "ALTER TABLE run ADD COLUMN pinned BOOLEAN NOT NULL DEFAULT false; "
    "CREATE TABLE known_result (key BYTEA PRIMARY KEY, run BIGINT NOT NULL REFERENCES run ON DELETE CASCADE, "
    "digest BYTEA NOT NULL, sum BIGINT NOT NULL); "
    "CREATE INDEX known_result_run ON known_result (run)";
// Who is there, and with which instances (instance_directory.h).
constexpr const char* kVersion3 = R"sql(
  CREATE TABLE server (
    id BIGINT PRIMARY KEY,
    name BYTEA NOT NULL,
    address BYTEA NOT NULL,  -- of its gRPC
    lease_end TIMESTAMPTZ NOT NULL
  );
  CREATE TABLE instance (
    name BYTEA PRIMARY KEY,
    id BIGINT NOT NULL,
    owner BYTEA NOT NULL,
    server BIGINT NOT NULL REFERENCES server ON DELETE CASCADE
  );
  CREATE INDEX instance_id ON instance (id);
  CREATE INDEX instance_server ON instance (server);
  CREATE SEQUENCE server_id;
)sql";
constexpr const char* kVersion4 = "ALTER TABLE server ADD COLUMN page BYTEA NOT NULL DEFAULT ''";  // address of its web page
// As the request has it, which head_sum is over; to count by. Servers of before, which join `queue.owner`, go on.
constexpr const char* kVersion5 =
    "ALTER TABLE run ADD COLUMN run_owner BYTEA NOT NULL DEFAULT ''; CREATE INDEX run_of_owner ON run (run_owner, id)";
constexpr std::array kVersions{kVersion1, kVersion2, kVersion3, kVersion4, kVersion5};
static_assert(kVersions.size() == kPostgresSchemaVersion);

absl::Status WriteOwnersOfRuns(PgConnection& connection) {
  for (std::uint64_t before = INT64_MAX;;) {
    const auto runs =
        connection.Execute("SELECT id, request FROM run WHERE id < $1 ORDER BY id DESC LIMIT 1000", PgValues().Add(before));
    if (!runs.ok() || runs->rows() == 0) return runs.status();
    for (int i = 0; i < runs->rows(); ++i) {
      before = runs->Int(i, 0);
      const std::string owner = OwnerOf(std::string(runs->Bytes(i, 1)));
      if (owner.empty()) continue;
      const auto written = connection.Execute("UPDATE run SET run_owner = $2 WHERE id = $1", PgValues().Add(before).Add(owner));
      if (!written.ok()) return written.status();
    }
  }
}

constexpr std::uint64_t kMigrationLock = 0x616c6c6f636c6162;  // "alloclab": no other lock of the database has one such key

// 0: there is none yet. Made as the first thing, by who may make a schema.
absl::StatusOr<std::uint64_t> FindVersion(PgConnection& connection) {
  auto found = connection.Execute("SELECT to_regclass('alloclab.migration') IS NOT NULL");
  if (!found.ok()) return found.status();
  if (found->Int(0, 0) == 0) {
    absl::Status made = connection.ExecuteAll(
        "CREATE SCHEMA IF NOT EXISTS alloclab; "
        "CREATE TABLE alloclab.migration (version BIGINT PRIMARY KEY, at TIMESTAMPTZ NOT NULL DEFAULT now())");
    if (!made.ok()) return made;
  }
  found = connection.Execute("SELECT coalesce(max(version), 0) FROM alloclab.migration");
  if (!found.ok()) return found.status();
  return found->Int(0, 0);
}

}  // namespace

absl::Status MigratePostgres(PgConnection& connection, const std::string& url) {
  for (bool more = true; more;) {
    absl::Status migrated = connection.Transact([&]() -> absl::Status {
      const auto locked = connection.Execute("SELECT pg_advisory_xact_lock($1)", PgValues().Add(kMigrationLock));
      if (!locked.ok()) return locked.status();
      const absl::StatusOr<std::uint64_t> version = FindVersion(connection);
      if (!version.ok()) return version.status();
      if (*version > kPostgresSchemaVersion) return errors::StoreTooNew(url, *version, kPostgresSchemaVersion);
      more = *version < kPostgresSchemaVersion;
      if (!more) return absl::OkStatus();
      if (absl::Status made = connection.ExecuteAll(kVersions[*version]); !made.ok()) return made;
      if (absl::Status written = *version + 1 == 5 ? WriteOwnersOfRuns(connection) : absl::OkStatus(); !written.ok()) {
        return written;
      }
      return connection.Execute("INSERT INTO alloclab.migration VALUES ($1)", PgValues().Add(*version + 1)).status();
    });
    if (!migrated.ok()) return migrated;
  }
  return absl::OkStatus();
}

}  // namespace alloclab::server

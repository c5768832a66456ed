// PostgresStore: the traces.
#include <fmt/format.h>

#include <utility>

#include "server/store/postgres_store.h"
#include "server/store/row_sum.h"

namespace alloclab::server {
namespace {

#define PG_TRACE_HEAD "id, sha256, name, format, operations, upload_ns, bytes, owner, head_sum"

std::string PgTraceName(std::uint64_t id) { return fmt::format("trace {}", id); }
std::uint64_t UploadNanos(const StoredTrace& trace) { return static_cast<std::uint64_t>(absl::ToUnixNanos(trace.upload_time)); }

std::uint64_t TraceHeadSum(const StoredTrace& trace) {
  RowSum sum;
  sum.Add(trace.id).Add(trace.sha256).Add(trace.name).Add(trace.format).Add(trace.operations).Add(UploadNanos(trace));
  sum.Add(trace.bytes);
  if (!trace.owner.empty()) sum.Add(trace.owner);  // a row of the first version has none
  return sum.value();
}

std::uint64_t TraceBodySum(std::uint64_t id, std::string_view content) { return RowSum().Add(id).Add(content).value(); }

// Columns: PG_TRACE_HEAD. False: it is damaged.
bool ReadTraceHead(const PgResult& result, int row, StoredTrace& trace) {
  trace.id = result.Int(row, 0);
  trace.sha256 = result.Bytes(row, 1);
  trace.name = result.Bytes(row, 2);
  trace.format = result.Bytes(row, 3);
  trace.operations = result.Int(row, 4);
  trace.upload_time = absl::FromUnixNanos(static_cast<std::int64_t>(result.Int(row, 5)));
  trace.bytes = result.Int(row, 6);
  trace.owner = result.Bytes(row, 7);
  return TraceHeadSum(trace) == result.Int(row, 8);
}

}  // namespace

absl::Status PostgresStore::PutTraceWithin(const StoredTrace& trace, std::uint64_t owner_bytes_max) {
  return Change([&](PgConnection& connection) -> absl::Status {
    if (owner_bytes_max != UINT64_MAX && !trace.owner.empty()) {
      absl::Status may = CheckPgRoom(connection, trace, owner_bytes_max);
      if (!may.ok()) return may;
    }
    const auto id = connection.Execute("SELECT nextval('trace_id')");
    if (!id.ok()) return id.status();
    StoredTrace head = trace;
    head.content.clear();
    head.id = id->Int(0, 0);
    head.bytes = trace.content.size();
    PgValues values;
    values.Add(head.id).Add(TraceHeadSum(head)).Add(TraceBodySum(head.id, trace.content)).Add(head.sha256).Add(head.name);
    values.Add(head.format).Add(head.operations).Add(UploadNanos(head)).Add(head.bytes).Add(trace.content).Add(head.owner);
    return connection
        .Execute(
            "INSERT INTO trace VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (sha256) DO UPDATE SET "
            "(id, head_sum, body_sum, name, format, operations, upload_ns, bytes, content) = "
            "($1, $2, $3, $5, $6, $7, $8, $9, $10) WHERE trace.owner = $11",
            values)
        .status();
  });
}

absl::Status PostgresStore::CheckPgRoom(PgConnection& connection, const StoredTrace& trace, std::uint64_t owner_bytes_max) {
  // Until the end of the transaction nobody else puts traces of his; 1: locks of owners.
  const auto locked =
      connection.Execute("SELECT pg_advisory_xact_lock(1, hashtext(encode($1, 'hex')))", PgValues().Add(trace.owner));
  if (!locked.ok()) return locked.status();
  const auto known = connection.Execute(
      "SELECT coalesce(sum(bytes) FILTER (WHERE owner = $1 AND sha256 <> $2), 0)::BIGINT, "
      "coalesce(bool_or(sha256 = $2 AND owner <> $1), false) FROM trace",
      PgValues().Add(trace.owner).Add(trace.sha256));
  if (!known.ok()) return known.status();
  if (known->Int(0, 1) != 0) return absl::OkStatus();  // another's, which stays
  return CheckBytes(trace.owner, known->Int(0, 0), trace.content.size(), owner_bytes_max);
}

absl::Status PostgresStore::DeleteTrace(std::string_view sha256) {
  return Execute("DELETE FROM trace WHERE sha256 = $1", PgValues().Add(sha256)).status();
}

absl::Status PostgresStore::GiveTrace(std::string_view sha256, const std::string& owner) {
  return Change([&](PgConnection& connection) -> absl::Status {
    const auto found =
        connection.Execute("SELECT " PG_TRACE_HEAD " FROM trace WHERE sha256 = $1 FOR UPDATE", PgValues().Add(sha256));
    if (!found.ok() || found->rows() == 0) return found.status();
    StoredTrace trace;
    if (!ReadTraceHead(*found, 0, trace)) return damage_.Found(PgTraceName(trace.id));
    trace.owner = owner;
    return connection
        .Execute("UPDATE trace SET owner = $2, head_sum = $3 WHERE sha256 = $1",
                 PgValues().Add(sha256).Add(owner).Add(TraceHeadSum(trace)))
        .status();
  });
}

absl::StatusOr<std::optional<StoredTrace>> PostgresStore::FindTrace(std::string_view sha256) const {
  return ReadTrace("SELECT " PG_TRACE_HEAD ", content, body_sum FROM trace WHERE sha256 = $1", sha256, /*whole=*/true);
}

absl::StatusOr<std::optional<StoredTrace>> PostgresStore::FindTraceInfo(std::string_view sha256) const {
  return ReadTrace("SELECT " PG_TRACE_HEAD " FROM trace WHERE sha256 = $1", sha256, /*whole=*/false);
}

absl::StatusOr<std::optional<StoredTrace>> PostgresStore::ReadTrace(const char* sql, std::string_view sha256,
                                                                    bool whole) const {
  const auto found = Execute(sql, PgValues().Add(sha256));
  if (!found.ok()) return found.status();
  if (found->rows() == 0) return std::nullopt;
  StoredTrace trace;
  if (!ReadTraceHead(*found, 0, trace)) return damage_.Found(PgTraceName(trace.id));
  if (!whole) return trace;
  trace.content = found->Bytes(0, 9);
  if (TraceBodySum(trace.id, trace.content) != found->Int(0, 10)) return damage_.Found(PgTraceName(trace.id));
  return trace;
}

absl::StatusOr<TraceList> PostgresStore::ListTraces(std::uint64_t before_id, std::size_t limit) const {
  const auto found = Execute("SELECT " PG_TRACE_HEAD " FROM trace WHERE id < $1 ORDER BY id DESC LIMIT $2",
                             PgValues().Add(before_id).Add(std::uint64_t{limit}));
  if (!found.ok()) return found.status();
  TraceList list;
  for (int i = 0; i < found->rows(); ++i) {
    StoredTrace trace;
    if (ReadTraceHead(*found, i, trace)) {
      list.traces.push_back(std::move(trace));
    } else {
      damage_.Found(PgTraceName(trace.id)).IgnoreError();  // logged
      list.damaged.push_back(trace.id);
    }
  }
  return list;
}

absl::StatusOr<std::uint64_t> PostgresStore::TraceBytesOf(std::string_view owner) const {
  const auto sum = Execute("SELECT coalesce(sum(bytes), 0)::BIGINT FROM trace WHERE owner = $1", PgValues().Add(owner));
  if (!sum.ok()) return sum.status();
  return sum->Int(0, 0);
}

absl::StatusOr<std::uint64_t> PostgresStore::TraceBytes() const {
  return QueryInt("SELECT coalesce(sum(bytes), 0)::BIGINT FROM trace");
}

}  // namespace alloclab::server

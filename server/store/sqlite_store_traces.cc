// SqliteStore: the traces.
#include <fmt/format.h>

#include <utility>

#include "server/store/schema.h"
#include "server/store/sqlite_store.h"

namespace alloclab::server {
namespace {

std::string TraceName(std::uint64_t id) { return fmt::format("trace {}", id); }

// Columns: TRACE_HEAD; the content is still to come.
StoredTrace ReadHead(const Statement& row) {
  StoredTrace trace;
  trace.id = row.Int(0);
  trace.sha256 = row.Text(1);
  trace.name = row.Text(2);
  trace.format = row.Text(3);
  trace.operations = row.Int(4);
  trace.upload_time = absl::FromUnixNanos(static_cast<std::int64_t>(row.Int(5)));
  trace.bytes = row.Int(6);
  return trace;
}

// Of all his traces but `except`.
absl::StatusOr<std::uint64_t> BytesOf(Database::Session& session, std::string_view owner, std::string_view except) {
  Statement query =
      session.Prepare("SELECT ifnull(sum(bytes), 0) FROM trace WHERE " TRACE_OWNER " = ?1 AND trace.sha256 <> ?2");
  const absl::StatusOr<bool> row = query.Bind(owner).Bind(except).Step();
  if (!row.ok()) return row.status();
  return query.Int(0);
}

}  // namespace

absl::Status SqliteStore::PutTraceWithin(const StoredTrace& trace, std::uint64_t owner_bytes_max) {
  absl::Status refused;  // not by the database, which goes on
  absl::Status status = Change([&](Database::Session& session) {
    return session.Transact([&]() -> absl::Status {
      {
        Statement query = session.Prepare("SELECT 1 FROM trace WHERE sha256 = ? AND " TRACE_OWNER " <> ?");
        const absl::StatusOr<bool> of_another = query.Bind(trace.sha256).Bind(trace.owner).Step();
        if (!of_another.ok()) return of_another.status();
        if (*of_another) return absl::OkStatus();
      }
      if (owner_bytes_max != UINT64_MAX) {
        const absl::StatusOr<std::uint64_t> stored = BytesOf(session, trace.owner, trace.sha256);
        if (!stored.ok()) return stored.status();
        refused = CheckBytes(trace.owner, *stored, trace.content.size(), owner_bytes_max);
      }
      return refused.ok() ? Insert(session, trace) : absl::OkStatus();
    });
  });
  return status.ok() ? refused : status;
}

absl::Status SqliteStore::Insert(Database::Session& session, const StoredTrace& trace) {
  std::uint64_t id = 0;
  {
    Statement last = session.Prepare("SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'trace'");
    const absl::StatusOr<bool> row = last.Step();
    if (!row.ok()) return row.status();
    id = last.Int(0) + 1;
  }
  absl::Status put = session
                         .Prepare(
                             "INSERT OR REPLACE INTO trace VALUES (?1, row_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7), row_sum(?1, ?8), "
                             "?2, ?3, ?4, ?5, ?6, ?7, ?8)")
                         .Bind(id)
                         .Bind(trace.sha256)
                         .Bind(trace.name)
                         .Bind(trace.format)
                         .Bind(trace.operations)
                         .Bind(static_cast<std::uint64_t>(absl::ToUnixNanos(trace.upload_time)))
                         .Bind(std::uint64_t{trace.content.size()})
                         .BindBlob(trace.content)
                         .Run();
  if (!put.ok()) return put;
  return session.Prepare("INSERT OR REPLACE INTO trace_owner VALUES (?1, ?2, row_sum(?1, ?2))")
      .Bind(trace.sha256)
      .Bind(trace.owner)
      .Run();
}

absl::Status SqliteStore::DeleteTrace(std::string_view sha256) {
  absl::Status status = ChangeEvenIfFull([&](Database::Session& session) {
    return session.Transact([&] {
      absl::Status deleted = session.Prepare("DELETE FROM trace WHERE sha256 = ?").Bind(sha256).Run();
      return deleted.ok() ? session.Prepare("DELETE FROM trace_owner WHERE sha256 = ?").Bind(sha256).Run() : deleted;
    });
  });
  if (absl::IsDataLoss(status)) return damage_.Found(fmt::format("trace \"{}\"", sha256));
  if (status.ok()) Shrink();
  return status;
}

absl::Status SqliteStore::GiveTrace(std::string_view sha256, const std::string& owner) {
  return ChangeEvenIfFull([&](Database::Session& session) {
    return session
        .Prepare("INSERT OR REPLACE INTO trace_owner SELECT sha256, ?2, row_sum(sha256, ?2) FROM trace WHERE sha256 = ?1")
        .Bind(sha256)
        .Bind(owner)
        .Run();
  });
}

absl::StatusOr<std::optional<StoredTrace>> SqliteStore::FindTrace(std::string_view sha256) const {
  return ReadTrace("SELECT " TRACE_HEAD ", head_sum = row_sum(" TRACE_HEAD ") AND body_sum = row_sum(" TRACE_BODY
                   ") AND " TRACE_OWNER_WHOLE ", " TRACE_OWNER ", content FROM trace WHERE sha256 = ?",
                   sha256);
}

absl::StatusOr<std::optional<StoredTrace>> SqliteStore::FindTraceInfo(std::string_view sha256) const {
  return ReadTrace("SELECT " TRACE_HEAD ", head_sum = row_sum(" TRACE_HEAD ") AND " TRACE_OWNER_WHOLE ", " TRACE_OWNER
                   ", x'' FROM trace WHERE sha256 = ?",
                   sha256);
}

absl::StatusOr<std::optional<StoredTrace>> SqliteStore::ReadTrace(const char* sql, std::string_view sha256) const {
  Database::Session session(*reader_);
  Statement query = session.Prepare(sql);
  const absl::StatusOr<bool> row = query.Bind(sha256).Step();
  if (absl::IsDataLoss(row.status())) return damage_.Found(fmt::format("trace \"{}\"", sha256));
  if (!row.ok()) return row.status();
  if (!*row) return std::nullopt;
  if (query.Int(7) != 1 || query.Text(1) != sha256) return damage_.Found(fmt::format("trace \"{}\"", sha256));
  StoredTrace trace = ReadHead(query);
  trace.owner = query.Text(8);
  trace.content = query.Text(9);
  return trace;
}

absl::StatusOr<TraceList> SqliteStore::ListTraces(std::uint64_t before_id, std::size_t limit) const {
  TraceList list;
  const auto take = [&](const Statement& row) -> absl::Status {
    if (row.Int(7) != 1) return damage_.Found(TraceName(row.Int(0)));
    list.traces.push_back(ReadHead(row));
    list.traces.back().owner = row.Text(8);
    return absl::OkStatus();
  };
  absl::Status status = Scan("trace", TRACE_HEAD, " AND " TRACE_OWNER_WHOLE ", " TRACE_OWNER, "trace_digest", before_id, limit,
                             take, list.damaged);
  if (!status.ok()) return status;
  for (const std::uint64_t id : list.damaged) damage_.Found(TraceName(id)).IgnoreError();  // logged
  return list;
}

absl::StatusOr<std::uint64_t> SqliteStore::TraceBytesOf(std::string_view owner) const {
  Database::Session session(*reader_);
  return BytesOf(session, owner, "");
}

absl::StatusOr<std::uint64_t> SqliteStore::TraceBytes() const { return QueryInt("SELECT ifnull(sum(bytes), 0) FROM trace"); }

}  // namespace alloclab::server

// SqliteStore: the runs.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "allocators/common/check.h"
#include "server/errors.h"
#include "server/limits.h"
#include "server/log.h"
#include "server/store/run_codec.h"
#include "server/store/schema.h"
#include "server/store/sqlite_store.h"

namespace alloclab::server {
namespace {

std::string RunName(std::uint64_t id) { return fmt::format("run {}", id); }
std::uint64_t Nanos(absl::Time time) { return static_cast<std::uint64_t>(absl::ToUnixNanos(time)); }
absl::Time FromNanos(std::uint64_t nanos) { return absl::FromUnixNanos(static_cast<std::int64_t>(nanos)); }

// Errors travel with lists.
std::string CutError(const std::string& error) { return error.substr(0, kErrorMessageMax); }

absl::StatusOr<std::uint64_t> CountOf(Database::Session& session, std::string_view owner) {
  Statement query = session.Prepare("SELECT count(*) FROM run WHERE run_owner(request) = ?");
  const absl::StatusOr<bool> row = query.Bind(owner).Step();
  if (!row.ok()) return row.status();
  return query.Int(0);
}

}  // namespace

absl::StatusOr<Run> SqliteStore::ReadRun(const Statement& row, bool whole) const {
  absl::StatusOr<Run> run = DecodeRun(RunRowOf(row, whole), whole);
  if (run.ok() && !Ended(run->state) && run->id <= ids_before_open_) {  // of an earlier server, and the store could not be told
    run->state = RunState::kInterrupted;
    run->end_time = run->submit_time;
    run->error = kInterruptedWhy;
    for (const NotedEnd& end : ends_.ends()) {
      if (end.run != run->id) continue;
      run->state = static_cast<RunState>(end.state);
      run->end_time = FromNanos(end.end_ns);
      run->error = end.error;
    }
  }
  return run;
}

absl::StatusOr<std::uint64_t> SqliteStore::InsertRunWithin(const Run& run, const std::string& request_id,
                                                           const std::string& fingerprint, std::uint64_t owner_runs_max) {
  const SplitRequest request = EncodeRequest(run.request);
  std::uint64_t id = 0;
  absl::Status refused;  // not by the database, which goes on
  absl::Status status = Change([&](Database::Session& session) {
    return session.Transact([&]() -> absl::Status {
      if (owner_runs_max != UINT64_MAX && !run.request.owner.empty()) {
        const absl::StatusOr<std::uint64_t> stored = CountOf(session, run.request.owner);
        if (!stored.ok()) return stored.status();
        if (*stored >= owner_runs_max) refused = errors::TooManyStoredRunsOf(run.request.owner, owner_runs_max);
        if (!refused.ok()) return absl::OkStatus();
      }
      {
        Statement last = session.Prepare("SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'run'");
        const absl::StatusOr<bool> row = last.Step();
        if (!row.ok()) return row.status();
        id = last.Int(0) + 1;
      }
      return session
          .Prepare(
              "INSERT INTO run VALUES (?1, row_sum(?1, ?2, ?3, nullif(?4, ''), ?5, ?6, 0, ?7, ?8, '', x''), "
              "row_sum(?1, ?9, x''), ?2, ?3, nullif(?4, ''), ?5, ?6, 0, ?7, ?8, '', x'', ?9, x'')")
          .Bind(id)
          .Bind(static_cast<std::uint64_t>(run.state))
          .BindBlob(request.request)
          .Bind(request_id)
          .Bind(fingerprint)
          .Bind(Nanos(run.submit_time))
          .Bind(run.operations_done)
          .Bind(run.operations_total)
          .BindBlob(request.phases)
          .Run();
    });
  });
  if (absl::IsAlreadyExists(status)) return errors::RequestIdReused(request_id);
  status.Update(refused);
  if (!status.ok()) return status;
  return id;
}

absl::Status SqliteStore::FinishRun(const Run& run) {
  ALLOCLAB_CHECK(Ended(run.state));
  absl::Status status = ChangeEvenIfFull([&](Database::Session& session) {
    return session.Transact([&]() -> absl::Status {
      absl::Status written = WriteEnd(session, run);
      const std::optional<KnownResult> known = written.ok() ? KnownResultOf(run) : std::nullopt;
      return known ? Know(session, *known) : written;
    });
  });
  if (status.ok()) {
    ends_.Forget(run.id);
  } else if (!NoteEnd(WithLostResult(run, status))) {
    Log(LogLevel::kError, "run.end_not_noted", {{"run", run.id}});
  }
  return status;
}

absl::Status SqliteStore::WriteEnd(Database::Session& session, const Run& run) {
  const std::string result = EncodeResult(run.result), summary = EncodeSummary(run.result);
  {
    Statement update = session.Prepare(
        "UPDATE run SET state = ?1, end_ns = ?2, operations_done = ?3, "
        "operations_total = ?4, error = ?5, summary = ?6, result = ?7, "
        "head_sum = row_sum(id, ?1, request, request_id, fingerprint, "
        "submit_ns, ?2, ?3, ?4, ?5, ?6), body_sum = row_sum(id, phases, "
        "?7) WHERE id = ?8 AND head_sum = row_sum(" RUN_HEAD ") AND body_sum = row_sum(" RUN_BODY ")");
    absl::Status updated = update.Bind(static_cast<std::uint64_t>(run.state))
                               .Bind(Nanos(run.end_time))
                               .Bind(run.operations_done)
                               .Bind(run.operations_total)
                               .Bind(CutError(run.error))
                               .BindBlob(summary)
                               .BindBlob(result)
                               .Bind(run.id)
                               .Run();
    if (!updated.ok() || session.changes() == 1) return updated;
  }
  Statement query = session.Prepare("SELECT 1 FROM run WHERE id = ?");
  const absl::StatusOr<bool> there = query.Bind(run.id).Step();
  if (!there.ok()) return there.status();
  return *there ? damage_.Found(RunName(run.id)) : absl::OkStatus();  // one that was deleted needs no end
}

absl::Status SqliteStore::Know(Database::Session& session, const KnownResult& known) {
  return session
      .Prepare(
          "INSERT OR IGNORE INTO known_result SELECT ?1, ?2, ?3, row_sum(?1, ?2, ?3) WHERE EXISTS (SELECT 1 FROM run WHERE id "
          "= ?2)")
      .Bind(known.key)
      .Bind(known.run)
      .Bind(known.digest)
      .Run();
}

absl::StatusOr<std::optional<KnownResult>> SqliteStore::FindKnownResult(std::string_view key) const {
  Database::Session session(*reader_);
  Statement query = session.Prepare("SELECT run, digest, sum = row_sum(key, run, digest) FROM known_result WHERE key = ?");
  const absl::StatusOr<bool> row = query.Bind(std::string(key)).Step();
  if (!row.ok()) return row.status();
  if (!*row) return std::nullopt;
  if (query.Int(2) != 1) return damage_.Found(fmt::format("the known result of run {}", query.Int(0)));
  return KnownResult{std::string(key), query.Int(0), query.Text(1)};
}

bool SqliteStore::NoteEnd(const Run& run) {
  ALLOCLAB_CHECK(Ended(run.state));
  return ends_.Note({run.id, static_cast<std::uint64_t>(run.state), Nanos(run.end_time), run.error});
}

absl::Status SqliteStore::DeleteRun(std::uint64_t id) {
  absl::Status status = ChangeEvenIfFull([&](Database::Session& session) {
    return session.Transact([&] {
      absl::Status deleted = session.Prepare("DELETE FROM run WHERE id = ?").Bind(id).Run();
      return deleted.ok() ? session.Prepare("DELETE FROM pinned_run WHERE id = ?").Bind(id).Run() : deleted;
    });
  });
  if (absl::IsDataLoss(status)) return damage_.Found(RunName(id));
  if (status.ok()) Shrink();
  return status;
}

absl::Status SqliteStore::UpdateRun(std::uint64_t id, const RunChange& change) {
  return Change([&](Database::Session& session) {
    return session.Transact([&]() -> absl::Status {
      absl::Status status = change.label ? Rename(session, id, *change.label) : absl::OkStatus();
      if (!status.ok() || !change.pinned) return status;
      const char* const sql = *change.pinned ? "INSERT OR REPLACE INTO pinned_run SELECT id, row_sum(id) FROM run WHERE id = ?"
                                             : "DELETE FROM pinned_run WHERE id = ?";
      return session.Prepare(sql).Bind(id).Run();
    });
  });
}

absl::Status SqliteStore::Rename(Database::Session& session, std::uint64_t id, const std::string& label) {
  absl::StatusOr<std::string> request;
  {
    Statement query = session.Prepare("SELECT request, head_sum = row_sum(" RUN_HEAD ") FROM run WHERE id = ?");
    const absl::StatusOr<bool> row = query.Bind(id).Step();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
    if (query.Int(1) != 1) return damage_.Found(RunName(id));
    request = WithLabel(query.Text(0), label);
  }
  if (!request.ok()) return request.status();
  absl::Status status = session.Prepare("UPDATE run SET request = ?2 WHERE id = ?1").Bind(id).BindBlob(*request).Run();
  if (!status.ok()) return status;
  return session.Prepare("UPDATE run SET head_sum = row_sum(" RUN_HEAD ") WHERE id = ?").Bind(id).Run();
}

class SqliteStore::RunRoom final : public Room {
 public:
  explicit RunRoom(Database::Session& session) : session_(session) {}

  absl::StatusOr<std::map<std::string, std::uint64_t>> CountByOwner() override {
    std::map<std::string, std::uint64_t> runs;
    Statement query = session_.Prepare("SELECT run_owner(request), count(*) FROM run GROUP BY 1");
    absl::StatusOr<bool> row = query.Step();
    for (; row.ok() && *row; row = query.Step()) runs[query.Text(0)] = query.Int(1);
    if (!row.ok()) return row.status();
    return runs;
  }

  absl::StatusOr<std::uint64_t> RetireOldest(const std::string& owner, std::uint64_t runs) override {
    Statement oldest = session_.Prepare(
        "DELETE FROM run WHERE id IN (SELECT id FROM run WHERE run_owner(request) = ? AND state > 2 AND NOT " RUN_PINNED
        " ORDER BY id LIMIT ?)");
    absl::Status deleted = oldest.Bind(owner).Bind(runs).Run();
    if (!deleted.ok()) return deleted;
    return session_.changes();
  }

 private:
  Database::Session& session_;
};

absl::StatusOr<std::uint64_t> SqliteStore::RetireRuns(const Retention& retention) {
  std::uint64_t retired = 0;
  absl::Status status = ChangeEvenIfFull([&](Database::Session& session) {
    return session.Transact([&]() -> absl::Status {
      const absl::StatusOr<std::uint64_t> old = RetireOld(session, retention);
      if (!old.ok()) return old.status();
      RunRoom room(session);
      const absl::StatusOr<std::uint64_t> more = MakeRoom(room, retention);
      if (!more.ok()) return more.status();
      retired = *old + *more;
      return absl::OkStatus();
    });
  });
  if (!status.ok()) return status;
  if (retired > 0) Shrink();
  return retired;
}

absl::StatusOr<std::uint64_t> SqliteStore::RetireOld(Database::Session& session, const Retention& retention) {
  const std::uint64_t latest = Nanos(retention.latest());
  if (retention.before_of.empty()) {
    absl::Status deleted =
        session.Prepare("DELETE FROM run WHERE end_ns > 0 AND end_ns < ? AND NOT " RUN_PINNED).Bind(latest).Run();
    if (!deleted.ok()) return deleted;
    return session.changes();
  }
  std::vector<std::uint64_t> old;
  {
    Statement ended =
        session.Prepare("SELECT id, end_ns, request FROM run WHERE end_ns > 0 AND end_ns < ? AND NOT " RUN_PINNED);
    ended.Bind(latest);
    absl::StatusOr<bool> row = ended.Step();
    for (; row.ok() && *row; row = ended.Step()) {
      if (retention.Retires(OwnerOf(ended.Text(2)), ended.Int(1))) old.push_back(ended.Int(0));
    }
    if (!row.ok()) return row.status();
  }
  for (const std::uint64_t id : old) {
    absl::Status deleted = session.Prepare("DELETE FROM run WHERE id = ?").Bind(id).Run();
    if (!deleted.ok()) return deleted;
  }
  return old.size();
}

absl::StatusOr<std::optional<Run>> SqliteStore::FindRun(std::uint64_t id) const {
  Database::Session session(*reader_);
  Statement query =
      session.Prepare("SELECT " RUN_HEAD ", phases, result, head_sum = row_sum(" RUN_HEAD ") AND body_sum = row_sum(" RUN_BODY
                      ") AND " RUN_PINNED_WHOLE ", " RUN_PINNED " FROM run WHERE id = ?");
  const absl::StatusOr<bool> row = query.Bind(id).Step();
  if (absl::IsDataLoss(row.status())) return damage_.Found(RunName(id));
  if (!row.ok()) return row.status();
  if (!*row) return std::nullopt;
  if (query.Int(13) != 1 || query.Int(0) != id) return damage_.Found(RunName(id));
  absl::StatusOr<Run> run = ReadRun(query, /*whole=*/true);
  if (run.ok()) run->pinned = query.Int(14) == 1;
  return run;
}

absl::StatusOr<std::optional<EarlierSubmission>> SqliteStore::FindSubmission(std::string_view request_id) const {
  Database::Session session(*reader_);
  Statement query = session.Prepare("SELECT id, fingerprint, head_sum = row_sum(" RUN_HEAD ") FROM run WHERE request_id = ?");
  const absl::StatusOr<bool> row = query.Bind(request_id).Step();
  if (!row.ok()) return row.status();
  if (!*row) return std::nullopt;
  if (query.Int(2) != 1) return damage_.Found(RunName(query.Int(0)));
  return EarlierSubmission{query.Int(0), query.Text(1)};
}

absl::StatusOr<RunList> SqliteStore::ListRuns(std::uint64_t before_id, std::size_t limit) const {
  RunList list;
  const auto take = [&](const Statement& row) -> absl::Status {
    if (row.Int(11) != 1) return damage_.Found(RunName(row.Int(0)));
    absl::StatusOr<Run> run = ReadRun(row, /*whole=*/false);
    if (!run.ok()) return run.status();
    run->pinned = row.Int(12) == 1;
    list.runs.push_back(*std::move(run));
    return absl::OkStatus();
  };
  absl::Status status =
      Scan("run", RUN_HEAD, " AND " RUN_PINNED_WHOLE ", " RUN_PINNED, "run_request", before_id, limit, take, list.damaged);
  if (!status.ok()) return status;
  for (const std::uint64_t id : list.damaged) damage_.Found(RunName(id)).IgnoreError();  // logged
  return list;
}

absl::StatusOr<std::uint64_t> SqliteStore::CountRuns() const { return QueryInt("SELECT count(*) FROM run"); }

absl::StatusOr<std::uint64_t> SqliteStore::CountRunsOf(std::string_view owner) const {
  Database::Session session(*reader_);
  return CountOf(session, owner);
}

}  // namespace alloclab::server

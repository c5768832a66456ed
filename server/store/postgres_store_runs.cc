// PostgresStore: the runs.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "server/entities/native_allocator.h"
#include "server/errors.h"
#include "server/limits.h"
#include "server/store/postgres_store.h"
#include "server/store/row_sum.h"

namespace alloclab::server {
namespace {

// What lists show of a row, how far the run is, and what only whoever asks for the one row sees; with checksums.
#define PG_RUN_HEAD                                                                                            \
  "id, state, request, request_id, fingerprint, submit_ns, end_ns, operations_done, operations_total, error, " \
  "summary, head_sum, pinned, coalesce(lease_end > now(), false), coalesce(done, 0)"
#define PG_RUN_BODY "phases, result, body_sum"
#define PG_RUN_FROM " FROM run LEFT JOIN queue ON queue.run = run.id "
namespace column {
enum {
  kId,
  kState,
  kRequest,
  kRequestId,
  kFingerprint,
  kSubmit,
  kEnd,
  kDone,
  kTotal,
  kError,
  kSummary,
  kHeadSum,
  kPinned,
  kIsTaken,
  kTakenDone,
  kPhases,
  kResult,
  kBodySum
};
}  // namespace column

std::string PgRunName(std::uint64_t id) { return fmt::format("run {}", id); }
std::uint64_t NanosOf(absl::Time time) { return static_cast<std::uint64_t>(absl::ToUnixNanos(time)); }

// `request_id` is empty if the row has none.
std::uint64_t RunHeadSum(const RunRow& row, std::string_view request_id, std::string_view fingerprint) {
  RowSum sum;
  sum.Add(row.id).Add(row.state).Add(row.request.request).Add(request_id).Add(fingerprint).Add(row.submit_ns).Add(row.end_ns);
  sum.Add(row.operations_done).Add(row.operations_total).Add(row.error).Add(row.summary);
  if (row.pinned) sum.Add(std::uint64_t{1});  // a row of the first version is not
  return sum.value();
}

std::uint64_t KnownResultSum(const KnownResult& known) {
  return RowSum().Add(known.key).Add(known.run).Add(known.digest).value();
}

// A run that a server replays is kQueued in its row.
void ShowTaken(const PgResult& result, int row, Run& run) {
  if (Ended(run.state) || result.Int(row, column::kIsTaken) == 0) return;
  run.state = RunState::kRunning;
  run.operations_done = result.Int(row, column::kTakenDone);
}

std::string TraceOf(const RunRequest& request) {
  const auto* trace = std::get_if<UploadedTrace>(&request.workload);
  return trace == nullptr ? "" : trace->sha256;
}

std::uint64_t RunBodySum(const RunRow& row) { return RowSum().Add(row.id).Add(row.request.phases).Add(row.result).value(); }

}  // namespace

absl::StatusOr<RunRow> PostgresStore::ReadRow(const PgResult& result, int row, bool whole) const {
  const auto text = [&](int column) { return std::string(result.Bytes(row, column)); };
  RunRow run;
  run.id = result.Int(row, column::kId);
  run.state = result.Int(row, column::kState);
  run.request.request = text(column::kRequest);
  run.submit_ns = result.Int(row, column::kSubmit);
  run.end_ns = result.Int(row, column::kEnd);
  run.operations_done = result.Int(row, column::kDone);
  run.operations_total = result.Int(row, column::kTotal);
  run.error = text(column::kError);
  run.summary = text(column::kSummary);
  run.pinned = result.Int(row, column::kPinned) != 0;
  const std::uint64_t sum = RunHeadSum(run, result.Bytes(row, column::kRequestId), result.Bytes(row, column::kFingerprint));
  if (sum != result.Int(row, column::kHeadSum)) return damage_.Found(PgRunName(run.id));
  if (!whole) return run;
  run.request.phases = text(column::kPhases);
  run.result = text(column::kResult);
  if (RunBodySum(run) != result.Int(row, column::kBodySum)) return damage_.Found(PgRunName(run.id));
  return run;
}

absl::StatusOr<std::uint64_t> PostgresStore::InsertRunWithin(const Run& run, const std::string& request_id,
                                                             const std::string& fingerprint, std::uint64_t owner_runs_max) {
  RunRow row;
  row.state = static_cast<std::uint64_t>(run.state);
  row.request = EncodeRequest(run.request);
  row.submit_ns = NanosOf(run.submit_time);
  row.operations_done = run.operations_done;
  row.operations_total = run.operations_total;
  absl::Status status = Change([&](PgConnection& connection) -> absl::Status {
    if (absl::Status may = CheckPgRuns(connection, run.request.owner, owner_runs_max); !may.ok()) return may;
    const auto id = connection.Execute("SELECT nextval('run_id')");
    if (!id.ok()) return id.status();
    row.id = id->Int(0, 0);
    PgValues values;
    values.Add(row.id)
        .Add(RunHeadSum(row, request_id, fingerprint))
        .Add(RunBodySum(row))
        .Add(row.state)
        .Add(row.request.request);
    values.AddOrNull(request_id).Add(fingerprint).Add(row.submit_ns).Add(row.operations_done).Add(row.operations_total);
    const auto inserted = connection.Execute(
        "INSERT INTO run VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, '', '', $11, '', 0, false, $12)",
        values.Add(row.request.phases).Add(run.request.owner));
    if (!inserted.ok()) return inserted.status();
    const std::string trace = TraceOf(run.request);
    PgValues waiting;
    waiting.Add(row.id).Add(run.request.owner).Add(std::uint64_t{IsNative(run.request.config)}).Add(trace);
    return connection.Execute("INSERT INTO queue (run, owner, native, trace) VALUES ($1, $2, $3 = 1, $4)", waiting).status();
  });
  if (absl::IsAlreadyExists(status)) return errors::RequestIdReused(request_id);
  if (!status.ok()) return status;
  return row.id;
}

absl::Status PostgresStore::CheckPgRuns(PgConnection& connection, const std::string& owner, std::uint64_t owner_runs_max) {
  if (owner.empty() || owner_runs_max == UINT64_MAX) return absl::OkStatus();
  const auto locked = connection.Execute("SELECT pg_advisory_xact_lock(2, hashtext(encode($1, 'hex')))", PgValues().Add(owner));
  if (!locked.ok()) return locked.status();
  const auto stored = connection.Execute("SELECT count(*) FROM run WHERE run_owner = $1", PgValues().Add(owner));
  if (!stored.ok()) return stored.status();
  return stored->Int(0, 0) < owner_runs_max ? absl::OkStatus() : errors::TooManyStoredRunsOf(owner, owner_runs_max);
}

absl::Status PostgresStore::FinishRun(const Run& run) { return FinishTaken(run, /*token=*/0); }

absl::Status PostgresStore::Know(PgConnection& connection, const KnownResult& known) {
  PgValues values;
  values.Add(known.key).Add(known.run).Add(known.digest).Add(KnownResultSum(known));
  return connection
      .Execute(
          "INSERT INTO known_result SELECT $1, $2, $3, $4 WHERE EXISTS (SELECT 1 FROM run WHERE id = $2) "
          "ON CONFLICT (key) DO NOTHING",
          values)
      .status();
}

absl::StatusOr<std::optional<KnownResult>> PostgresStore::FindKnownResult(std::string_view key) const {
  const auto found = Execute("SELECT run, digest, sum FROM known_result WHERE key = $1", PgValues().Add(key));
  if (!found.ok()) return found.status();
  if (found->rows() == 0) return std::nullopt;
  KnownResult known{std::string(key), found->Int(0, 0), std::string(found->Bytes(0, 1))};
  if (KnownResultSum(known) != found->Int(0, 2)) return damage_.Found(fmt::format("the known result of run {}", known.run));
  return known;
}

absl::StatusOr<RunRow> PostgresStore::FindRow(PgConnection& connection, std::uint64_t id) const {
  const auto found = connection.Execute("SELECT " PG_RUN_HEAD ", " PG_RUN_BODY PG_RUN_FROM "WHERE id = $1", PgValues().Add(id));
  if (!found.ok()) return found.status();
  return found->rows() == 0 ? errors::RunNotFound(id) : ReadRow(*found, 0, /*whole=*/true);
}

absl::Status PostgresStore::WriteEnd(PgConnection& connection, const Run& run, std::uint64_t token) {
  return Rewrite(connection, run.id, token, [&](RunRow& row) {
    row.state = static_cast<std::uint64_t>(run.state);
    row.end_ns = NanosOf(run.end_time);
    row.operations_done = run.operations_done;
    row.operations_total = run.operations_total;
    row.error = run.error.substr(0, kErrorMessageMax);  // errors travel with lists
    row.summary = EncodeSummary(run.result);
    row.result = EncodeResult(run.result);
  });
}

absl::Status PostgresStore::Rewrite(PgConnection& connection, std::uint64_t id, std::uint64_t token,
                                    absl::FunctionRef<void(RunRow&)> change) {
  const auto found = connection.Execute("SELECT " PG_RUN_HEAD ", " PG_RUN_BODY PG_RUN_FROM "WHERE id = $1 FOR UPDATE OF run",
                                        PgValues().Add(id));
  if (!found.ok()) return found.status();
  if (found->rows() == 0) return absl::OkStatus();
  absl::StatusOr<RunRow> row = ReadRow(*found, 0, /*whole=*/true);
  if (!row.ok()) return row.status();
  change(*row);
  const std::uint64_t head_sum = RunHeadSum(*row, found->Bytes(0, column::kRequestId), found->Bytes(0, column::kFingerprint));
  PgValues values;
  values.Add(row->id).Add(head_sum).Add(RunBodySum(*row)).Add(row->state).Add(row->end_ns).Add(row->operations_done);
  values.Add(row->operations_total).Add(row->error).Add(row->summary).Add(row->result).Add(token);
  return connection
      .Execute(
          "UPDATE run SET head_sum = $2, body_sum = $3, state = $4, end_ns = $5, operations_done = $6, "
          "operations_total = $7, error = $8, summary = $9, result = $10, token = $11 WHERE id = $1",
          values)
      .status();
}

absl::Status PostgresStore::DeleteRun(std::uint64_t id) {
  return Execute("DELETE FROM run WHERE id = $1", PgValues().Add(id)).status();
}

absl::Status PostgresStore::UpdateRun(std::uint64_t id, const RunChange& change) {
  return Change([&](PgConnection& connection) -> absl::Status {
    const auto found =
        connection.Execute("SELECT " PG_RUN_HEAD PG_RUN_FROM "WHERE id = $1 FOR UPDATE OF run", PgValues().Add(id));
    if (!found.ok()) return found.status();
    if (found->rows() == 0) return absl::OkStatus();
    absl::StatusOr<RunRow> row = ReadRow(*found, 0, /*whole=*/false);
    if (!row.ok()) return row.status();
    absl::StatusOr<std::string> request = change.label ? WithLabel(row->request.request, *change.label) : row->request.request;
    if (!request.ok()) return request.status();
    row->request.request = *std::move(request);
    row->pinned = change.pinned.value_or(row->pinned);
    const std::uint64_t sum = RunHeadSum(*row, found->Bytes(0, column::kRequestId), found->Bytes(0, column::kFingerprint));
    PgValues values;
    values.Add(id).Add(row->request.request).Add(sum).Add(std::uint64_t{row->pinned});
    return connection.Execute("UPDATE run SET request = $2, head_sum = $3, pinned = ($4 = 1) WHERE id = $1", values).status();
  });
}

class PostgresStore::RunRoom final : public Room {
 public:
  explicit RunRoom(PgConnection& connection) : connection_(connection) {}

  absl::StatusOr<std::map<std::string, std::uint64_t>> CountByOwner() override {
    const auto counted = connection_.Execute("SELECT run_owner, count(*) FROM run GROUP BY run_owner");
    if (!counted.ok()) return counted.status();
    std::map<std::string, std::uint64_t> runs;
    for (int i = 0; i < counted->rows(); ++i) runs[std::string(counted->Bytes(i, 0))] = counted->Int(i, 1);
    return runs;
  }

  absl::StatusOr<std::uint64_t> RetireOldest(const std::string& owner, std::uint64_t runs) override {
    const auto oldest = connection_.Execute(
        "DELETE FROM run WHERE id IN (SELECT id FROM run WHERE run_owner = $1 AND state > 2 AND NOT pinned ORDER BY id LIMIT "
        "$2)",
        PgValues().Add(owner).Add(runs));
    if (!oldest.ok()) return oldest.status();
    return oldest->changed();
  }

 private:
  PgConnection& connection_;
};

absl::StatusOr<std::uint64_t> PostgresStore::RetireRuns(const Retention& retention) {
  std::uint64_t retired = 0;
  absl::Status status = Change([&](PgConnection& connection) -> absl::Status {
    const auto old = RetireOld(connection, retention);
    if (!old.ok()) return old.status();
    RunRoom room(connection);
    const absl::StatusOr<std::uint64_t> more = MakeRoom(room, retention);
    if (!more.ok()) return more.status();
    retired = *old + *more;
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return retired;
}

absl::StatusOr<std::uint64_t> PostgresStore::RetireOld(PgConnection& connection, const Retention& retention) {
  const std::uint64_t latest = NanosOf(retention.latest());
  if (retention.before_of.empty()) {
    const auto old =
        connection.Execute("DELETE FROM run WHERE end_ns > 0 AND end_ns < $1 AND NOT pinned", PgValues().Add(latest));
    if (!old.ok()) return old.status();
    return old->changed();
  }
  const auto ended = connection.Execute("SELECT id, end_ns, request FROM run WHERE end_ns > 0 AND end_ns < $1 AND NOT pinned",
                                        PgValues().Add(latest));
  if (!ended.ok()) return ended.status();
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < ended->rows(); ++i) {
    if (retention.Retires(OwnerOf(std::string(ended->Bytes(i, 2))), ended->Int(i, 1))) ids.push_back(ended->Int(i, 0));
  }
  if (ids.empty()) return 0;
  const auto old = connection.Execute("DELETE FROM run WHERE id = ANY($1) AND NOT pinned", PgValues().Add(ids));
  if (!old.ok()) return old.status();
  return old->changed();
}

absl::StatusOr<std::optional<Run>> PostgresStore::FindRun(std::uint64_t id) const {
  const auto found = Execute("SELECT " PG_RUN_HEAD ", " PG_RUN_BODY PG_RUN_FROM "WHERE id = $1", PgValues().Add(id));
  if (!found.ok()) return found.status();
  if (found->rows() == 0) return std::nullopt;
  const absl::StatusOr<RunRow> row = ReadRow(*found, 0, /*whole=*/true);
  if (!row.ok()) return row.status();
  absl::StatusOr<Run> run = DecodeRun(*row, /*whole=*/true);
  if (run.ok()) ShowTaken(*found, 0, *run);
  return run;
}

absl::StatusOr<std::optional<EarlierSubmission>> PostgresStore::FindSubmission(std::string_view request_id) const {
  const auto found = Execute("SELECT " PG_RUN_HEAD PG_RUN_FROM "WHERE request_id = $1", PgValues().Add(request_id));
  if (!found.ok()) return found.status();
  if (found->rows() == 0) return std::nullopt;
  const absl::StatusOr<RunRow> row = ReadRow(*found, 0, /*whole=*/false);
  if (!row.ok()) return row.status();
  return EarlierSubmission{row->id, std::string(found->Bytes(0, column::kFingerprint))};
}

absl::StatusOr<RunList> PostgresStore::ListRuns(std::uint64_t before_id, std::size_t limit) const {
  const auto found = Execute("SELECT " PG_RUN_HEAD PG_RUN_FROM "WHERE id < $1 ORDER BY id DESC LIMIT $2",
                             PgValues().Add(before_id).Add(std::uint64_t{limit}));
  if (!found.ok()) return found.status();
  RunList list;
  for (int i = 0; i < found->rows(); ++i) {
    const absl::StatusOr<RunRow> row = ReadRow(*found, i, /*whole=*/false);
    absl::StatusOr<Run> run = row.ok() ? DecodeRun(*row, /*whole=*/false) : row.status();
    if (run.ok()) {
      ShowTaken(*found, i, *run);
      list.runs.push_back(*std::move(run));
    } else {
      list.damaged.push_back(found->Int(i, column::kId));
    }
  }
  return list;
}

absl::StatusOr<std::uint64_t> PostgresStore::CountRuns() const { return QueryInt("SELECT count(*) FROM run"); }

absl::StatusOr<std::uint64_t> PostgresStore::CountRunsOf(std::string_view owner) const {
  const auto counted = Execute("SELECT count(*) FROM run WHERE run_owner = $1", PgValues().Add(owner));
  if (!counted.ok()) return counted.status();
  return counted->Int(0, 0);
}

}  // namespace alloclab::server

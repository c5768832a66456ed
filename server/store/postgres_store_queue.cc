// PostgresStore: which server replays which run.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "allocators/common/check.h"
#include "server/errors.h"
#include "server/limits.h"
#include "server/log.h"
#include "server/store/postgres_store.h"

namespace alloclab::server {
namespace {

// Parameters: how many runs of an owner may be under way; 1 if runs on real allocators may be taken; 1 if leases that have run
// out may, and how long a lease is in milliseconds; 1 if nobody's may not. While the database was away nobody could renew his
// lease: those that ran out meanwhile have their time once more. What another server is taking at this moment is passed over.
constexpr const char* kFindNext = R"sql(
  SELECT q.run, q.owner, q.attempt, q.server, q.cancel
  FROM queue q
  LEFT JOIN (SELECT owner, count(*) AS runs FROM queue WHERE lease_end > now() GROUP BY owner) under_way USING (owner)
  LEFT JOIN turn USING (owner)
  WHERE (q.lease_end IS NULL
         OR ($3 = 1 AND q.lease_end < now() AND now() - pg_postmaster_start_time() > $4 * interval '1 millisecond'))
    AND ($2 = 1 OR NOT q.native)
    AND CASE WHEN q.owner = '' THEN $5 = 0 ELSE coalesce(under_way.runs, 0) < $1 END
  ORDER BY coalesce(under_way.runs, 0), coalesce(turn.last, 0), q.run
  LIMIT 1
  FOR UPDATE OF q SKIP LOCKED
)sql";

// Nothing is told of it: another statement of the same moment was first.
absl::Status TryAgain() { return absl::AbortedError("another server was first"); }

}  // namespace

absl::StatusOr<std::optional<RunQueue::Taken>> PostgresStore::Take(const Bounds& bounds) {
  while (true) {
    std::optional<Taken> taken;
    bool more = false;
    absl::Status status = Change([&](PgConnection& connection) { return TakeIn(connection, bounds, taken, more); });
    if (absl::IsAborted(status)) return std::nullopt;
    if (!status.ok()) return status;
    if (taken || !more) return taken;
  }
}

absl::Status PostgresStore::TakeIn(PgConnection& connection, const Bounds& bounds, std::optional<Taken>& taken, bool& more) {
  const bool may_take_over = pool_.steady_for() >= settings_.lease;
  const std::uint32_t running_of_one = bounds.first_ones ? std::min(bounds.running_of_one, 1u) : bounds.running_of_one;
  PgValues wanted;
  wanted.Add(running_of_one).Add(std::uint64_t{bounds.natives}).Add(std::uint64_t{may_take_over}).Add(LeaseMs());
  wanted.Add(std::uint64_t{bounds.first_ones});
  const auto next = connection.Execute(kFindNext, wanted);
  if (!next.ok()) return next.status();
  if (next->rows() == 0) return absl::OkStatus();
  const std::uint64_t id = next->Int(0, 0), attempt = next->Int(0, 2);
  more = true;
  if (next->Int(0, 4) == 1) return EndUntaken(connection, id, RunState::kCancelled, "");
  if (attempt >= kAttemptsMax) {
    return EndUntaken(connection, id, RunState::kFailed,
                      fmt::format("given up after {} attempts: its servers, {} the last of them, ended or fell silent", attempt,
                                  next->Bytes(0, 3)));
  }
  absl::StatusOr<Run> run = ReadWaiting(connection, id);
  if (absl::IsDataLoss(run.status())) return DropUnreadable(connection, id, run.status());
  if (absl::IsInternal(run.status())) {  // as of another version of the server
    return EndUntaken(connection, id, RunState::kFailed, std::string(run.status().message()));
  }
  if (!run.ok()) return run.status();

  const std::string_view owner = next->Bytes(0, 1);
  const auto turn = connection.Execute(
      "INSERT INTO turn VALUES ($1, nextval('token')) ON CONFLICT (owner) DO UPDATE SET last = excluded.last RETURNING last",
      PgValues().Add(owner));
  if (!turn.ok()) return turn.status();
  // From here on nobody else takes a run of this owner.
  PgValues values;
  values.Add(id).Add(turn->Int(0, 0)).Add(settings_.server_name).Add(LeaseMs()).Add(owner).Add(running_of_one);
  const auto leased = connection.Execute(
      "UPDATE queue SET server = $3, token = $2, attempt = attempt + 1, done = 0, "
      "lease_end = now() + $4 * interval '1 millisecond' WHERE run = $1 AND ($5 = ''::BYTEA OR "
      "(SELECT count(*) FROM queue WHERE owner = $5 AND lease_end > now()) < $6)",
      values);
  if (!leased.ok()) return leased.status();
  if (leased->changed() == 0) return TryAgain();
  taken = Taken{*std::move(run), turn->Int(0, 0), attempt + 1};
  return absl::OkStatus();
}

absl::StatusOr<Run> PostgresStore::ReadWaiting(PgConnection& connection, std::uint64_t id) const {
  const absl::StatusOr<RunRow> row = FindRow(connection, id);
  if (!row.ok()) return row.status();
  return DecodeRun(*row, /*whole=*/true);
}

// It would come first for ever.
absl::Status PostgresStore::DropUnreadable(PgConnection& connection, std::uint64_t id, const absl::Status& why) {
  Log(LogLevel::kError, "run.unreadable", {{"run", id}, {"error", std::string(why.message())}});
  return connection.Execute("DELETE FROM queue WHERE run = $1", PgValues().Add(id)).status();
}

absl::Status PostgresStore::EndUntaken(PgConnection& connection, std::uint64_t id, RunState state, const std::string& error) {
  absl::Status status = Rewrite(connection, id, /*token=*/0, [&](RunRow& row) {
    row.state = static_cast<std::uint64_t>(state);
    row.end_ns = static_cast<std::uint64_t>(absl::GetCurrentTimeNanos());
    row.error = error;
  });
  if (absl::IsDataLoss(status)) return DropUnreadable(connection, id, status);
  if (!status.ok()) return status;
  Log(LogLevel::kInfo, "run.ended", {{"run", id}, {"state", RunStateName(state)}, {"error", error}});
  return connection.Execute("DELETE FROM queue WHERE run = $1", PgValues().Add(id)).status();
}

absl::StatusOr<std::vector<RunQueue::Order>> PostgresStore::Renew(const std::vector<Held>& held) {
  std::vector<std::uint64_t> runs, tokens, done;
  for (const Held& one : held) {
    runs.push_back(one.run);
    tokens.push_back(one.token);
    done.push_back(one.operations_done);
  }
  const auto renewed = Execute(
      "UPDATE queue SET lease_end = now() + $4 * interval '1 millisecond', done = held.done "
      "FROM unnest($1, $2, $3) AS held (run, token, done) WHERE queue.run = held.run AND queue.token = held.token "
      "RETURNING queue.run, queue.cancel",
      PgValues().Add(runs).Add(tokens).Add(done).Add(LeaseMs()));
  if (!renewed.ok()) return renewed.status();
  std::vector<Order> orders(held.size(), Order::kLost);
  for (int row = 0; row < renewed->rows(); ++row) {
    for (std::size_t i = 0; i < held.size(); ++i) {
      if (held[i].run == renewed->Int(row, 0)) orders[i] = renewed->Int(row, 1) == 1 ? Order::kCancel : Order::kGoOn;
    }
  }
  return orders;
}

absl::Status PostgresStore::FinishTaken(const Run& run, std::uint64_t token) {
  ALLOCLAB_CHECK(Ended(run.state));
  return Change([&](PgConnection& connection) -> absl::Status {
    const auto ended = connection.Execute("DELETE FROM queue WHERE run = $1 AND token = $2", PgValues().Add(run.id).Add(token));
    if (!ended.ok()) return ended.status();
    if (ended->changed() == 1) {
      absl::Status written = WriteEnd(connection, run, token);
      const std::optional<KnownResult> known = written.ok() ? KnownResultOf(run) : std::nullopt;
      return known ? Know(connection, *known) : written;
    }
    const auto by = connection.Execute("SELECT token, state FROM run WHERE id = $1", PgValues().Add(run.id));
    if (!by.ok()) return by.status();
    if (by->rows() == 0) return absl::OkStatus();  // one that was deleted needs no end
    const bool same = by->Int(0, 0) == token && by->Int(0, 1) == static_cast<std::uint64_t>(run.state);
    return same ? absl::OkStatus() : errors::RunTakenOver(run.id);
  });
}

absl::Status PostgresStore::GiveBack(const std::vector<Held>& held) {
  std::vector<std::uint64_t> runs, tokens;
  for (const Held& one : held) {
    runs.push_back(one.run);
    tokens.push_back(one.token);
  }
  return Execute(
             "UPDATE queue SET lease_end = NULL, attempt = attempt - 1, done = 0 "
             "FROM unnest($1, $2) AS held (run, token) WHERE queue.run = held.run AND queue.token = held.token",
             PgValues().Add(runs).Add(tokens))
      .status();
}

absl::Status PostgresStore::AskToCancel(std::uint64_t run) {
  return Change([&](PgConnection& connection) -> absl::Status {
    const auto found = connection.Execute("SELECT coalesce(lease_end > now(), false) FROM queue WHERE run = $1 FOR UPDATE",
                                          PgValues().Add(run));
    if (!found.ok()) return found.status();
    if (found->rows() == 0) return absl::OkStatus();
    if (found->Int(0, 0) == 0) return EndUntaken(connection, run, RunState::kCancelled, "");
    return connection.Execute("UPDATE queue SET cancel = true WHERE run = $1", PgValues().Add(run)).status();
  });
}

absl::StatusOr<RunQueue::Waiting> PostgresStore::CountWaiting(std::string_view owner) const {
  const auto found = Execute(
      "SELECT count(*), coalesce(sum(run.operations_total), 0)::BIGINT, count(*) FILTER (WHERE owner = $1) "
      "FROM queue JOIN run ON run.id = queue.run WHERE lease_end IS NULL OR lease_end < now()",
      PgValues().Add(owner));
  if (!found.ok()) return found.status();
  return Waiting{found->Int(0, 0), found->Int(0, 1), found->Int(0, 2)};
}

absl::StatusOr<std::optional<RunQueue::User>> PostgresStore::FindUserOf(std::string_view trace_sha256,
                                                                        std::string_view owner) const {
  const auto found = Execute("SELECT run, owner FROM queue WHERE trace = $1 ORDER BY owner <> $2, run LIMIT 1",
                             PgValues().Add(trace_sha256).Add(owner));
  if (!found.ok()) return found.status();
  if (found->rows() == 0) return std::nullopt;
  return User{found->Int(0, 0), std::string(found->Bytes(0, 1))};
}

}  // namespace alloclab::server

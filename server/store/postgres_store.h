// The store of a lab of several servers: a PostgreSQL database, in a schema named alloclab (postgres_schema.h), and the queue
// of its runs.
//
// While the database does not answer every call is UNAVAILABLE; it is asked again by itself (postgres_pool.h).
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_STORE_POSTGRES_STORE_H_
#define ALLOCLAB_SERVER_STORE_POSTGRES_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "allocators/common/mutex.h"
#include "server/limits.h"
#include "server/store/damage_log.h"
#include "server/store/instance_directory.h"
#include "server/store/postgres_connection.h"
#include "server/store/postgres_pool.h"
#include "server/store/run_codec.h"
#include "server/store/run_queue.h"
#include "server/store/run_store.h"

namespace alloclab::server {

class PostgresStore final : public RunStore, public RunQueue, public InstanceDirectory {
 public:
  struct Settings {
    std::string server_name = "";  // who takes runs and has instances, for people to read
    absl::Duration lease = kLeaseTime;
  };
  // Makes the tables if they are missing. INVALID_ARGUMENT: no URL of a database; UNAVAILABLE: it does not answer, or lets
  // nobody in; FAILED_PRECONDITION: its schema is of a newer version.
  static absl::StatusOr<std::unique_ptr<PostgresStore>> Open(const std::string& url, const Settings& settings);

  absl::StatusOr<std::uint64_t> InsertRunWithin(const Run& run, const std::string& request_id, const std::string& fingerprint,
                                                std::uint64_t owner_runs_max) override;
  absl::Status FinishRun(const Run& run) override;
  absl::Status DeleteRun(std::uint64_t id) override;
  absl::Status UpdateRun(std::uint64_t id, const RunChange& change) override;
  absl::StatusOr<std::optional<Run>> FindRun(std::uint64_t id) const override;
  absl::StatusOr<std::optional<KnownResult>> FindKnownResult(std::string_view key) const override;
  absl::StatusOr<std::optional<EarlierSubmission>> FindSubmission(std::string_view request_id) const override;
  absl::StatusOr<RunList> ListRuns(std::uint64_t before_id, std::size_t limit) const override;
  absl::StatusOr<std::uint64_t> CountRuns() const override;
  absl::StatusOr<std::uint64_t> CountRunsOf(std::string_view owner) const override;
  absl::StatusOr<std::uint64_t> RetireRuns(const Retention& retention) override;

  absl::Status PutTraceWithin(const StoredTrace& trace, std::uint64_t owner_bytes_max) override;
  absl::Status DeleteTrace(std::string_view sha256) override;
  absl::Status GiveTrace(std::string_view sha256, const std::string& owner) override;
  absl::StatusOr<std::optional<StoredTrace>> FindTrace(std::string_view sha256) const override;
  absl::StatusOr<std::optional<StoredTrace>> FindTraceInfo(std::string_view sha256) const override;
  absl::StatusOr<TraceList> ListTraces(std::uint64_t before_id, std::size_t limit) const override;
  absl::StatusOr<std::uint64_t> TraceBytes() const override;
  absl::StatusOr<std::uint64_t> TraceBytesOf(std::string_view owner) const override;

  absl::StatusOr<std::uint64_t> ReserveInstanceIds(std::uint64_t count) override;

  std::uint64_t interrupted_at_open() const override { return 0; }
  std::string trouble() const override { return pool_.trouble(); }

  RunQueue* queue() override { return this; }
  absl::Duration lease() const override { return settings_.lease; }
  absl::StatusOr<std::optional<Taken>> Take(const Bounds& bounds) override;
  absl::StatusOr<std::vector<Order>> Renew(const std::vector<Held>& held) override;
  absl::Status FinishTaken(const Run& run, std::uint64_t token) override;
  absl::Status GiveBack(const std::vector<Held>& held) override;
  absl::Status AskToCancel(std::uint64_t run) override;
  absl::StatusOr<Waiting> CountWaiting(std::string_view owner) const override;
  absl::StatusOr<std::optional<User>> FindUserOf(std::string_view trace_sha256, std::string_view owner) const override;

  InstanceDirectory* instances() override { return this; }
  void Advertise(const std::string& address, const std::string& page) override ABSL_LOCKS_EXCLUDED(address_mutex_);
  absl::StatusOr<std::optional<Place>> Claim(const Entry& entry) override;
  absl::Status Release(const Entry& entry) override;
  absl::StatusOr<bool> RenewInstances() override;
  absl::Status Restore(const std::vector<Entry>& mine) override ABSL_LOCKS_EXCLUDED(address_mutex_);
  absl::Status Leave() override;
  absl::StatusOr<std::optional<Place>> FindElsewhere(std::string_view name_or_id) const override;
  absl::StatusOr<std::vector<Other>> ListElsewhere(std::size_t limit) const override;

 private:
  PostgresStore(const std::string& url, Settings settings);

  // One statement on any connection, and a transaction.
  absl::StatusOr<PgResult> Execute(const char* sql, const PgValues& values = {}) const;
  absl::Status Change(absl::FunctionRef<absl::Status(PgConnection&)> change) const;
  absl::StatusOr<std::uint64_t> QueryInt(const char* sql) const;

  // A row with the columns PG_RUN_HEAD, and of a whole one PG_RUN_BODY; verified.
  absl::StatusOr<RunRow> ReadRow(const PgResult& result, int row, bool whole) const;
  absl::StatusOr<RunRow> FindRow(PgConnection& connection, std::uint64_t id) const;  // whole; NOT_FOUND
  static absl::StatusOr<std::uint64_t> RetireOld(PgConnection& connection, const Retention& retention);
  class RunRoom;
  // Whether the owner may have one more run, and nobody else adds one of his until the transaction ends.
  static absl::Status CheckPgRuns(PgConnection& connection, const std::string& owner, std::uint64_t owner_runs_max);
  // Changes the row of a run if there is one. `token` of whoever ended it, 0: nobody had taken it.
  absl::Status Rewrite(PgConnection& connection, std::uint64_t id, std::uint64_t token,
                       absl::FunctionRef<void(RunRow&)> change);
  static absl::Status Know(PgConnection& connection, const KnownResult& known);  // unless its key is known
  absl::Status WriteEnd(PgConnection& connection, const Run& run, std::uint64_t token);

  // One attempt of Take. `more`: the run that came first was none to take, the next may be one.
  absl::Status TakeIn(PgConnection& connection, const Bounds& bounds, std::optional<Taken>& taken, bool& more);
  absl::StatusOr<Run> ReadWaiting(PgConnection& connection, std::uint64_t id) const;
  absl::Status EndUntaken(PgConnection& connection, std::uint64_t id, RunState state, const std::string& error);
  absl::Status DropUnreadable(PgConnection& connection, std::uint64_t id, const absl::Status& why);
  std::uint64_t LeaseMs() const { return static_cast<std::uint64_t>(absl::ToInt64Milliseconds(settings_.lease)); }

  // Whether the owner of `trace`, whose other traces stay as they are until the transaction ends, has room for it.
  static absl::Status CheckPgRoom(PgConnection& connection, const StoredTrace& trace, std::uint64_t owner_bytes_max);
  absl::StatusOr<std::optional<StoredTrace>> ReadTrace(const char* sql, std::string_view sha256, bool whole) const;

  // The name, if nobody has it who is there.
  absl::Status ClaimIn(PgConnection& connection, const Entry& entry) const;

  const Settings settings_;
  std::uint64_t server_id_ = 0;  // in the table of servers; no other has it, nor had it before
  Mutex address_mutex_;
  std::string address_ ABSL_GUARDED_BY(address_mutex_), page_ ABSL_GUARDED_BY(address_mutex_);
  mutable PostgresPool pool_;
  mutable DamageLog damage_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_POSTGRES_STORE_H_

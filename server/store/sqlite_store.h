// The embedded store: one SQLite database in the data directory, written by one server at a time.
//
// A write is on the disk (write-ahead log, synchronous = FULL) before the call returns. Beside the rows every page has a
// checksum, verified likewise.
//
// Files beside alloclab.db, all of them needed by nobody else: "lock" (who has the store open), "reserve" (disk_reserve.h) and
// "ends" (end_journal.h).
//
// Thread safety: all methods may be called from any thread. Readers do not wait for a writer.
#ifndef ALLOCLAB_SERVER_STORE_SQLITE_STORE_H_
#define ALLOCLAB_SERVER_STORE_SQLITE_STORE_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "allocators/common/mutex.h"
#include "server/store/damage_log.h"
#include "server/store/data_lock.h"
#include "server/store/database.h"
#include "server/store/disk_reserve.h"
#include "server/store/end_journal.h"
#include "server/store/run_store.h"

namespace alloclab::server {

class SqliteStore final : public RunStore {
 public:
  static constexpr const char* kInterruptedWhy = "the server ended before the run did";

  // Makes the directory and the database if they are missing, and interrupts the runs that the last server left unfinished. A
  // database that is there and cannot be written (full disk, read-only directory) is opened to be read: trouble() says why.
  // FAILED_PRECONDITION: another server has it open, or its schema is of a newer version. DATA_LOSS: its structure is damaged.
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(const std::filesystem::path& directory);

  // A live run is kQueued here until it ends; that it runs only the executor knows.
  absl::StatusOr<std::uint64_t> InsertRunWithin(const Run& run, const std::string& request_id, const std::string& fingerprint,
                                                std::uint64_t owner_runs_max) override;
  // On a full disk it takes what was set aside. What it cannot store it notes beside the database, as WithLostResult, so that
  // the next server knows how the run ended.
  absl::Status FinishRun(const Run& run) override;
  // Keeps state, end time and error of a run whatever happens to this process. False if it cannot.
  bool NoteEnd(const Run& run);
  absl::Status DeleteRun(std::uint64_t id) override;  // on a full disk too, likewise
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

  std::uint64_t interrupted_at_open() const override { return interrupted_at_open_; }
  std::string trouble() const override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  SqliteStore(DataLock lock, const std::filesystem::path& directory);
  absl::Status OpenToWrite(const std::filesystem::path& file);
  absl::Status OpenToRead(const std::filesystem::path& file, const absl::Status& why);
  absl::Status InterruptUnfinished();
  // Ends the run that is named, or with 0 every run, if it has not ended.
  static absl::Status EndUnfinished(Database::Session& session, const NotedEnd& end);

  // What every change goes through: refused when read-only; its outcome is what trouble() says.
  absl::Status Change(const std::function<absl::Status(Database::Session&)>& change);
  // Likewise, and once more with the room that was set aside when the disk is full.
  absl::Status ChangeEvenIfFull(const std::function<absl::Status(Database::Session&)>& change);
  absl::Status WriteEnd(Database::Session& session, const Run& run);
  static absl::Status Know(Database::Session& session, const KnownResult& known);  // unless its key is known
  absl::StatusOr<std::uint64_t> RetireOld(Database::Session& session, const Retention& retention);
  class RunRoom;
  absl::Status Rename(Database::Session& session, std::uint64_t id, const std::string& label);
  absl::Status Insert(Database::Session& session, const StoredTrace& trace);  // in place of the one with the same digest
  // Gives free pages back to the disk.
  void Shrink();

  absl::StatusOr<std::uint64_t> QueryInt(const char* sql) const;
  absl::StatusOr<Run> ReadRun(const Statement& row, bool whole) const;
  absl::StatusOr<std::optional<StoredTrace>> ReadTrace(const char* sql, std::string_view sha256) const;
  // The rows of a list: `head`, whether it is whole, and `more`. If pages of the table are damaged, row by row, as the index
  // `index` knows them.
  absl::Status Scan(const char* table, const char* head, const char* more, const char* index, std::uint64_t before_id,
                    std::size_t limit, const std::function<absl::Status(const Statement&)>& take,
                    std::vector<std::uint64_t>& damaged) const;

  mutable DamageLog damage_{"alloclabd store repair, with the server stopped, keeps the rest"};
  DataLock lock_;
  std::unique_ptr<Database> writer_;  // null: read-only
  std::unique_ptr<Database> reader_;
  DiskReserve reserve_;
  EndJournal ends_;
  absl::Status read_only_;  // why, if it is
  std::uint64_t interrupted_at_open_ = 0;
  std::uint64_t ids_before_open_ = 0;  // of runs, up to this
  mutable Mutex mutex_;
  absl::Status last_write_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_SQLITE_STORE_H_

// Runs and traces that outlive the server: what the rest of it asks of a database. There are two: SqliteStore, a file in the
// data directory that one server has to itself, and PostgresStore, a database that several servers share.
//
// A change is kept, whatever happens to this process or to the machine of the database, when the call returns. One that fails
// changes nothing: RESOURCE_EXHAUSTED when the disk is full, FAILED_PRECONDITION when the store is read-only, UNAVAILABLE when
// the database cannot be reached (then it may also be that a change was made and its answer was lost), INTERNAL otherwise.
//
// Every row has checksums, verified whenever it is read: what was changed behind the store's back is DATA_LOSS, naming the row
// and logged once, and never an answer; lists name it and show the rest.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_STORE_RUN_STORE_H_
#define ALLOCLAB_SERVER_STORE_RUN_STORE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/entities/run.h"
#include "server/entities/stored_trace.h"
#include "server/store/instance_directory.h"
#include "server/store/known_result.h"
#include "server/store/run_queue.h"

namespace alloclab::server {

// What was submitted under a request_id before.
struct EarlierSubmission {
  std::uint64_t run = 0;  // its id
  std::string fingerprint;
};

// Which of the runs that ended are to go before `submitter` submits one. None that is pinned. First those that ended before
// `before`, of the owners in `before_of` instead before the moment that stands there. Then the oldest of `submitter`, unless he
// is nobody (empty), until at most `submitter_runs_max` of his are left. If he has no more then, at last the oldest of whoever
// has the most, until at most `runs_max` of all are left: but another's only if he has more runs than `submitter` will have.
struct Retention {
  absl::Time before = absl::InfinitePast();
  std::map<std::string, absl::Time, std::less<>> before_of{};
  std::string submitter{};
  std::uint64_t submitter_runs_max = INT64_MAX, runs_max = INT64_MAX;

  // Before that moment any may have to go.
  absl::Time latest() const;
  bool Retires(std::string_view owner, std::uint64_t end_ns) const;
};

class RunStore {
 public:
  RunStore() = default;
  RunStore(const RunStore&) = delete;
  RunStore& operator=(const RunStore&) = delete;
  virtual ~RunStore() = default;

  // The id, larger than that of any run before, deleted ones too. ALREADY_EXISTS: another run has this request_id.
  // RESOURCE_EXHAUSTED naming the owner, if he has `owner_runs_max` runs; whatever is inserted at the same time, by other
  // servers too.
  virtual absl::StatusOr<std::uint64_t> InsertRunWithin(const Run& run, const std::string& request_id,
                                                        const std::string& fingerprint, std::uint64_t owner_runs_max) = 0;
  absl::StatusOr<std::uint64_t> InsertRun(const Run& run, const std::string& request_id, const std::string& fingerprint) {
    return InsertRunWithin(run, request_id, fingerprint, UINT64_MAX);
  }
  // Whether InsertRunWithin would refuse as things are now.
  absl::Status CheckRunsOf(std::string_view owner, std::uint64_t owner_runs_max) const;
  // State, end time, operations done, error, result; that is then the known result of its request, if there was none. A run
  // that was deleted meanwhile needs no end. REQUIRES: it has ended.
  virtual absl::Status FinishRun(const Run& run) = 0;
  virtual absl::Status DeleteRun(std::uint64_t id) = 0;
  // Nothing of a run that was deleted meanwhile.
  virtual absl::Status UpdateRun(std::uint64_t id, const RunChange& change) = 0;
  virtual absl::StatusOr<std::optional<Run>> FindRun(std::uint64_t id) const = 0;
  // Of the runs that are stored, what the first with this key came to (known_result.h).
  virtual absl::StatusOr<std::optional<KnownResult>> FindKnownResult(std::string_view key) const = 0;
  virtual absl::StatusOr<std::optional<EarlierSubmission>> FindSubmission(std::string_view request_id) const = 0;
  // Those below `before_id`, newest first, `limit` rows at most, damaged ones counted: fewer mean that there are no more.
  virtual absl::StatusOr<RunList> ListRuns(std::uint64_t before_id, std::size_t limit) const = 0;
  virtual absl::StatusOr<std::uint64_t> CountRuns() const = 0;
  virtual absl::StatusOr<std::uint64_t> CountRunsOf(std::string_view owner) const = 0;
  // Deletes them. How many.
  virtual absl::StatusOr<std::uint64_t> RetireRuns(const Retention& retention) = 0;

  // In place of the one with the same digest, as the newest; if that is another owner's it stays, and that is no error.
  // RESOURCE_EXHAUSTED naming the owner, if he would then have more than `owner_bytes_max` bytes of traces; whatever is put at
  // the same time, by other servers too.
  virtual absl::Status PutTraceWithin(const StoredTrace& trace, std::uint64_t owner_bytes_max) = 0;
  absl::Status PutTrace(const StoredTrace& trace) { return PutTraceWithin(trace, UINT64_MAX); }
  // Whether PutTraceWithin would refuse `more` bytes as things are now.
  absl::Status CheckRoomOf(std::string_view owner, std::uint64_t more, std::uint64_t owner_bytes_max) const;
  virtual absl::Status DeleteTrace(std::string_view sha256) = 0;
  // Makes it that owner's, whatever he has already. Nothing of a trace that is not there.
  virtual absl::Status GiveTrace(std::string_view sha256, const std::string& owner) = 0;
  virtual absl::StatusOr<std::optional<StoredTrace>> FindTrace(std::string_view sha256) const = 0;
  virtual absl::StatusOr<std::optional<StoredTrace>> FindTraceInfo(std::string_view sha256) const = 0;  // without its content
  virtual absl::StatusOr<TraceList> ListTraces(std::uint64_t before_id, std::size_t limit) const = 0;   // as ListRuns
  virtual absl::StatusOr<std::uint64_t> TraceBytes() const = 0;                                         // of all traces
  virtual absl::StatusOr<std::uint64_t> TraceBytesOf(std::string_view owner) const = 0;

  // The first of `count` instance ids that no one else will get.
  virtual absl::StatusOr<std::uint64_t> ReserveInstanceIds(std::uint64_t count) = 0;

  // Runs that an earlier server left unfinished and that nobody goes on with.
  virtual std::uint64_t interrupted_at_open() const = 0;
  // Why nothing can be written: since the start of the server, or as the last write found. Empty: it can.
  virtual std::string trouble() const = 0;

  // Null: one server has the store to itself, and queues its runs itself.
  virtual RunQueue* queue() { return nullptr; }
  // Where the instances of its servers stand; null as well.
  virtual InstanceDirectory* instances() { return nullptr; }

 protected:
  // `owner`, who has `stored` bytes and may have `max`, puts `more`. Nobody (empty) has no bound.
  static absl::Status CheckBytes(std::string_view owner, std::uint64_t stored, std::uint64_t more, std::uint64_t max);

  // What RetireRuns does for the sake of room, in one transaction of the store.
  class Room {
   public:
    virtual ~Room() = default;
    virtual absl::StatusOr<std::map<std::string, std::uint64_t>> CountByOwner() = 0;
    // Deletes the oldest of his that ended and are not pinned, `runs` at most. How many.
    virtual absl::StatusOr<std::uint64_t> RetireOldest(const std::string& owner, std::uint64_t runs) = 0;
  };
  static absl::StatusOr<std::uint64_t> MakeRoom(Room& room, const Retention& retention);
};

// The run whose result a store did not take: as failed, for that reason. One that failed stays as it is.
Run WithLostResult(Run run, const absl::Status& why);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_RUN_STORE_H_

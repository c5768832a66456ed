// Runs and traces on disk: one SQLite database in the data directory, written by one server at a time.
//
// A write is on the disk (write-ahead log, synchronous = FULL) before the call returns. Every failure to write changes nothing:
// RESOURCE_EXHAUSTED when the disk is full, INTERNAL otherwise.
//
// Thread safety: all methods may be called from any thread. Readers do not wait for a writer.
#ifndef ALLOCLAB_SERVER_STORE_RUN_STORE_H_
#define ALLOCLAB_SERVER_STORE_RUN_STORE_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/entities/run.h"
#include "server/store/data_lock.h"
#include "server/store/database.h"

namespace alloclab::server {

// What was submitted under a request_id before.
struct EarlierSubmission {
  std::uint64_t run = 0;  // its id
  std::string fingerprint;
};

struct StoredTrace {
  std::string sha256;  // over the canonical operations
  std::string name;    // of the file
  std::string format;
  std::uint64_t operations = 0;
  std::string content;  // the file as uploaded; empty from FindTraceInfo
};

class RunStore {
 public:
  // Makes the directory and the database if they are missing, and interrupts the runs that the last server left unfinished.
  // FAILED_PRECONDITION: another server has it open, or its schema is of a newer version.
  static absl::StatusOr<std::unique_ptr<RunStore>> Open(const std::filesystem::path& directory);

  // A live run is kQueued here until it ends; that it runs only the executor knows.
  absl::StatusOr<std::uint64_t> InsertRun(const Run& run, const std::string& request_id,
                                          const std::string& fingerprint);  // the id
  absl::Status FinishRun(const Run& run);  // state, end time, operations done, error, result. REQUIRES: it has ended.
  absl::Status DeleteRun(std::uint64_t id);
  absl::StatusOr<std::optional<Run>> FindRun(std::uint64_t id) const;
  absl::StatusOr<std::optional<EarlierSubmission>> FindSubmission(std::string_view request_id) const;
  // Newest first, those below `before_id`, without results.
  absl::StatusOr<std::vector<Run>> ListRuns(std::uint64_t before_id, std::size_t limit) const;
  absl::StatusOr<std::uint64_t> CountRuns() const;

  absl::Status PutTrace(const StoredTrace& trace);  // again: OK, the first stays
  absl::StatusOr<std::optional<StoredTrace>> FindTrace(std::string_view sha256) const;
  absl::StatusOr<std::optional<StoredTrace>> FindTraceInfo(std::string_view sha256) const;
  absl::StatusOr<std::uint64_t> TraceBytes() const;  // of all traces

  // The first of `count` instance ids that no one else will get.
  absl::StatusOr<std::uint64_t> ReserveInstanceIds(std::uint64_t count);

  std::uint64_t interrupted_at_open() const { return interrupted_at_open_; }

 private:
  RunStore(DataLock lock, std::unique_ptr<Database> writer, std::unique_ptr<Database> reader);
  absl::Status InterruptUnfinished();
  absl::StatusOr<std::optional<StoredTrace>> ReadTrace(const char* sql, std::string_view sha256) const;

  const DataLock lock_;
  const std::unique_ptr<Database> writer_;
  const std::unique_ptr<Database> reader_;
  std::uint64_t interrupted_at_open_ = 0;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_RUN_STORE_H_

// One connection to a SQLite database, and statements on it, with absl::Status for errors: RESOURCE_EXHAUSTED when the disk is
// full, DATA_LOSS when what is on it is damaged (page_checksums.h), ALREADY_EXISTS when a row is not unique, INTERNAL
// otherwise.
//
// SQL has two functions more: row_sum(...), a CRC-32 over its arguments, their types and lengths; and run_owner(request), whose
// run that is (run_codec.h).
//
// Thread safety: a Session holds the connection to itself; Database may be used from any thread.
#ifndef ALLOCLAB_SERVER_STORE_DATABASE_H_
#define ALLOCLAB_SERVER_STORE_DATABASE_H_

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "allocators/common/mutex.h"

namespace alloclab::server {

// One prepared statement. Bind from left to right, then Step until it says false. The first error sticks: every later step
// returns it.
class Statement {
 public:
  Statement(sqlite3* connection, const char* sql);

  Statement& Bind(std::uint64_t value);
  Statement& Bind(std::string_view text);
  Statement& BindBlob(std::string_view bytes);  // kept by reference until the statement ends

  absl::StatusOr<bool> Step();  // whether there is a row
  absl::Status Run();           // for statements without rows

  // With `from` on the same columns, in the same order; both may be of different databases.
  Statement& BindRow(const Statement& from);
  std::uint64_t Int(int column) const;
  std::string Text(int column) const;  // or a blob

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  void Note(int code);

  sqlite3* const connection_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bound_ = 0;
  absl::Status error_;
};

class Database {
 public:
  enum class Mode {
    kReadWrite,
    kReadOnly,       // beside a connection that writes
    kReadOnlyAlone,  // the only connection, and no file beside the database is written
    kSalvage,        // damaged pages are read as they are; a missing file is an error
    kFirstSchema,    // of a database that has no checksums
  };
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::filesystem::path& file, Mode mode);

  // The connection, to itself until the session ends.
  class ABSL_SCOPED_LOCKABLE Session {
   public:
    explicit Session(Database& database) ABSL_EXCLUSIVE_LOCK_FUNCTION(database.mutex_)
        : lock_(database.mutex_), connection_(database.connection_.get()) {}
    ~Session() ABSL_UNLOCK_FUNCTION() = default;

    Statement Prepare(const char* sql) { return Statement(connection_, sql); }
    Statement Prepare(const std::string& sql) { return Statement(connection_, sql.c_str()); }
    // All that `change` does, or nothing.
    absl::Status Transact(const std::function<absl::Status()>& change);
    absl::Status Execute(const char* sql);  // one or more statements without parameters
    // Makes an empty database the same as this one at one moment, also while another connection writes to it.
    absl::Status CopyTo(Session& empty);
    std::uint64_t last_insert_id() const;
    std::uint64_t changes() const;

   private:
    MutexLock lock_;
    sqlite3* const connection_;
  };

 private:
  struct Close {
    void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
  };
  explicit Database(sqlite3* connection) : connection_(connection) {}

  Mutex mutex_;
  const std::unique_ptr<sqlite3, Close> connection_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_DATABASE_H_

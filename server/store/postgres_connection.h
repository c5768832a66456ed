// One connection to a PostgreSQL database, and statements on it. Values travel as parameters in binary, never as text of a
// statement. Texts of clients are BYTEA: they need not be in the encoding of the database.
//
// Errors: UNAVAILABLE when the database does not answer, is going down, or was too busy; RESOURCE_EXHAUSTED when its disk is
// full; ALREADY_EXISTS when a row is not unique; DATA_LOSS when it found a page of its own damaged; INTERNAL otherwise.
//
// Thread safety: one thread at a time.
#ifndef ALLOCLAB_SERVER_STORE_POSTGRES_CONNECTION_H_
#define ALLOCLAB_SERVER_STORE_POSTGRES_CONNECTION_H_

#include <postgresql/libpq-fe.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

namespace alloclab::server {

// $1, $2, ... of a statement, from left to right.
class PgValues {
 public:
  PgValues& Add(std::uint64_t number);                       // BIGINT
  PgValues& Add(std::string_view bytes);                     // BYTEA, kept by reference until the statement was executed
  PgValues& AddOrNull(std::string_view text);                // likewise; NULL if it is empty
  PgValues& Add(const std::vector<std::uint64_t>& numbers);  // BIGINT[]

 private:
  friend class PgConnection;
  struct Value {
    Oid type;
    int format;         // 0: text, 1: binary
    std::string owned;  // unless it is kept by reference
    std::string_view referred;
    bool is_null = false;
  };
  std::vector<Value> values_;
};

// What a statement gave. Rows and columns count from 0.
class PgResult {
 public:
  explicit PgResult(PGresult* result) : result_(result) {}

  int rows() const { return PQntuples(result_.get()); }
  std::uint64_t changed() const;  // rows that an INSERT, UPDATE or DELETE was about

  std::uint64_t Int(int row, int column) const;       // BIGINT, or BOOLEAN
  std::string_view Bytes(int row, int column) const;  // empty of NULL; as long as this lives
  bool IsNull(int row, int column) const { return PQgetisnull(result_.get(), row, column) == 1; }
  const PGresult* get() const { return result_.get(); }

 private:
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

// INVALID_ARGUMENT: it is no URL of a database; or it holds a password, which other users of the host would see.
absl::Status CheckPostgresUrl(const std::string& url);

class PgConnection {
 public:
  static absl::StatusOr<std::unique_ptr<PgConnection>> Open(const std::string& url);

  // One statement.
  absl::StatusOr<PgResult> Execute(const char* sql, const PgValues& values = {});
  // Several statements without values and rows.
  absl::Status ExecuteAll(const char* sql);
  // All that `change` does, or nothing. With UNAVAILABLE it may also be that all was done, and that the answer was lost.
  absl::Status Transact(absl::FunctionRef<absl::Status()> change);

  // False: it is lost, or the database has said goodbye.
  bool IsUsable();
  bool lost() const { return PQstatus(connection_.get()) != CONNECTION_OK; }

 private:
  struct Close {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  explicit PgConnection(PGconn* connection) : connection_(connection) {}
  absl::Status ToStatus(const PGresult* result) const;

  std::unique_ptr<PGconn, Close> connection_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_POSTGRES_CONNECTION_H_

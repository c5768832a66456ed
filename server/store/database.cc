#include "server/store/database.h"

#include <fmt/format.h>

#include "server/errors.h"

namespace alloclab::server {
namespace {

absl::Status ToStatus(sqlite3* connection, int code) {
  const std::string why = connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
      return absl::OkStatus();
    case SQLITE_FULL:
      return errors::StoreFull(why);
    case SQLITE_IOERR:  // a full disk can also show as a short write
      return errors::StoreFull(fmt::format("{} ({})", why, sqlite3_errstr(sqlite3_extended_errcode(connection))));
    default:
      return errors::StoreBroken(why);
  }
}

}  // namespace

Statement::Statement(sqlite3* connection, const char* sql) : connection_(connection) {
  sqlite3_stmt* statement = nullptr;
  Note(sqlite3_prepare_v2(connection, sql, -1, &statement, nullptr));
  statement_.reset(statement);
}

Statement& Statement::Bind(std::uint64_t value) {
  Note(sqlite3_bind_int64(statement_.get(), ++bound_, static_cast<sqlite3_int64>(value)));
  return *this;
}

Statement& Statement::Bind(std::string_view text) {
  Note(sqlite3_bind_text64(statement_.get(), ++bound_, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::BindBlob(std::string_view bytes) {
  Note(sqlite3_bind_blob64(statement_.get(), ++bound_, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_STATIC));
  return *this;
}

absl::StatusOr<bool> Statement::Step() {
  if (!error_.ok()) return error_;
  const int code = sqlite3_step(statement_.get());
  Note(code);
  if (!error_.ok()) return error_;
  return code == SQLITE_ROW;
}

absl::Status Statement::Run() { return Step().status(); }

std::uint64_t Statement::Int(int column) const {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement_.get(), column));
}

std::string Statement::Text(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  return bytes == nullptr ? "" : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column)));
}

void Statement::Note(int code) {
  if (error_.ok()) error_ = ToStatus(connection_, code);
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::filesystem::path& file, Mode mode) {
  sqlite3* connection = nullptr;
  const int flags = mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(file.c_str(), &connection, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  std::unique_ptr<Database> database(new Database(connection));
  if (code != SQLITE_OK) return errors::StoreBroken(fmt::format("{}: {}", file.string(), sqlite3_errmsg(connection)));
  Session session(*database);
  const char* settings = mode == Mode::kReadOnly
                             ? "PRAGMA busy_timeout = 5000"
                             : "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                               "PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 16777216";
  if (absl::Status status = session.Execute(settings); !status.ok()) {
    return absl::Status(status.code(), fmt::format("{}: {}", file.string(), std::string(status.message())));
  }
  return database;
}

absl::Status Database::Session::Execute(const char* sql) {
  return ToStatus(connection_, sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr));
}

std::uint64_t Database::Session::last_insert_id() const {
  return static_cast<std::uint64_t>(sqlite3_last_insert_rowid(connection_));
}

std::uint64_t Database::Session::changes() const { return static_cast<std::uint64_t>(sqlite3_changes64(connection_)); }

}  // namespace alloclab::server

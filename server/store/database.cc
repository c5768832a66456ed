#include "server/store/database.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <system_error>

#include "server/errors.h"
#include "server/store/page_checksums.h"
#include "server/store/row_sum.h"
#include "server/store/run_codec.h"

namespace alloclab::server {
namespace {

absl::Status ToStatus(sqlite3* connection, int code) {
  const std::string why = connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(code);
  if (code == SQLITE_IOERR_DATA)
    return errors::StoreDamaged("a page of it does not have the checksum that it was written with");
  switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
      return absl::OkStatus();
    case SQLITE_FULL:
      return errors::StoreFull(why);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return errors::StoreDamaged(why);
    case SQLITE_CONSTRAINT:
      return absl::AlreadyExistsError(why);
    case SQLITE_IOERR:  // a full disk can also show as a short write
      return errors::StoreFull(fmt::format("{} ({})", why, sqlite3_errstr(sqlite3_extended_errcode(connection))));
    default:
      return errors::StoreBroken(why);
  }
}

// row_sum(...)
void SumRow(sqlite3_context* context, int count, sqlite3_value** values) {
  RowSum sum;
  for (int i = 0; i < count; ++i) {
    const int type = sqlite3_value_type(values[i]);
    const sqlite3_int64 number = type == SQLITE_INTEGER ? sqlite3_value_int64(values[i]) : 0;
    const void* const bytes = type == SQLITE_TEXT   ? static_cast<const void*>(sqlite3_value_text(values[i]))
                              : type == SQLITE_BLOB ? sqlite3_value_blob(values[i])
                                                    : nullptr;
    const int size = bytes == nullptr ? 0 : sqlite3_value_bytes(values[i]);
    sum.Add(static_cast<RowSum::Kind>(type), static_cast<std::uint64_t>(number),
            {static_cast<const char*>(bytes), static_cast<std::size_t>(size)});
  }
  sqlite3_result_int64(context, sqlite3_int64{sum.value()});
}

// run_owner(request)
void TellOwner(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
  const void* const bytes = sqlite3_value_blob(values[0]);
  const int size = sqlite3_value_bytes(values[0]);
  const std::string owner = bytes == nullptr ? "" : OwnerOf({static_cast<const char*>(bytes), static_cast<std::size_t>(size)});
  sqlite3_result_text(context, owner.data(), static_cast<int>(owner.size()), SQLITE_TRANSIENT);
}

struct OpenMode {
  int flags;
  const char* vfs;
  const char* settings;
};

OpenMode HowToOpen(Database::Mode mode) {
  switch (mode) {
    case Database::Mode::kReadOnly:
      return {SQLITE_OPEN_READONLY, PageChecksumVfs(PageReads::kVerified), "PRAGMA busy_timeout = 5000"};
    case Database::Mode::kReadOnlyAlone:  // exclusive: the index of the write-ahead log is kept in memory
      return {SQLITE_OPEN_READONLY, PageChecksumVfs(PageReads::kVerifiedAlone), "PRAGMA locking_mode = EXCLUSIVE"};
    case Database::Mode::kSalvage:
      return {SQLITE_OPEN_READWRITE, PageChecksumVfs(PageReads::kAsTheyAre), "PRAGMA busy_timeout = 5000"};
    case Database::Mode::kFirstSchema:
      return {SQLITE_OPEN_READWRITE, nullptr, "PRAGMA busy_timeout = 5000"};
    case Database::Mode::kReadWrite:
      break;
  }
  // Pages of 4096 bytes that leave room for their checksums, and that can be given back to the disk.
  return {SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, PageChecksumVfs(PageReads::kVerified),
          "PRAGMA busy_timeout = 5000; PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
          "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 16777216"};
}
static_assert(kPageBytes == 4096);

// Nothing beside the file is looked for: the only way to read a database of this kind where no file can be made.
std::string AsImmutable(const std::filesystem::path& file) {
  std::string uri = "file:";
  for (const char letter : file.string()) {
    const bool special = letter == '%' || letter == '?' || letter == '#';
    uri += special ? fmt::format("%{:02x}", static_cast<unsigned char>(letter)) : std::string(1, letter);
  }
  return uri + "?immutable=1";
}

bool HasLog(const std::filesystem::path& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file.string() + "-wal", error);
  return !error && size > 0;
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

Statement& Statement::BindRow(const Statement& from) {
  const int columns = sqlite3_column_count(from.statement_.get());
  for (int i = 0; i < columns; ++i) {
    Note(sqlite3_bind_value(statement_.get(), ++bound_, sqlite3_column_value(from.statement_.get(), i)));
  }
  return *this;
}

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
  const OpenMode how = HowToOpen(mode);
  const bool immutable = mode == Mode::kReadOnlyAlone && !HasLog(file);
  const int flags = how.flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | (immutable ? SQLITE_OPEN_URI : 0);
  const int code = sqlite3_open_v2(immutable ? AsImmutable(file).c_str() : file.c_str(), &connection, flags, how.vfs);
  std::unique_ptr<Database> database(new Database(connection));
  if (code != SQLITE_OK) return errors::StoreBroken(fmt::format("{}: {}", file.string(), sqlite3_errmsg(connection)));
  int reserve = mode == Mode::kReadWrite ? kPageReserve : -1;  // of a database that is still to be made; -1 only asks
  sqlite3_file_control(connection, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserve);
  sqlite3_create_function_v2(connection, "row_sum", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, nullptr, SumRow,
                             nullptr, nullptr, nullptr);
  sqlite3_create_function_v2(connection, "run_owner", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, nullptr,
                             TellOwner, nullptr, nullptr, nullptr);
  Session session(*database);
  absl::Status status = session.Execute(how.settings);
  if (status.ok()) status = session.Execute("SELECT count(*) FROM sqlite_schema");  // the first read of the file
  if (!status.ok()) return absl::Status(status.code(), fmt::format("{}: {}", file.string(), std::string(status.message())));
  return database;
}

absl::Status Database::Session::Transact(const std::function<absl::Status()>& change) {
  if (absl::Status status = Execute("BEGIN IMMEDIATE"); !status.ok()) return status;
  absl::Status status = change();
  if (status.ok()) status = Execute("COMMIT");
  if (!status.ok() && sqlite3_get_autocommit(connection_) == 0) Execute("ROLLBACK").IgnoreError();  // some errors have done it
  return status;
}

absl::Status Database::Session::CopyTo(Session& empty) {
  sqlite3_backup* const copy = sqlite3_backup_init(empty.connection_, "main", connection_, "main");
  if (copy == nullptr) return ToStatus(empty.connection_, sqlite3_errcode(empty.connection_));
  sqlite3_backup_step(copy, -1);  // all pages, in one transaction that reads; Finish says how that ended
  return ToStatus(empty.connection_, sqlite3_backup_finish(copy));
}

absl::Status Database::Session::Execute(const char* sql) {
  return ToStatus(connection_, sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr));
}

std::uint64_t Database::Session::last_insert_id() const {
  return static_cast<std::uint64_t>(sqlite3_last_insert_rowid(connection_));
}

std::uint64_t Database::Session::changes() const { return static_cast<std::uint64_t>(sqlite3_changes64(connection_)); }

}  // namespace alloclab::server

#include "server/store/postgres_connection.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "allocators/common/check.h"
#include "server/errors.h"
#include "server/limits.h"
#include "server/log.h"

namespace alloclab::server {
namespace {

// Of pg_type.h, which is part of the server's headers.
constexpr Oid kBytea = 17, kInt8 = 20, kInt8Array = 1016;

// One line of what libpq says.
std::string OneLine(const char* message) {
  std::string text = absl::StrReplaceAll(message, {{"\n\t", "; "}, {"\n", " "}, {"\t", " "}, {"\r", ""}});
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

void LogNotice(void*, const char* message) { Log(LogLevel::kDebug, "store.notice", {{"text", OneLine(message)}}); }

// By the class of the code, or the whole of it.
absl::Status FromCode(std::string_view code, const std::string& why) {
  const auto is = [code](std::initializer_list<std::string_view> codes) {
    for (const std::string_view one : codes) {
      if (code.starts_with(one)) return true;
    }
    return false;
  };
  if (is({"23505"})) return absl::AlreadyExistsError(why);
  if (is({"53100"})) return errors::StoreFull(why);
  if (is({"XX001", "XX002"})) return errors::DatabaseDamaged(why);
  // No connection, no room for one, going down or coming up, a standby, a statement that took too long, a conflict.
  if (is({"08", "53", "57", "25006", "40", "55P03"})) return errors::DatabaseAway(why);
  return errors::StoreBroken(why);
}

// What every connection has: a change is acknowledged when it is on the disk; no statement, lock or silence lasts for ever.
std::string Settings() {
  const auto ms = [](absl::Duration time) { return absl::ToInt64Milliseconds(time); };
  return fmt::format(
      "SET search_path TO alloclab; SET statement_timeout = {}; SET lock_timeout = {}; "
      "SET idle_in_transaction_session_timeout = {}; "
      "SELECT set_config('synchronous_commit', 'on', false) "
      "WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')",
      ms(kStatementTimeMax), ms(kLockTimeMax), ms(kStatementTimeMax));
}

}  // namespace

PgValues& PgValues::Add(std::uint64_t number) {
  std::string bytes(sizeof number, '\0');
  for (std::size_t i = 0; i < sizeof number; ++i) bytes[i] = static_cast<char>(number >> (56 - 8 * i) & 0xff);
  values_.push_back({kInt8, 1, std::move(bytes), {}});
  return *this;
}

PgValues& PgValues::Add(std::string_view bytes) {
  values_.push_back({kBytea, 1, "", bytes});
  return *this;
}

PgValues& PgValues::AddOrNull(std::string_view text) {
  Add(text);
  values_.back().is_null = text.empty();
  return *this;
}

PgValues& PgValues::Add(const std::vector<std::uint64_t>& numbers) {
  values_.push_back({kInt8Array, 0, fmt::format("{{{}}}", fmt::join(numbers, ",")), {}});
  return *this;
}

std::uint64_t PgResult::changed() const {
  const std::string_view text = PQcmdTuples(result_.get());
  std::uint64_t rows = 0;
  std::from_chars(text.data(), text.data() + text.size(), rows);
  return rows;
}

std::uint64_t PgResult::Int(int row, int column) const {
  std::uint64_t number = 0;
  for (const char byte : Bytes(row, column)) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

std::string_view PgResult::Bytes(int row, int column) const {
  ALLOCLAB_CHECK(row < PQntuples(result_.get()) && column < PQnfields(result_.get()));
  return {PQgetvalue(result_.get(), row, column), static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

absl::Status CheckPostgresUrl(const std::string& url) {
  if (!url.starts_with("postgresql://") && !url.starts_with("postgres://")) {
    return absl::InvalidArgumentError("not the URL of a database, such as postgresql://alloclab@db.example.com/alloclab");
  }
  char* message = nullptr;
  PQconninfoOption* const options = PQconninfoParse(url.c_str(), &message);
  if (options == nullptr) {
    const std::string why = message == nullptr ? "it does not parse" : OneLine(message);
    PQfreemem(message);
    return absl::InvalidArgumentError(fmt::format("not the URL of a database: {}", why));
  }
  bool has_password = false;
  for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    has_password = has_password || (option->val != nullptr && std::string_view(option->keyword).find("password") == 0);
  }
  PQconninfoFree(options);
  if (!has_password) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "a password in a URL is seen by others; put it into the variable PGPASSWORD or into a file that PGPASSFILE names");
}

absl::StatusOr<std::unique_ptr<PgConnection>> PgConnection::Open(const std::string& url) {
  // What the URL says itself, it says last.
  const std::array keywords{"connect_timeout",
                            "application_name",
                            "client_encoding",
                            "keepalives_idle",
                            "keepalives_interval",
                            "keepalives_count",
                            "tcp_user_timeout",
                            "dbname",
                            static_cast<const char*>(nullptr)};
  const std::array values{"5", "alloclabd", "UTF8", "5", "2", "3", "10000", url.c_str(), static_cast<const char*>(nullptr)};
  std::unique_ptr<PgConnection> opened(
      new PgConnection(PQconnectdbParams(keywords.data(), values.data(), /*expand_dbname=*/1)));
  PGconn* const connection = opened->connection_.get();
  if (PQstatus(connection) != CONNECTION_OK) return errors::DatabaseAway(OneLine(PQerrorMessage(connection)));
  PQsetNoticeProcessor(connection, LogNotice, nullptr);
  if (absl::Status status = opened->ExecuteAll(Settings().c_str()); !status.ok()) return status;
  return opened;
}

absl::StatusOr<PgResult> PgConnection::Execute(const char* sql, const PgValues& values) {
  std::vector<Oid> types;
  std::vector<const char*> pointers;
  std::vector<int> lengths, formats;
  for (const PgValues::Value& value : values.values_) {
    const std::string_view bytes = value.owned.empty() ? value.referred : std::string_view(value.owned);
    types.push_back(value.type);
    pointers.push_back(value.is_null ? nullptr : bytes.data() != nullptr ? bytes.data() : "");
    lengths.push_back(static_cast<int>(bytes.size()));
    formats.push_back(value.format);
  }
  PgResult result(PQexecParams(connection_.get(), sql, static_cast<int>(types.size()), types.data(), pointers.data(),
                               lengths.data(), formats.data(), /*resultFormat=*/1));
  if (absl::Status status = ToStatus(result.get()); !status.ok()) return status;
  return result;
}

absl::Status PgConnection::ExecuteAll(const char* sql) {
  const PgResult result(PQexec(connection_.get(), sql));
  return ToStatus(result.get());
}

absl::Status PgConnection::Transact(absl::FunctionRef<absl::Status()> change) {
  if (absl::Status status = ExecuteAll("BEGIN"); !status.ok()) return status;
  absl::Status status = change();
  if (status.ok()) return ExecuteAll("COMMIT");
  if (!lost()) ExecuteAll("ROLLBACK").IgnoreError();
  return status;
}

bool PgConnection::IsUsable() {
  // The first takes in a goodbye, the second sees that nothing follows it.
  return PQconsumeInput(connection_.get()) == 1 && PQconsumeInput(connection_.get()) == 1 && !lost() &&
         PQtransactionStatus(connection_.get()) == PQTRANS_IDLE;
}

absl::Status PgConnection::ToStatus(const PGresult* result) const {
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return absl::OkStatus();
  const char* const code = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (code != nullptr) return FromCode(code, OneLine(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
  const std::string why = OneLine(PQerrorMessage(connection_.get()));
  return lost() ? errors::DatabaseAway(why) : errors::StoreBroken(why);
}

}  // namespace alloclab::server

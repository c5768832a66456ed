#include "server/store/postgres_pool.h"

#include <fmt/format.h>

#include <algorithm>

#include "server/errors.h"
#include "server/limits.h"
#include "server/log.h"

namespace alloclab::server {

absl::StatusOr<PostgresPool::Lease> PostgresPool::Take() {
  absl::StatusOr<std::unique_ptr<PgConnection>> connection = TakeIdle();
  if (!connection.ok()) return connection.status();
  if (*connection != nullptr) return Lease(*this, *std::move(connection));
  connection = PgConnection::Open(url_);
  const MutexLock lock(mutex_);
  if (connection.ok()) {
    NoteHere();
    return Lease(*this, *std::move(connection));
  }
  NoteAway(connection.status());
  --taken_;
  returned_.NotifyOne();
  return connection.status();
}

absl::StatusOr<std::unique_ptr<PgConnection>> PostgresPool::TakeIdle() {
  const MonotonicTime deadline = MonotonicTime::Now() + kConnectionPatience;
  const MutexLock lock(mutex_);
  while (taken_ >= connections_max_) {
    if (!returned_.WaitUntil(mutex_, deadline) && taken_ >= connections_max_) {
      return errors::DatabaseAway(fmt::format("all {} connections of this server are in use", connections_max_));
    }
  }
  while (!idle_.empty()) {
    std::unique_ptr<PgConnection> connection = std::move(idle_.back());
    idle_.pop_back();
    if (!connection->IsUsable()) continue;
    ++taken_;
    return connection;
  }
  if (!away_.ok() && MonotonicTime::Now() < ask_again_) return away_;
  ++taken_;
  return nullptr;
}

void PostgresPool::Return(std::unique_ptr<PgConnection> connection) {
  const MutexLock lock(mutex_);
  --taken_;
  returned_.NotifyOne();
  if (connection->lost()) {
    NoteAway(errors::DatabaseAway("the connection was lost"));
    ask_again_ = MonotonicTime::Now();  // perhaps only this one
  } else if (connection->IsUsable()) {
    idle_.push_back(std::move(connection));
  }
}

void PostgresPool::NoteAway(const absl::Status& why) {
  if (away_.ok()) Log(LogLevel::kError, "store.away", {{"why", std::string(why.message())}});
  away_ = why;
  pause_ = std::clamp(2 * pause_, kReconnectPauseMin, kReconnectPauseMax);
  const MonotonicTime now = MonotonicTime::Now();
  ask_again_ = now + pause_;
  steady_since_ = now;
}

void PostgresPool::NoteHere() {
  pause_ = absl::ZeroDuration();
  if (away_.ok()) return;
  away_ = absl::OkStatus();
  steady_since_ = MonotonicTime::Now();
  Log(LogLevel::kInfo, "store.back");
}

std::string PostgresPool::trouble() const {
  const MutexLock lock(mutex_);
  return std::string(away_.message());
}

absl::Duration PostgresPool::steady_for() const {
  const MutexLock lock(mutex_);
  return MonotonicTime::Now() - steady_since_;
}

}  // namespace alloclab::server

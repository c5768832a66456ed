// Connections to one database, made when they are needed and kept for the next who needs one; never more than so many. While
// the database does not answer it is asked again after pauses that grow, and whoever comes meanwhile is told at once.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_STORE_POSTGRES_POOL_H_
#define ALLOCLAB_SERVER_STORE_POSTGRES_POOL_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "allocators/common/monotonic_time.h"
#include "allocators/common/mutex.h"
#include "server/store/postgres_connection.h"

namespace alloclab::server {

class PostgresPool {
 public:
  // A connection of the pool's; goes back to it at the end.
  class Lease {
   public:
    Lease(PostgresPool& pool, std::unique_ptr<PgConnection> connection) : pool_(&pool), connection_(std::move(connection)) {}
    Lease(Lease&& other) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (connection_ != nullptr) pool_->Return(std::move(connection_));
    }
    PgConnection& operator*() const { return *connection_; }
    PgConnection* operator->() const { return connection_.get(); }

   private:
    PostgresPool* pool_;
    std::unique_ptr<PgConnection> connection_;
  };

  PostgresPool(std::string url, std::size_t connections_max) : url_(std::move(url)), connections_max_(connections_max) {}

  // UNAVAILABLE: the database does not answer, or all connections were in use for kConnectionPatience.
  absl::StatusOr<Lease> Take() ABSL_LOCKS_EXCLUDED(mutex_);

  // Why the database does not answer; empty: it does.
  std::string trouble() const ABSL_LOCKS_EXCLUDED(mutex_);
  // For how long it has answered since it was last seen not to; for ever, if it never was.
  absl::Duration steady_for() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Return(std::unique_ptr<PgConnection> connection) ABSL_LOCKS_EXCLUDED(mutex_);
  // Takes one that is idle; null: one is to be made.
  absl::StatusOr<std::unique_ptr<PgConnection>> TakeIdle() ABSL_LOCKS_EXCLUDED(mutex_);
  void NoteAway(const absl::Status& why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteHere() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string url_;
  const std::size_t connections_max_;
  mutable Mutex mutex_;
  Condition returned_;
  std::vector<std::unique_ptr<PgConnection>> idle_ ABSL_GUARDED_BY(mutex_);
  std::size_t taken_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status away_ ABSL_GUARDED_BY(mutex_);
  absl::Duration pause_ ABSL_GUARDED_BY(mutex_);
  MonotonicTime ask_again_ ABSL_GUARDED_BY(mutex_) = MonotonicTime::InfinitePast();
  MonotonicTime steady_since_ ABSL_GUARDED_BY(mutex_) = MonotonicTime::InfinitePast();
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_POSTGRES_POOL_H_

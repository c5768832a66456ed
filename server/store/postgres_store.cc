#include "server/store/postgres_store.h"

#include <utility>

#include "server/errors.h"
#include "server/limits.h"
#include "server/store/postgres_schema.h"

namespace alloclab::server {

PostgresStore::PostgresStore(const std::string& url, Settings settings)
    : settings_(std::move(settings)),
      pool_(url, kDatabaseConnectionsMax),
      damage_("docs/cluster.md says how to restore or to delete it") {}

absl::StatusOr<std::unique_ptr<PostgresStore>> PostgresStore::Open(const std::string& url, const Settings& settings) {
  if (absl::Status status = CheckPostgresUrl(url); !status.ok()) {
    return errors::BadField("--store", std::string(status.message()));
  }
  std::unique_ptr<PostgresStore> store(new PostgresStore(url, settings));
  const auto connection = store->pool_.Take();
  if (!connection.ok()) return connection.status();
  if (absl::Status status = MigratePostgres(**connection, url); !status.ok()) return status;
  const auto id = (*connection)->Execute("SELECT nextval('server_id')");
  if (!id.ok()) return id.status();
  store->server_id_ = id->Int(0, 0);
  return store;
}

absl::StatusOr<PgResult> PostgresStore::Execute(const char* sql, const PgValues& values) const {
  const auto connection = pool_.Take();
  if (!connection.ok()) return connection.status();
  return (*connection)->Execute(sql, values);
}

absl::Status PostgresStore::Change(absl::FunctionRef<absl::Status(PgConnection&)> change) const {
  const auto connection = pool_.Take();
  if (!connection.ok()) return connection.status();
  return (*connection)->Transact([&] { return change(**connection); });
}

absl::StatusOr<std::uint64_t> PostgresStore::QueryInt(const char* sql) const {
  const absl::StatusOr<PgResult> result = Execute(sql);
  if (!result.ok()) return result.status();
  return result->Int(0, 0);
}

absl::StatusOr<std::uint64_t> PostgresStore::ReserveInstanceIds(std::uint64_t count) {
  const absl::StatusOr<PgResult> result =
      Execute("UPDATE next_instance_id SET value = value + $1 RETURNING value", PgValues().Add(count));
  if (!result.ok()) return result.status();
  if (result->rows() != 1) return damage_.Found("the next instance id");
  return result->Int(0, 0) - count;
}

}  // namespace alloclab::server

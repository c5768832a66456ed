// The tables of the store in PostgreSQL, all in a schema named alloclab, and how older ones become these. A version is never
// changed once it was released: what is new is the next one.
#ifndef ALLOCLAB_SERVER_STORE_POSTGRES_SCHEMA_H_
#define ALLOCLAB_SERVER_STORE_POSTGRES_SCHEMA_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "server/store/postgres_connection.h"

namespace alloclab::server {

inline constexpr std::uint64_t kPostgresSchemaVersion = 5;

// Makes what is missing: one transaction for each version, one server at a time. FAILED_PRECONDITION: a newer server wrote it.
// `url` names the database in errors.
absl::Status MigratePostgres(PgConnection& connection, const std::string& url);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_POSTGRES_SCHEMA_H_

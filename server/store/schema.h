// The tables of the store, what of a row its checksums cover, and older schemas made into this one.
#ifndef ALLOCLAB_SERVER_STORE_SCHEMA_H_
#define ALLOCLAB_SERVER_STORE_SCHEMA_H_

#include <cstdint>
#include <filesystem>

#include "absl/status/statusor.h"
#include "server/store/database.h"
#include "server/store/run_codec.h"

namespace alloclab::server {

inline constexpr std::uint64_t kSchemaVersion = 4;

// What a list shows of a row, and what only whoever asks for the one row sees. Each has a checksum of its own, so that a list
// need not read results and traces.
#define RUN_HEAD \
  "id, state, request, request_id, fingerprint, submit_ns, end_ns, operations_done, operations_total, error, summary"
#define RUN_BODY "id, phases, result"
#define TRACE_HEAD "id, sha256, name, format, operations, upload_ns, bytes"
#define TRACE_BODY "id, content"
// What stands beside a row (schema.cc): whether a run is pinned, whose a trace is ('': nobody's), and whether that is as it was
// written.
#define RUN_PINNED "EXISTS (SELECT 1 FROM pinned_run WHERE pinned_run.id = run.id)"
#define RUN_PINNED_WHOLE \
  "NOT EXISTS (SELECT 1 FROM pinned_run AS other WHERE other.id = run.id AND other.sum <> row_sum(other.id))"
#define TRACE_OWNER "ifnull((SELECT owner FROM trace_owner WHERE trace_owner.sha256 = trace.sha256), '')"
#define TRACE_OWNER_WHOLE                                                                              \
  "NOT EXISTS (SELECT 1 FROM trace_owner AS other WHERE other.sha256 = trace.sha256 AND other.sum <> " \
  "row_sum(other.sha256, other.owner))"

// A row with the columns RUN_HEAD, and of a whole one also phases and result.
RunRow RunRowOf(const Statement& row, bool whole);

// Of a new database, or of one that version 2 or 3 made. FAILED_PRECONDITION: a newer server wrote it.
absl::Status MakeTables(Database& database, const std::filesystem::path& file);

// Whether the file is a database of the first schema, which had no checksums.
bool IsFirstSchema(const std::filesystem::path& file);
// Copies runs, traces and counters of a database of the first schema.
absl::Status CopyFirstSchema(Database& from, Database& to);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_SCHEMA_H_

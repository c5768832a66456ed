// A database made anew from another one: of an older schema, or with what can be saved of a damaged one.
// Whoever replaces one holds the lock on its directory.
#ifndef ALLOCLAB_SERVER_STORE_STORE_COPY_H_
#define ALLOCLAB_SERVER_STORE_STORE_COPY_H_

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/store/data_lock.h"
#include "server/store/database.h"

namespace alloclab::server {

// A database-to-be, readable to nobody else from its first moment on; SQLite gives the files beside it the same mode.
absl::Status MakePrivateFile(const std::filesystem::path& file);

// Replaces a database of the first schema by one of this schema with the same rows. On an error the old one stays. REQUIRES:
// `lock` is on the directory of the file.
absl::Status UpgradeFirstSchema(const DataLock& lock, const std::filesystem::path& file);

// A table with checksums, and how its rows are found if the table itself cannot be walked.
struct SummedTable {
  const char* name;
  const char* row;  // "run": rows are named "run 7"
  const char* index;
  const char* whole;  // SQL: whether both checksums hold
};
const std::vector<SummedTable>& SummedTables();

// The ids of all rows that the table or its index know of.
std::set<std::uint64_t> FindIds(Database::Session& session, const SummedTable& table);
// OK if the row can be read and its checksums hold; otherwise why not.
absl::Status CheckRow(Database::Session& session, const SummedTable& table, std::uint64_t id);

// What stands beside traces and runs (schema.h) and is not what was written: "the owner of trace "..."", "the pin of run 7".
std::vector<std::string> DamagedBeside(Database::Session& session);

struct Saved {
  std::uint64_t rows = 0;
  std::vector<std::string> lost;  // "run 7"
  std::string kept_file;          // where the damaged database is now
};
// Replaces a database by one with every row that can be read and whose checksums hold. The damaged one is kept beside it.
// REQUIRES: `lock` is on the directory of the file.
absl::StatusOr<Saved> SaveRows(const DataLock& lock, const std::filesystem::path& file);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_STORE_COPY_H_

// What an operator does to a store: look whether it is whole, repair it, take out what is in it, make a second one of it.
#ifndef ALLOCLAB_SERVER_STORE_STORE_DOCTOR_H_
#define ALLOCLAB_SERVER_STORE_STORE_DOCTOR_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace alloclab::server {

struct StoreReport {
  std::uint64_t runs = 0, traces = 0;  // that are whole
  std::vector<std::string> damaged;    // "run 7: why", "the next instance id: why"
  std::vector<std::string> structure;  // what is wrong with pages and trees, at most 100
  std::string kept_file;               // of a repair: where the damaged database is now
  bool whole() const { return damaged.empty() && structure.empty(); }
};

// All of these are NOT_FOUND without a store, and INTERNAL when nothing of it can be read; all but BackupStore are
// FAILED_PRECONDITION while a server has the store open.

// Changes nothing.
absl::StatusOr<StoreReport> CheckStore(const std::filesystem::path& directory);
// Makes the database anew with every row that is whole, if it is damaged. The report says what was found; the damaged database
// is kept.
absl::StatusOr<StoreReport> RepairStore(const std::filesystem::path& directory);
// Writes every run that is whole into `to`/runs.jsonl, one v1.Run as JSON a line, and every trace as it was uploaded into
// `to`/traces/SHA256. `to` must not exist. The report says what was written and what was left out.
absl::StatusOr<StoreReport> ExportStore(const std::filesystem::path& directory, const std::filesystem::path& to);
// Makes `to`, which must not exist, a data directory with the store as it is at one moment of the call; a server may work on it
// meanwhile. Every page and row of the new one is verified, and the report is of that. On an error `to` is not there; DATA_LOSS
// if the store is damaged.
absl::StatusOr<StoreReport> BackupStore(const std::filesystem::path& directory, const std::filesystem::path& to);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_STORE_DOCTOR_H_

#include "server/store/store_copy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/time/clock.h"
#include "allocators/common/check.h"
#include "server/errors.h"
#include "server/store/schema.h"

namespace alloclab::server {
namespace {

std::filesystem::path With(const std::filesystem::path& file, const std::string& suffix) { return file.string() + suffix; }

// What a copy that was broken off left.
void RemoveDatabase(const std::filesystem::path& file) {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(With(file, suffix), ignored);
}

absl::Status Rename(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::error_code error;
  std::filesystem::rename(from, to, error);
  if (!error) return absl::OkStatus();
  return errors::StoreBroken(fmt::format("{} cannot be renamed to {}: {}", from.string(), to.string(), error.message()));
}

void SyncDirectory(const std::filesystem::path& directory) {
  const int descriptor = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  fsync(descriptor);
  close(descriptor);
}

absl::StatusOr<std::unique_ptr<Database>> MakeNew(const std::filesystem::path& file) {
  RemoveDatabase(file);
  if (absl::Status status = MakePrivateFile(file); !status.ok()) return status;
  auto made = Database::Open(file, Database::Mode::kReadWrite);
  if (!made.ok()) return made;
  if (absl::Status status = MakeTables(**made, file); !status.ok()) return status;
  return made;
}

// Every row of a table that is whole. Of a damaged row that does not fit the new table (two of one name), the first stays.
absl::Status CopyRows(Database::Session& from, Database::Session& to, const SummedTable& table, Saved& saved) {
  for (const std::uint64_t id : FindIds(from, table)) {
    absl::Status status = CheckRow(from, table, id);
    if (status.ok()) {
      Statement row = from.Prepare(fmt::format("SELECT * FROM {} WHERE id = ?", table.name));
      const absl::StatusOr<bool> there = row.Bind(id).Step();
      if (!there.ok()) return there.status();
      const char* const marks = std::string_view(table.name) == "run" ? "?,?,?,?,?,?,?,?,?,?,?,?,?,?,?" : "?,?,?,?,?,?,?,?,?,?";
      status = to.Prepare(fmt::format("INSERT INTO {} VALUES ({})", table.name, marks)).BindRow(row).Run();
      if (absl::IsResourceExhausted(status)) return status;
    }
    if (status.ok()) {
      ++saved.rows;
    } else {
      saved.lost.push_back(fmt::format("{} {}", table.row, id));
    }
  }
  return absl::OkStatus();
}

// Owners, pins and known results of the traces and runs that were saved.
absl::Status CopyBeside(Database::Session& from, Database::Session& to, Saved& saved) {
  const std::vector<std::string> lost = DamagedBeside(from);
  saved.lost.insert(saved.lost.end(), lost.begin(), lost.end());
  for (const auto& [read, write] :
       {std::pair{"SELECT sha256, owner, sum FROM trace_owner WHERE sum = row_sum(sha256, owner)",
                  "INSERT OR IGNORE INTO trace_owner SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM trace WHERE sha256 = ?1)"},
        std::pair{"SELECT key, run, digest, sum FROM known_result WHERE sum = row_sum(key, run, digest)",
                  "INSERT OR IGNORE INTO known_result SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM run WHERE id = ?2)"},
        std::pair{"SELECT id, sum FROM pinned_run WHERE sum = row_sum(id)",
                  "INSERT OR IGNORE INTO pinned_run SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM run WHERE id = ?1)"}}) {
    Statement rows = from.Prepare(read);
    for (absl::StatusOr<bool> row = rows.Step(); row.ok() && *row; row = rows.Step()) {
      if (absl::Status status = to.Prepare(write).BindRow(rows).Run(); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

// Ids given before are not given again: runs and traces go on behind the highest that is known, instances behind the counter
// or, if that is lost, behind any that can have been given so far.
absl::Status CopyCounters(Database::Session& from, Database::Session& to) {
  for (const SummedTable& table : SummedTables()) {
    Statement last = from.Prepare("SELECT max(seq) FROM sqlite_sequence WHERE name = ?");
    const absl::StatusOr<bool> row = last.Bind(table.name).Step();
    if (!row.ok() || !*row || last.Int(0) > INT64_MAX / 2) continue;
    Statement now = to.Prepare("SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = ?");
    const absl::StatusOr<bool> known = now.Bind(table.name).Step();
    if (!known.ok()) return known.status();
    const std::uint64_t highest = std::max(last.Int(0), now.Int(0));
    absl::Status status = to.Prepare("DELETE FROM sqlite_sequence WHERE name = ?").Bind(table.name).Run();
    if (status.ok()) status = to.Prepare("INSERT INTO sqlite_sequence VALUES (?, ?)").Bind(table.name).Bind(highest).Run();
    if (!status.ok()) return status;
  }
  auto next = static_cast<std::uint64_t>(absl::ToUnixMillis(absl::Now()));
  {
    Statement counter = from.Prepare("SELECT value FROM next_instance_id WHERE sum = row_sum(value)");
    const absl::StatusOr<bool> row = counter.Step();
    if (row.ok() && *row) next = counter.Int(0);
  }
  return to.Prepare("UPDATE next_instance_id SET value = ?1, sum = row_sum(?1)").Bind(next).Run();
}

// Puts the database aside under a name that is free, its log with it.
absl::StatusOr<std::filesystem::path> PutAside(const std::filesystem::path& file) {
  std::filesystem::path aside = With(file, ".damaged");
  for (int i = 2; std::filesystem::exists(aside); ++i) aside = With(file, fmt::format(".damaged-{}", i));
  if (std::filesystem::exists(With(file, "-wal"))) {
    if (absl::Status status = Rename(With(file, "-wal"), With(aside, "-wal")); !status.ok()) return status;
  }
  std::error_code error;
  std::filesystem::remove(With(file, "-shm"), error);
  std::filesystem::create_hard_link(file, aside, error);  // so that there is a database at every moment
  if (error) return errors::StoreBroken(fmt::format("{} cannot be put aside: {}", file.string(), error.message()));
  return aside;
}

}  // namespace

absl::Status MakePrivateFile(const std::filesystem::path& file) {
  const int descriptor = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor >= 0) {
    const bool made = fchmod(descriptor, 0600) == 0;
    close(descriptor);
    if (made) return absl::OkStatus();
  }
  return errors::DataDirectoryUnusable(file.parent_path().string(),
                                       fmt::format("{}: {}", file.filename().string(), std::strerror(errno)));
}

absl::Status UpgradeFirstSchema(const DataLock& lock, const std::filesystem::path& file) {
  ALLOCLAB_CHECK_EQ((lock.directory() / file.filename()).string(), file.string());
  const std::filesystem::path made_file = With(file, ".new");
  {
    auto from = Database::Open(file, Database::Mode::kFirstSchema);
    if (!from.ok()) return from.status();
    auto made = MakeNew(made_file);
    if (!made.ok()) return made.status();
    if (absl::Status status = CopyFirstSchema(**from, **made); !status.ok()) return status;
  }
  if (std::filesystem::exists(With(file, "-wal")) || std::filesystem::exists(With(made_file, "-wal"))) {
    return errors::StoreBroken(fmt::format("{}: its log could not be written into it", file.string()));
  }
  absl::Status status = Rename(made_file, file);
  SyncDirectory(file.parent_path());
  return status;
}

const std::vector<SummedTable>& SummedTables() {
  static const auto& tables = *new std::vector<SummedTable>{
      {"run", "run", "run_request", "head_sum = row_sum(" RUN_HEAD ") AND body_sum = row_sum(" RUN_BODY ")"},
      {"trace", "trace", "trace_digest", "head_sum = row_sum(" TRACE_HEAD ") AND body_sum = row_sum(" TRACE_BODY ")"}};
  return tables;
}

std::vector<std::string> DamagedBeside(Database::Session& session) {
  std::vector<std::string> damaged;
  Statement query = session.Prepare(
      "SELECT 'the owner of trace \"' || sha256 || '\"' FROM trace_owner WHERE sum <> row_sum(sha256, owner) "
      "UNION ALL SELECT 'the pin of run ' || id FROM pinned_run WHERE sum <> row_sum(id) "
      "UNION ALL SELECT 'the known result of run ' || run FROM known_result WHERE sum <> row_sum(key, run, digest)");
  for (absl::StatusOr<bool> row = query.Step(); row.ok() && *row; row = query.Step()) damaged.push_back(query.Text(0));
  return damaged;
}

std::set<std::uint64_t> FindIds(Database::Session& session, const SummedTable& table) {
  std::set<std::uint64_t> ids;
  // From both ends of the table as far as it goes, and from its index.
  for (const std::string& sql : {fmt::format("SELECT id FROM {} NOT INDEXED ORDER BY id", table.name),
                                 fmt::format("SELECT id FROM {} NOT INDEXED ORDER BY id DESC", table.name),
                                 fmt::format("SELECT id FROM {} INDEXED BY {}", table.name, table.index)}) {
    Statement query = session.Prepare(sql);
    for (absl::StatusOr<bool> row = query.Step(); row.ok() && *row; row = query.Step()) ids.insert(query.Int(0));
  }
  return ids;
}

absl::Status CheckRow(Database::Session& session, const SummedTable& table, std::uint64_t id) {
  Statement query = session.Prepare(fmt::format("SELECT {} FROM {} WHERE id = ?", table.whole, table.name));
  const absl::StatusOr<bool> row = query.Bind(id).Step();
  if (absl::IsDataLoss(row.status())) return absl::DataLossError("a page of it is damaged");
  if (!row.ok()) return row.status();
  if (!*row) return absl::DataLossError("its index knows it, the table does not");
  return query.Int(0) == 1 ? absl::OkStatus() : absl::DataLossError("it does not have the checksum that it was written with");
}

absl::StatusOr<Saved> SaveRows(const DataLock& lock, const std::filesystem::path& file) {
  ALLOCLAB_CHECK_EQ((lock.directory() / file.filename()).string(), file.string());
  const std::filesystem::path made_file = With(file, ".new");
  Saved saved;
  {
    auto from = Database::Open(file, Database::Mode::kSalvage);
    if (!from.ok()) return from.status();
    auto made = MakeNew(made_file);
    if (!made.ok()) return made.status();
    Database::Session old(**from), to(**made);
    absl::Status status = to.Transact([&] {
      for (const SummedTable& table : SummedTables()) {
        if (absl::Status copied = CopyRows(old, to, table, saved); !copied.ok()) return copied;
      }
      if (absl::Status copied = CopyBeside(old, to, saved); !copied.ok()) return copied;
      return CopyCounters(old, to);
    });
    if (!status.ok()) return status;
  }
  const absl::StatusOr<std::filesystem::path> aside = PutAside(file);
  if (!aside.ok()) return aside.status();
  saved.kept_file = aside->string();
  if (absl::Status status = Rename(made_file, file); !status.ok()) return status;
  SyncDirectory(file.parent_path());
  return saved;
}

}  // namespace alloclab::server

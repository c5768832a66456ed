// PostgresStore: which server has which instance.
#include <algorithm>
#include <cctype>
#include <utility>

#include "server/store/postgres_store.h"

namespace alloclab::server {
namespace {

// A server whose lease has run out, of $1 milliseconds; while the database was away nobody could renew his.
#define PG_SERVER_GONE "(lease_end < now() AND now() - pg_postmaster_start_time() > $1 * interval '1 millisecond')"

std::string TextOf(const PgResult& result, int row, int column) { return std::string(result.Bytes(row, column)); }

}  // namespace

void PostgresStore::Advertise(const std::string& address, const std::string& page) {
  const MutexLock lock(address_mutex_);
  address_ = address;
  page_ = page;
}

absl::StatusOr<std::optional<InstanceDirectory::Place>> PostgresStore::Claim(const Entry& entry) {
  std::optional<Place> taken;
  absl::Status status = Change([&](PgConnection& connection) -> absl::Status {
    const auto here = connection.Execute("SELECT 1 FROM server WHERE id = $1 FOR KEY SHARE", PgValues().Add(server_id_));
    if (!here.ok()) return here.status();
    if (here->rows() == 0) return absl::NotFoundError("this server is not in the lab's list");
    if (absl::Status claimed = ClaimIn(connection, entry); !claimed.ok()) return claimed;
    const auto holder =
        connection.Execute("SELECT s.id, s.name, s.address FROM instance i JOIN server s ON s.id = i.server WHERE i.name = $1",
                           PgValues().Add(entry.name));
    if (!holder.ok()) return holder.status();
    if (holder->rows() == 1 && holder->Int(0, 0) != server_id_) taken = Place{TextOf(*holder, 0, 1), TextOf(*holder, 0, 2)};
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return taken;
}

absl::Status PostgresStore::ClaimIn(PgConnection& connection, const Entry& entry) const {
  const auto gone = connection.Execute(
      "DELETE FROM server WHERE id = (SELECT server FROM instance WHERE name = $2) AND id <> $3 AND " PG_SERVER_GONE,
      PgValues().Add(LeaseMs()).Add(entry.name).Add(server_id_));
  if (!gone.ok()) return gone.status();
  PgValues values;
  values.Add(entry.name).Add(entry.id).Add(entry.owner).Add(server_id_);
  return connection
      .Execute(
          "INSERT INTO instance VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE SET id = excluded.id, "
          "owner = excluded.owner WHERE instance.server = $4",
          values)
      .status();
}

absl::Status PostgresStore::Release(const Entry& entry) {
  return Execute("DELETE FROM instance WHERE name = $1 AND id = $2 AND server = $3",
                 PgValues().Add(entry.name).Add(entry.id).Add(server_id_))
      .status();
}

absl::StatusOr<bool> PostgresStore::RenewInstances() {
  const auto renewed = Execute("UPDATE server SET lease_end = now() + $1 * interval '1 millisecond' WHERE id = $2",
                               PgValues().Add(LeaseMs()).Add(server_id_));
  if (!renewed.ok()) return renewed.status();
  return renewed->changed() == 1;
}

absl::Status PostgresStore::Restore(const std::vector<Entry>& mine) {
  std::string address, page;
  {
    const MutexLock lock(address_mutex_);
    address = address_;
    page = page_;
  }
  return Change([&](PgConnection& connection) -> absl::Status {
    PgValues here;
    here.Add(LeaseMs()).Add(server_id_).Add(settings_.server_name).Add(address).Add(page);
    const auto entered = connection.Execute(
        "INSERT INTO server (id, name, address, page, lease_end) VALUES ($2, $3, $4, $5, now() + $1 * interval '1 "
        "millisecond') ON CONFLICT (id) DO UPDATE SET address = excluded.address, page = excluded.page, "
        "lease_end = excluded.lease_end",
        here);
    if (!entered.ok()) return entered.status();
    const auto cleared = connection.Execute("DELETE FROM instance WHERE server = $1", PgValues().Add(server_id_));
    if (!cleared.ok()) return cleared.status();
    for (const Entry& entry : mine) {
      if (absl::Status claimed = ClaimIn(connection, entry); !claimed.ok()) return claimed;
    }
    return absl::OkStatus();
  });
}

absl::Status PostgresStore::Leave() { return Execute("DELETE FROM server WHERE id = $1", PgValues().Add(server_id_)).status(); }

absl::StatusOr<std::optional<InstanceDirectory::Place>> PostgresStore::FindElsewhere(std::string_view name_or_id) const {
  const bool is_id = !name_or_id.empty() && name_or_id.size() <= 18 &&
                     std::all_of(name_or_id.begin(), name_or_id.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  PgValues values;
  values.Add(LeaseMs()).Add(server_id_).Add(name_or_id).Add(is_id ? std::stoull(std::string(name_or_id)) : 0);
  const auto found = Execute(
      "SELECT s.name, s.address, s.page FROM instance i JOIN server s ON s.id = i.server "
      "WHERE s.id <> $2 AND (i.name = $3 OR i.id = $4) AND NOT " PG_SERVER_GONE,
      values);
  if (!found.ok()) return found.status();
  if (found->rows() == 0) return std::nullopt;
  return Place{TextOf(*found, 0, 0), TextOf(*found, 0, 1), TextOf(*found, 0, 2)};
}

absl::StatusOr<std::vector<InstanceDirectory::Other>> PostgresStore::ListElsewhere(std::size_t limit) const {
  const auto found = Execute(
      "SELECT i.name, i.id, i.owner, s.name, s.address, s.page FROM instance i JOIN server s ON s.id = i.server "
      "WHERE s.id <> $2 AND NOT " PG_SERVER_GONE " ORDER BY i.name LIMIT $3",
      PgValues().Add(LeaseMs()).Add(server_id_).Add(std::uint64_t{limit}));
  if (!found.ok()) return found.status();
  std::vector<Other> others;
  for (int row = 0; row < found->rows(); ++row) {
    others.push_back({{TextOf(*found, row, 0), found->Int(row, 1), TextOf(*found, row, 2)},
                      {TextOf(*found, row, 3), TextOf(*found, row, 4), TextOf(*found, row, 5)}});
  }
  return others;
}

}  // namespace alloclab::server

// Which server of a lab has which instance, in a store that several servers share. Instances live in the memory of the server
// that made them; here stand their names, so that each is the only one of its name and every server can say where it is.
//
// A server's entries hold for a lease, which it renews. When it does not, it is gone with its instances, and others may take
// their names; leases are measured by the clock of the database alone, and one that ran out while the database was away holds
// once more as long.
//
// Errors as run_store.h has them. Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_STORE_INSTANCE_DIRECTORY_H_
#define ALLOCLAB_SERVER_STORE_INSTANCE_DIRECTORY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace alloclab::server {

class InstanceDirectory {
 public:
  virtual ~InstanceDirectory() = default;

  virtual absl::Duration lease() const = 0;

  struct Entry {
    std::string name;
    std::uint64_t id = 0;
    std::string owner;  // empty: nobody's
  };
  struct Place {
    std::string server, address;  // its name, for people to read, and where clients reach it
    std::string page = {};        // of its web page; empty: it has none
  };
  // An instance of another server.
  struct Other {
    Entry entry;
    Place place;
  };

  // Where clients and browsers reach this server; others are told so from the next Restore on.
  virtual void Advertise(const std::string& address, const std::string& page) = 0;

  // The name is this server's, and stands for `entry`. A place: it is another's, who is there. NOT_FOUND: this server is not;
  // see Restore.
  virtual absl::StatusOr<std::optional<Place>> Claim(const Entry& entry) = 0;
  // It is nobody's; that of another entry, or of another server, is left alone.
  virtual absl::Status Release(const Entry& entry) = 0;

  // Renews this server's lease. False: it is not there any more, or was never; see Restore.
  virtual absl::StatusOr<bool> RenewInstances() = 0;
  // This server is there, with these of its instances and no others; but for names that others took meanwhile.
  virtual absl::Status Restore(const std::vector<Entry>& mine) = 0;
  // This server goes, and all that is its.
  virtual absl::Status Leave() = 0;

  // By name, or by id in decimal digits: an instance of another server, who is there.
  virtual absl::StatusOr<std::optional<Place>> FindElsewhere(std::string_view name_or_id) const = 0;
  // By name, at most `limit`.
  virtual absl::StatusOr<std::vector<Other>> ListElsewhere(std::size_t limit) const = 0;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_INSTANCE_DIRECTORY_H_

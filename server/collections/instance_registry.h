// The instances that live in this server, by id and by name.
//
// Thread safety: all methods may be called from any thread. An instance found stays usable after it was deleted, but refuses.
#ifndef ALLOCLAB_SERVER_COLLECTIONS_INSTANCE_REGISTRY_H_
#define ALLOCLAB_SERVER_COLLECTIONS_INSTANCE_REGISTRY_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "allocators/common/mutex.h"
#include "server/collections/heap_directory.h"
#include "server/entities/instance_request.h"
#include "server/entities/live_instance.h"
#include "server/store/id_source.h"
#include "server/store/instance_directory.h"

namespace alloclab::server {

class InstanceRegistry {
 public:
  // `ids`, `heaps` and `directory`, which may be null: there are no other servers, outlive the registry.
  InstanceRegistry(IdSource& ids, HeapDirectory& heaps, std::shared_ptr<HostBudget> budget, std::uint32_t instances_max,
                   std::uint32_t instances_of_one_max = UINT32_MAX,  // of an owner
                   InstanceDirectory* directory = nullptr);

  // INVALID_ARGUMENT: the configuration; ALREADY_EXISTS: the name, or request_id with another request; RESOURCE_EXHAUSTED.
  absl::StatusOr<std::shared_ptr<LiveInstance>> Create(const InstanceRequest& request) ABSL_LOCKS_EXCLUDED(mutex_);

  // By name, or by id in decimal digits. NOT_FOUND; FAILED_PRECONDITION: another server has it (errors::InstanceElsewhere);
  // UNAVAILABLE: it is not here, and the store does not say whether another has it.
  absl::StatusOr<std::shared_ptr<LiveInstance>> Find(std::string_view name_or_id) const ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Delete(std::string_view name_or_id) ABSL_LOCKS_EXCLUDED(mutex_);

  // By id, those above `after_id`, at most `limit`.
  std::vector<std::shared_ptr<LiveInstance>> List(std::uint64_t after_id, std::size_t limit) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Of other servers, by name, at most `limit`.
  absl::StatusOr<std::vector<InstanceDirectory::Other>> ListElsewhere(std::size_t limit) const;
  std::uint32_t size() const ABSL_LOCKS_EXCLUDED(mutex_);
  std::uint32_t instances_max() const { return instances_max_; }

  // With a directory: tells it where this server is reached; has to be called every tenth of its lease; says goodbye.
  void Advertise(const std::string& address, const std::string& page = "") ABSL_LOCKS_EXCLUDED(mutex_);
  void Beat() ABSL_LOCKS_EXCLUDED(mutex_);
  void Leave();

 private:
  using InstancePtr = std::shared_ptr<LiveInstance>;
  struct Entry {
    InstancePtr instance;
    std::uint64_t heap_key = 0;  // in the directory of heaps
  };
  struct Remembered {
    std::string fingerprint, name;
    std::uint64_t id = 0;
  };

  absl::StatusOr<InstancePtr> CreateHere(const InstanceRequest& request, std::uint64_t claimed_id) ABSL_LOCKS_EXCLUDED(mutex_);
  // With a directory (instance_registry_shared.cc).
  static std::string NameOf(std::uint64_t id) { return "instance-" + std::to_string(id); }
  // Id and name of an instance that is being made from then on; id 0: there is one of that name here.
  absl::StatusOr<InstanceDirectory::Entry> Begin(const InstanceRequest& request) ABSL_LOCKS_EXCLUDED(mutex_);
  // The name is this server's from then on; ALREADY_EXISTS: it is another's.
  absl::Status Claim(const InstanceDirectory::Entry& entry) ABSL_LOCKS_EXCLUDED(mutex_);
  void Release(const InstanceDirectory::Entry& entry);
  absl::Status Restore() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status NotHere(std::string_view name_or_id) const;
  std::map<std::uint64_t, Entry>::const_iterator FindLocked(std::string_view name_or_id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CheckRoomFor(const std::string& owner) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Insert(const InstancePtr& instance) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<InstancePtr> Repeated(const InstanceRequest& request) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Remember(const InstanceRequest& request, const InstancePtr& instance) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The oldest of who has the most, with one more of `owner`'s. REQUIRES: there are some.
  void ForgetOneFor(const std::string& owner) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  IdSource& ids_;
  HeapDirectory& heaps_;
  const std::shared_ptr<HostBudget> budget_;
  const std::uint32_t instances_max_, instances_of_one_max_;

  InstanceDirectory* const directory_;
  std::atomic<bool> restore_{false};  // what the directory has of this server is not what there is

  mutable Mutex mutex_;
  std::map<std::string, InstanceDirectory::Entry> being_made_ ABSL_GUARDED_BY(mutex_);  // by name
  std::uint64_t begun_ ABSL_GUARDED_BY(mutex_) = 0;                                     // how many were, so far
  std::map<std::uint64_t, Entry> by_id_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::uint64_t> by_name_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::uint32_t> by_owner_ ABSL_GUARDED_BY(mutex_);  // how many; nobody is no owner
  absl::flat_hash_map<std::string, Remembered> by_request_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::deque<std::string>> requests_of_ ABSL_GUARDED_BY(mutex_);  // by owner, oldest first
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_COLLECTIONS_INSTANCE_REGISTRY_H_

// InstanceRegistry: among other servers of one lab (server/store/instance_directory.h).
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "server/collections/instance_registry.h"
#include "server/errors.h"

namespace alloclab::server {

absl::StatusOr<std::shared_ptr<LiveInstance>> InstanceRegistry::Create(const InstanceRequest& request) {
  if (directory_ == nullptr) return CreateHere(request, /*claimed_id=*/0);
  const absl::StatusOr<InstanceDirectory::Entry> entry = Begin(request);
  if (!entry.ok()) return entry.status();
  if (entry->id == 0) return CreateHere(request, /*claimed_id=*/0);  // the name is known here; that says what it means
  const absl::Cleanup end = [&] {
    const MutexLock lock(mutex_);
    being_made_.erase(entry->name);
  };
  if (absl::Status claimed = Claim(*entry); !claimed.ok()) return claimed;
  InstanceRequest named = request;
  named.name = entry->name;
  absl::StatusOr<InstancePtr> instance = CreateHere(named, entry->id);
  if (!instance.ok() || (*instance)->id() != entry->id) Release(*entry);  // an earlier one is the answer
  return instance;
}

absl::StatusOr<InstanceDirectory::Entry> InstanceRegistry::Begin(const InstanceRequest& request) {
  while (true) {
    const absl::StatusOr<std::uint64_t> id = ids_.Next();
    if (!id.ok()) return id.status();
    InstanceDirectory::Entry entry{request.name.empty() ? NameOf(*id) : request.name, *id, request.owner};
    const MutexLock lock(mutex_);
    if (by_name_.contains(entry.name)) {
      if (request.name.empty()) continue;  // somebody chose it
      entry.id = 0;
      return entry;
    }
    if (!being_made_.emplace(entry.name, entry).second) return errors::InstanceBeingMade(entry.name);
    ++begun_;
    return entry;
  }
}

absl::Status InstanceRegistry::Claim(const InstanceDirectory::Entry& entry) {
  absl::StatusOr<std::optional<InstanceDirectory::Place>> taken = directory_->Claim(entry);
  if (absl::IsNotFound(taken.status())) {
    if (absl::Status restored = Restore(); !restored.ok()) return restored;
    taken = directory_->Claim(entry);
  }
  if (!taken.ok()) return taken.status();
  if (!taken->has_value()) return absl::OkStatus();
  return errors::InstanceNameTakenBy(entry.name, (*taken)->server, (*taken)->address);
}

void InstanceRegistry::Release(const InstanceDirectory::Entry& entry) {
  if (!directory_->Release(entry).ok()) restore_ = true;
}

absl::Status InstanceRegistry::Restore() {
  std::vector<InstanceDirectory::Entry> mine;
  std::uint64_t begun = 0;
  {
    const MutexLock lock(mutex_);
    for (const auto& [id, here] : by_id_) mine.push_back({here.instance->name(), id, here.instance->owner()});
    for (const auto& [name, entry] : being_made_) mine.push_back(entry);
    begun = begun_;
  }
  absl::Status status = directory_->Restore(mine);
  const MutexLock lock(mutex_);
  if (!status.ok() || begun != begun_) restore_ = true;  // what began meanwhile may have been left out
  return status;
}

void InstanceRegistry::Advertise(const std::string& address, const std::string& page) {
  if (directory_ == nullptr) return;
  directory_->Advertise(address, page);
  Restore().IgnoreError();  // Beat goes on trying
}

void InstanceRegistry::Beat() {
  if (directory_ == nullptr) return;
  const absl::StatusOr<bool> there = directory_->RenewInstances();
  if (!there.ok()) return;  // the store has logged why
  if (restore_.exchange(false) || !*there) Restore().IgnoreError();
}

void InstanceRegistry::Leave() {
  if (directory_ != nullptr) directory_->Leave().IgnoreError();  // or its lease runs out
}

absl::Status InstanceRegistry::NotHere(std::string_view name_or_id) const {
  if (directory_ == nullptr) return errors::InstanceNotFound(name_or_id);
  const auto place = directory_->FindElsewhere(name_or_id);
  if (!place.ok()) return place.status();
  if (!place->has_value()) return errors::InstanceNotFound(name_or_id);
  return errors::InstanceElsewhere(name_or_id, (*place)->server, (*place)->address, (*place)->page);
}

absl::StatusOr<std::vector<InstanceDirectory::Other>> InstanceRegistry::ListElsewhere(std::size_t limit) const {
  if (directory_ == nullptr) return std::vector<InstanceDirectory::Other>();
  return directory_->ListElsewhere(limit);
}

}  // namespace alloclab::server

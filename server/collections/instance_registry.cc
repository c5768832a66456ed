#include "server/collections/instance_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "allocators/catalog/guests.h"
#include "allocators/workload/host_need.h"
#include "server/collections/owner_with_most.h"
#include "server/entities/machine.h"
#include "server/errors.h"
#include "server/limits.h"

namespace alloclab::server {
namespace {

std::optional<std::uint64_t> ParseId(std::string_view text) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

HeapReading Read(LiveInstance& instance) { return MakeHeapReading(instance.name(), instance.config(), instance.Sample()); }

}  // namespace

InstanceRegistry::InstanceRegistry(IdSource& ids, HeapDirectory& heaps, std::shared_ptr<HostBudget> budget,
                                   std::uint32_t instances_max, std::uint32_t instances_of_one_max,
                                   InstanceDirectory* directory)
    : ids_(ids),
      heaps_(heaps),
      budget_(std::move(budget)),
      instances_max_(instances_max),
      instances_of_one_max_(instances_of_one_max),
      directory_(directory) {}

absl::Status InstanceRegistry::CheckRoomFor(const std::string& owner) const {
  if (by_id_.size() >= instances_max_) return errors::TooManyInstances(instances_max_);
  const auto owned = by_owner_.find(owner);
  if (owned == by_owner_.end() || owned->second < instances_of_one_max_) return absl::OkStatus();
  return errors::TooManyInstancesOf(owner, instances_of_one_max_);
}

absl::StatusOr<std::shared_ptr<LiveInstance>> InstanceRegistry::CreateHere(const InstanceRequest& request,
                                                                           std::uint64_t claimed_id) {
  const std::shared_ptr<HostBudget> budget = budget_->Of(request.owner);
  MemoryLease building(budget);
  std::optional<absl::StatusOr<std::unique_ptr<Instance>>> machine;
  // A program may take its time over its initialisation: others need not wait for that.
  if (RunsProgram(request.config)) {
    if (absl::Status status = building.Take(MachineHostNeed(request.config)); !status.ok()) return status;
    machine = BuildMachine(request.config);
  }
  const MutexLock lock(mutex_);
  if (!request.request_id.empty() && by_request_.contains(request.request_id)) return Repeated(request);
  if (absl::Status status = CheckRoomFor(request.owner); !status.ok()) return status;
  if (by_name_.contains(request.name)) return errors::InstanceNameTaken(request.name);
  if (!machine) {
    if (absl::Status status = building.Take(MachineHostNeed(request.config)); !status.ok()) return status;
    machine = BuildMachine(request.config);
  }
  if (!machine->ok()) return machine->status();
  const std::uint64_t ram_bytes = (**machine)->config().ram_bytes;
  if (absl::Status status = budget->Promise(ram_bytes); !status.ok()) return status;
  absl::Cleanup release = [&] { budget->Release(ram_bytes); };
  std::uint64_t id = claimed_id;
  std::string name = request.name;
  while (id == 0 || by_name_.contains(name)) {
    const absl::StatusOr<std::uint64_t> next = ids_.Next();
    if (!next.ok()) return next.status();
    id = *next;
    if (request.name.empty()) name = NameOf(id);
  }
  std::move(release).Cancel();
  building.Settle(0);  // the instance counts for itself

  auto instance = std::make_shared<LiveInstance>(id, name, **std::move(machine), budget, request.opened, request.owner);
  Insert(instance);
  if (!request.request_id.empty()) Remember(request, instance);
  return instance;
}

void InstanceRegistry::Insert(const InstancePtr& instance) {
  const std::uint64_t key = heaps_.Enter(
      HeapDirectory::Kind::kInstance, instance->name(), [instance] { return Read(*instance); }, instance->owner());
  by_id_.emplace(instance->id(), Entry{instance, key});
  by_name_.emplace(instance->name(), instance->id());
  if (!instance->owner().empty()) ++by_owner_[instance->owner()];
}

absl::StatusOr<std::shared_ptr<LiveInstance>> InstanceRegistry::Repeated(const InstanceRequest& request) const {
  const Remembered& first = by_request_.at(request.request_id);
  if (first.fingerprint != request.fingerprint) return errors::RequestIdReused(request.request_id);
  const auto found = by_id_.find(first.id);
  if (found == by_id_.end()) return errors::InstanceDeleted(first.name);
  return found->second.instance;
}

void InstanceRegistry::Remember(const InstanceRequest& request, const InstancePtr& instance) {
  if (by_request_.size() >= kRememberedCreationsMax) ForgetOneFor(request.owner);
  by_request_.emplace(request.request_id, Remembered{request.fingerprint, instance->name(), instance->id()});
  requests_of_[request.owner].push_back(request.request_id);
}

void InstanceRegistry::ForgetOneFor(const std::string& owner) {
  std::map<std::string, std::uint64_t> of_owner;
  for (const auto& [other, requests] : requests_of_) of_owner[other] = requests.size();
  ++of_owner[owner];
  auto most = requests_of_.find(OwnerWithMost(of_owner, owner));
  if (most == requests_of_.end()) most = requests_of_.begin();  // each has one
  by_request_.erase(most->second.front());
  most->second.pop_front();
  if (most->second.empty()) requests_of_.erase(most);
}

absl::StatusOr<std::shared_ptr<LiveInstance>> InstanceRegistry::Find(std::string_view name_or_id) const {
  if (name_or_id.empty()) return errors::BadField("instance", "not set; the name or id of an instance is expected");
  {
    const MutexLock lock(mutex_);
    if (const auto found = FindLocked(name_or_id); found != by_id_.end()) return found->second.instance;
  }
  return NotHere(name_or_id);
}

std::map<std::uint64_t, InstanceRegistry::Entry>::const_iterator InstanceRegistry::FindLocked(
    std::string_view name_or_id) const {
  if (const std::optional<std::uint64_t> id = ParseId(name_or_id)) return by_id_.find(*id);
  const auto named = by_name_.find(std::string(name_or_id));
  return named == by_name_.end() ? by_id_.end() : by_id_.find(named->second);
}

absl::Status InstanceRegistry::Delete(std::string_view name_or_id) {
  if (absl::Status status = Find(name_or_id).status(); !status.ok()) return status;
  Entry entry;
  {
    const MutexLock lock(mutex_);
    const auto found = FindLocked(name_or_id);
    if (found == by_id_.end()) return errors::InstanceNotFound(name_or_id);
    entry = found->second;
    by_name_.erase(entry.instance->name());
    if (const auto owned = by_owner_.find(entry.instance->owner()); owned != by_owner_.end() && --owned->second == 0) {
      by_owner_.erase(owned);
    }
    by_id_.erase(found);
  }
  entry.instance->Close();  // outside the lock: a batch may be under way
  heaps_.Leave(entry.heap_key, Read(*entry.instance));
  budget_->Of(entry.instance->owner())->Release(entry.instance->config().ram_bytes);
  if (directory_ != nullptr) Release({entry.instance->name(), entry.instance->id(), entry.instance->owner()});
  return absl::OkStatus();
}

std::vector<std::shared_ptr<LiveInstance>> InstanceRegistry::List(std::uint64_t after_id, std::size_t limit) const {
  const MutexLock lock(mutex_);
  std::vector<InstancePtr> instances;
  for (auto it = by_id_.upper_bound(after_id); it != by_id_.end() && instances.size() < limit; ++it) {
    instances.push_back(it->second.instance);
  }
  return instances;
}

std::uint32_t InstanceRegistry::size() const {
  const MutexLock lock(mutex_);
  return static_cast<std::uint32_t>(by_id_.size());
}

}  // namespace alloclab::server

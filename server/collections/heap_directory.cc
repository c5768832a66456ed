#include "server/collections/heap_directory.h"

#include <string>
#include <utility>

#include "allocators/catalog/guests.h"
#include "server/collections/heap_sum.h"
#include "server/collections/owner_with_most.h"
#include "server/limits.h"

namespace alloclab::server {

HeapReading MakeHeapReading(const std::string& heap, const InstanceConfig& config, Snapshot state) {
  HeapReading reading;
  reading.lab_instance = heap;
  reading.heap_allocator = ShownName(config.heap_allocator);
  reading.page_allocator = ShownName(config.page_allocator);
  reading.guarded = config.guarded;
  reading.state = std::move(state);
  reading.arena_bytes = reading.state.pages.arena.bytes;
  reading.broken_page_lists = reading.state.pages.broken.has_value();
  if (reading.state.heap) {
    reading.broken_heaps = reading.state.heap->broken.has_value();
    reading.size_bytes = reading.state.heap->size_bytes();
    reading.limit_bytes = reading.state.heap->limit - reading.state.heap->start;
  }
  return reading;
}

std::uint64_t HeapDirectory::Enter(Kind kind, const std::string& heap, Sampler sample, const std::string& owner,
                                   MonotonicTime now) {
  const MutexLock lock(mutex_);
  Expire(now);
  std::erase_if(named_, [&](const auto& item) { return item.second.heap == heap && item.second.last; });
  const std::uint64_t key = next_key_++;
  if (MakeRoom(kind, owner)) {
    named_.emplace(key, Entry{kind, owner, heap, std::move(sample), std::nullopt});
  } else {
    others_.emplace(key, std::move(sample));
  }
  return key;
}

bool HeapDirectory::MakeRoom(Kind kind, const std::string& owner) {
  std::map<std::string, std::uint64_t> of_owner;
  std::size_t count = 0;
  for (const auto& [key, entry] : named_) {
    if (entry.kind != kind) continue;
    ++count;
    ++of_owner[entry.owner];
  }
  if (count < (kind == Kind::kInstance ? limits_.instances : limits_.runs)) return true;
  ++of_owner[owner];
  const std::string most = OwnerWithMost(of_owner, owner);
  if (most == owner) return false;
  auto oldest = named_.end();  // of those that have left, if there are some
  for (auto it = named_.begin(); it != named_.end(); ++it) {
    if (it->second.kind != kind || it->second.owner != most) continue;
    if (oldest == named_.end() || (it->second.last && !oldest->second.last)) oldest = it;
  }
  if (!oldest->second.last) others_.emplace(oldest->first, std::move(oldest->second.sample));
  named_.erase(oldest);
  return true;
}

void HeapDirectory::Leave(std::uint64_t key, HeapReading last, MonotonicTime now) {
  const MutexLock lock(mutex_);
  if (others_.erase(key) != 0) {
    AddCounters(SumFor(last, retired_), last);
    return;
  }
  const auto entry = named_.find(key);
  if (entry == named_.end()) return;
  entry->second.sample = nullptr;
  entry->second.last = std::move(last);
  entry->second.left_at = now;
}

void HeapDirectory::Expire(MonotonicTime now) {
  std::erase_if(named_, [&](const auto& item) { return item.second.last && now - item.second.left_at > kRunLinger; });
}

std::vector<HeapReading> HeapDirectory::Read(MonotonicTime now) {
  std::vector<HeapReading> readings;
  std::vector<Sampler> named;
  {
    const MutexLock lock(mutex_);
    Expire(now);
    for (const auto& [key, entry] : named_) {
      if (entry.last) {
        readings.push_back(*entry.last);
      } else {
        named.push_back(entry.sample);
      }
    }
  }
  for (const Sampler& sample : named) readings.push_back(sample());
  for (auto& [allocators, sum] : SumOthers(now)) readings.push_back(std::move(sum));
  return readings;
}

OtherHeaps HeapDirectory::SumOthers(MonotonicTime now) {
  const MutexLock sums_lock(sums_mutex_);
  if (now < sums_until_) return sums_;
  std::vector<Sampler> others;
  {
    const MutexLock lock(mutex_);
    for (const auto& [key, sample] : others_) others.push_back(sample);
    sums_ = retired_;  // in the same moment as others_: each heap is in exactly one of them
  }
  for (const Sampler& sample : others) {
    const HeapReading reading = sample();
    HeapReading& sum = SumFor(reading, sums_);
    AddCounters(sum, reading);
    AddGauges(sum, reading);
  }
  sums_until_ = others.size() > kOthersReadMax ? now + kOthersAgeMax : MonotonicTime::InfinitePast();
  return sums_;
}

}  // namespace alloclab::server

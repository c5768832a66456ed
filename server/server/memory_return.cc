#include "server/server/memory_return.h"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "server/limits.h"

namespace alloclab::server {
namespace {

std::uint64_t FreeBytes() { return mallinfo2().fordblks; }

absl::Duration ProcessorTime() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return absl::DurationFromTimeval(usage.ru_utime) + absl::DurationFromTimeval(usage.ru_stime);
}

}  // namespace

void BoundArenas() {
  const unsigned cores = std::max(std::thread::hardware_concurrency(), 1u);
  mallopt(M_ARENA_MAX, static_cast<int>(kArenasPerCore * cores));
}

bool ReturnRule::IsDue(std::uint64_t released_bytes, absl::Duration processor_time, FreeBytes free_bytes) {
  const bool is_quiet = processor_time - processor_time_ <= kQuietProcessorShare * kMemoryReturnInterval;
  processor_time_ = processor_time;
  if (released_bytes - released_bytes_ >= kMemoryReturnBytes) return true;
  if (!is_quiet) return false;
  const std::uint64_t free = free_bytes();
  free_bytes_ = std::min(free_bytes_, free);
  return free - free_bytes_ >= kQuietReturnBytes;
}

void ReturnRule::Returned(std::uint64_t released_bytes, std::uint64_t free_bytes) {
  released_bytes_ = released_bytes;
  free_bytes_ = free_bytes;
}

MemoryReturn::MemoryReturn(std::shared_ptr<const HostBudget> budget)
    : budget_(std::move(budget)), ticker_(kMemoryReturnInterval, [this] { Look(); }) {}

void MemoryReturn::Look() {
  const std::uint64_t released = budget_->released_bytes();
  if (!rule_.IsDue(released, ProcessorTime(), FreeBytes)) return;
  malloc_trim(0);
  rule_.Returned(released, FreeBytes());
}

}  // namespace alloclab::server

#include "server/server/memory_return.h"

#include <malloc.h>

#include <utility>

#include "server/limits.h"

namespace alloclab::server {

MemoryReturn::MemoryReturn(std::shared_ptr<const HostBudget> budget)
    : budget_(std::move(budget)), ticker_(kMemoryReturnInterval, [this] { Look(); }) {}

void MemoryReturn::Look() {
  const std::uint64_t released = budget_->released_bytes();
  if (released - returned_bytes_ < kMemoryReturnBytes) return;
  returned_bytes_ = released;
  malloc_trim(0);
}

}  // namespace alloclab::server
